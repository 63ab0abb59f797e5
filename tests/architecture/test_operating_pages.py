"""What the pages for operators name exists: commands with their options, variables, targets, links."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

from limner_allinone.__main__ import _parser
from limner_allinone.settings import BackupSettings
from limner_annotations.settings import AnnotationsSettings
from limner_api.settings import ApiSettings
from limner_common.settings import ServiceSettings
from limner_exports.settings import ExportsSettings
from limner_media.settings import MediaSettings
from tests.architecture.sources import ROOT

PAGES = sorted([*(ROOT / "docs/operate").glob("*.md"), *(ROOT / "deploy").rglob("README.md")])
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
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: At the start of a line, at the end of a pipe, or given to a container that runs.
_COMMAND = re.compile(r"^(?:.*(?:\|| --) )?limner (.+)$", re.MULTILINE)

pytestmark = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def _blocks(page: Path, *languages: str) -> list[str]:
    return [text for language, text in _BLOCK.findall(page.read_text()) if language in languages]


def _containers(page: Path) -> Iterator[list[str]]:
    """The arguments of each of our containers in the manifests of a page."""
    for document in map(yaml.safe_load, _blocks(page, "yaml")):
        for container in document.get("spec", {}).get("containers", ()):
            assert "limner/tools:" in container["image"], container
            yield container["args"]


def _command_lines(page: Path) -> list[list[str]]:
    lines = _COMMAND.findall("\n".join(_blocks(page, "", "sh")).replace("\\\n", " "))
    return [*(shlex.split(line, comments=True) for line in lines), *_containers(page)]


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
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text())
    assert [link for link, part in links if not _is_there(page.parent / link if link else page, part)] == []


def _is_there(path: Path, part: str) -> bool:
    """Whether a file is there and has a heading that a link's part means."""
    if not part:
        return path.exists()
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return part in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
