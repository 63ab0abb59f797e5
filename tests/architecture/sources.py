"""The product's source files as these tests read them."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("api", "media", "annotations", "inference", "exports", "analytics")
_SKIPPED = {"__pycache__", "migrations"}


def package_of(service: str) -> Path:
    """Return the folder of a service's package."""
    return ROOT / "services" / service / "src" / f"limner_{service}"


def modules_of(service: str) -> Iterator[tuple[Path, ast.Module]]:
    """Yield every module of a service, parsed; migrations are written by a tool and left out."""
    for path in sorted(package_of(service).rglob("*.py")):
        if not _SKIPPED & set(path.parts):
            yield path, ast.parse(path.read_text(), str(path))


def tracked_files() -> list[Path]:
    """Return the files under version control that exist."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def where(path: Path, line: int) -> str:
    """Return a place as people open it."""
    return f"{path.relative_to(ROOT)}:{line}"
