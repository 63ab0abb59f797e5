"""What the pages for operators name exists: commands with their options, variables, targets, links."""

import re
import shlex
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from limner_allinone.__main__ import _parser
from limner_allinone.settings import BackupSettings
from limner_annotations.settings import AnnotationsSettings
from limner_api.settings import ApiSettings
from limner_common.settings import ServiceSettings
from limner_exports.settings import ExportsSettings
from limner_media.settings import MediaSettings
from tests.architecture.sources import ROOT

PAGES = sorted((ROOT / "docs/operate").glob("*.md"))
SETTINGS: tuple[type[BaseSettings], ...] = (
    ServiceSettings,
    BackupSettings,
    ApiSettings,
    MediaSettings,
    AnnotationsSettings,
    ExportsSettings,
)
#: Read by the command itself, before there are settings.
OWN_VARIABLES = {"LIMNER_HOME", "LIMNER_ADMIN_USER", "LIMNER_ADMIN_PASSWORD", "LIMNER_ADMIN_EMAIL"}
_BLOCK = re.compile(r"^```(?:sh)?\n(.*?)^```", re.DOTALL | re.MULTILINE)

pytestmark = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def _command_lines(page: Path) -> list[list[str]]:
    lines = "\n".join(_BLOCK.findall(page.read_text())).replace("\\\n", " ").splitlines()
    found = [line.partition("| limner ")[2] or line.removeprefix("limner ") for line in lines if "limner " in line]
    kept = [line for line, whole in zip(found, (one for one in lines if "limner " in one), strict=True) if line != whole]
    return [shlex.split(line, comments=True) for line in kept]


def test_commands_in_blocks_are_understood(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in _command_lines(page):
        monkeypatch.setattr("sys.argv", ["limner", *words])
        try:
            _parser().parse_args(words)
        except SystemExit:
            pytest.fail(f"{page.name}: limner {' '.join(words)}")


def test_commands_in_sentences_exist(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in re.findall(r"`limner ([a-z][a-z -]*)", _BLOCK.sub("", page.read_text())):
        words = [word for word in text.split() if not word.startswith("-")]
        monkeypatch.setattr("sys.argv", ["limner", *words])
        with pytest.raises(SystemExit) as end:
            _parser().parse_args([*words, "--help"])
        assert end.value.code == 0, f"{page.name}: limner {text}: {capsys.readouterr().err}"


def test_variables_are_settings(page: Path) -> None:
    known = {f"{one.model_config['env_prefix']}{name.upper()}" for one in SETTINGS for name in one.model_fields}
    named = set(re.findall(r"\bLIMNER_[A-Z0-9_]*[A-Z0-9]\b(?![_…*])", page.read_text()))
    assert named - known - OWN_VARIABLES == set()


def test_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z0-9-]+)", page.read_text()))
    assert named <= targets


def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
