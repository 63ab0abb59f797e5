"""Folders for temporary files go with their process, however it ends."""

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from limner_allinone.scratch import scratch_folder, system_scratch
from limner_common.errors import Invalid

_HOLDER = """
import sys, pathlib
from limner_allinone.scratch import scratch_folder
with scratch_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "half made").write_bytes(b"x" * 100)
    print(folder, flush=True)
    sys.stdin.read()
"""


def holder(parent: Path) -> tuple["subprocess.Popen[str]", Path]:
    """Start a process that holds a folder until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def folders(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if path.is_dir()]


def test_a_folder_is_ones_own_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "tmp") as first, scratch_folder(tmp_path / "tmp") as second:
        assert first != second
        assert first.stat().st_mode & 0o777 == 0o700
        (first / "file").touch()
    assert folders(tmp_path / "tmp") == []


def test_the_folder_of_a_killed_process_goes_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    killed, dead = holder(tmp_path)
    process, living = holder(tmp_path)
    with killed:
        killed.kill()
    assert (dead / "half made").exists()
    with scratch_folder(tmp_path) as mine:
        assert sorted(folders(tmp_path)) == sorted([living, mine])
        assert (living / "half made").exists()
    process.communicate("")
    assert process.returncode == 0
    assert folders(tmp_path) == []


def test_a_folder_without_a_lock_was_left_half_made_and_goes(tmp_path: Path) -> None:
    (tmp_path / "limner-abc").mkdir()
    (tmp_path / "of somebody").mkdir()
    with scratch_folder(tmp_path) as mine:
        assert sorted(folders(tmp_path)) == sorted([tmp_path / "of somebody", mine])


def test_a_parent_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Invalid, match=r"no room for temporary files in .*file/tmp: Not a directory"):
        scratch_folder(tmp_path / "file" / "tmp").__enter__()


def test_the_systems_folder_must_be_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ours = system_scratch()
    assert ours.parent == tmp_path and ours == system_scratch()
    ours.rmdir()
    ours.symlink_to(tmp_path)
    with pytest.raises(Invalid, match="belongs to somebody else"):
        system_scratch()
    ours.unlink()
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(Invalid, match="limner-4711 belongs to somebody else"):
        system_scratch()


def test_tools_that_tidy_temporary_files_away_see_that_a_folder_is_in_use(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as mine:
        handle = os.open(mine, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(handle)
