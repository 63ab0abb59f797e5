"""What lies in the repository is complete, up to date and says nothing of one machine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, tracked_files

_BINARY = {".png", ".jpg", ".zip", ".mp4", ".pdf", ".ico", ".woff2", ".gz"}
#: Recorded answers of another server, and a lock whose format demands addresses that npm replaces by its setting.
_NOT_OURS = ("tests/golden/", "web/package-lock.json")
#: Folders in which machines keep checkouts, and the one this checkout lies in: such a path says where somebody worked.
_MACHINE_PATHS = re.compile(rf"(?<![\w./])(?:/(?:work|root|Users|workspace)/[\w.-]+|{re.escape(str(ROOT))}\b)")
_REGISTRIES = re.compile(
    r"index-url|find-links|extra-index|pypi\.org|pythonhosted|registry\.npmjs|npmmirror|artifactory|nexus|devpi|"
    r"--trusted-host|https?://(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d",
    re.IGNORECASE,
)


def _texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked_files():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix in _BINARY or name.startswith(_NOT_OURS) or path == Path(__file__):
            continue
        found.append((path, path.read_text(errors="replace")))
    return found


def _places(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path, text in _texts()
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(line)
        if "--no-emit-" not in line
    ]


def test_no_file_names_a_registry() -> None:
    assert _places(_REGISTRIES) == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert _places(_MACHINE_PATHS) == []


def test_every_decision_record_is_listed_under_its_title() -> None:
    folder = ROOT / "docs/adr"
    listed = dict(re.findall(r"^\| \[(\d{4})\]\((\S+)\)", (folder / "README.md").read_text(), re.MULTILINE))
    assert listed == {path.name[:4]: path.name for path in folder.glob("[0-9]*.md")}
    assert sorted(listed) == [f"{number:04d}" for number in range(1, len(listed) + 1)]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_targets_named_in_a_page_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (ROOT / page).read_text()
    named: set[str] = set()
    for words in re.findall(r"(?:^|`)make ((?:[a-z0-9-]+ ?)+)", text, re.MULTILINE):
        named |= set(words.split())
    for words in re.findall(r"all targets: ([a-z0-9 -]+)", text):
        named |= set(words.split())
    assert named <= targets


def test_help_lists_every_target_that_people_call() -> None:
    made = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = {line.split()[0] for line in made.stdout.splitlines()}
    phony = set(re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split())
    assert listed == phony
    assert all(len(line.split()) >= 2 for line in made.stdout.splitlines())


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs/adr/README.md"])
def test_links_in_a_page_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_generated_contracts_are_up_to_date(tmp_path: Path) -> None:
    source, made = ROOT / "proto", tmp_path / "made"
    made.mkdir()
    (made / "libs/contracts/src/limner_contracts").mkdir(parents=True)
    (made / "tools").mkdir()
    (made / "proto").symlink_to(source)
    (made / "tools/generate_proto.py").write_text((ROOT / "tools/generate_proto.py").read_text())
    subprocess.run([sys.executable, "tools/generate_proto.py"], cwd=made, check=True, env={**os.environ, "PYTHONPATH": ""})
    assert _contracts(made) == _contracts(ROOT)


def _contracts(root: Path) -> dict[str, str]:
    package = root / "libs/contracts/src/limner_contracts"
    return {str(path.relative_to(package)): path.read_text() for path in package.glob("*/**/*_pb2.py*") if path.is_file()}
