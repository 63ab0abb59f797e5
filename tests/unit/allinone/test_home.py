"""The folder that holds all of an embedded product."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from limner_allinone.home import open_home
from limner_common.errors import Unavailable


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root the database runs as another user")
def test_the_database_may_enter_a_new_home_whatever_the_umask() -> None:
    with tempfile.TemporaryDirectory(prefix="limner-home-") as folder:
        Path(folder).chmod(0o711)
        before = os.umask(0o077)
        try:
            home, lock = open_home(Path(folder) / "home")
        finally:
            os.umask(before)
        lock.close()
        assert home.folder.stat().st_mode & 0o001


def test_too_little_space_is_told_before_anything_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=3 * 1024**2)
    monkeypatch.setattr("limner_allinone.home.shutil.disk_usage", lambda _: usage)
    with pytest.raises(Unavailable, match=r"Only 3 MB are free on the disk that holds .*/home; Limner needs \d+ MB"):
        open_home(tmp_path / "home")


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", fail)
    with pytest.raises(Unavailable, match=r"The disk that holds .*/home is full"):
        open_home(tmp_path / "home")
