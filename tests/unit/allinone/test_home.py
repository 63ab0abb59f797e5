"""The folder that holds all of an embedded product."""

import os
import tempfile
from pathlib import Path

import pytest

from limner_allinone.home import open_home


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
