"""Folders that the database may live in."""

import tempfile
from pathlib import Path


def make_enterable(folder: Path) -> Path:
    """Let others walk through a temporary folder, and return it: as root the database runs as ``nobody``."""
    for part in (folder, *folder.parents):
        if part == Path(tempfile.gettempdir()):
            return folder
        part.chmod(0o755)
    raise AssertionError(f"{folder} is not in {tempfile.gettempdir()}")
