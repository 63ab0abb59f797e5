"""Folders for temporary files that end with their process; those of killed processes go when the next one starts."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import structlog

from limner_common.errors import Invalid

log = structlog.get_logger(__name__)

_PREFIX = "limner-"
#: Held by a folder's owner as long as he lives, however he ends.
_LOCK = ".lock"
#: Held while folders are made and removed, so that nobody takes a new one for a dead one.
_GUARD = ".guard"


@contextlib.contextmanager
def scratch_folder(parent: Path, *, mode: int = 0o700) -> Iterator[Path]:
    """Lend a new folder below ``parent`` and remove it afterwards, and now those that nobody owns any more.

    Args:
        parent: Where the folders of several processes lie; made when missing.
        mode: Permissions of the folder.

    Raises:
        Invalid: ``parent`` cannot be written.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        (parent / _GUARD).touch()
    except OSError as error:
        raise Invalid(f"There is no room for temporary files in {parent}: {error.strerror}.") from error
    with contextlib.ExitStack() as stack:
        with (parent / _GUARD).open("a") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            for folder in parent.glob(_PREFIX + "*"):
                _remove_dead(folder)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            lock = stack.enter_context((folder / _LOCK).open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)  # systemd-tmpfiles passes by what is locked, however long it was idle
        folder.chmod(mode)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def system_scratch() -> Path:
    """Return the folder below the system's temporary one where all processes of this user have theirs; made when missing.

    Raises:
        Invalid: It belongs to somebody else, who could look at our files or change them.
    """
    folder = Path(tempfile.gettempdir()) / f"limner-{os.geteuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o711)  # as root, the database enters it as another user
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise Invalid(f"{folder} belongs to somebody else. Remove it, or set TMPDIR to a folder of your own.")
    return folder


def _remove_dead(folder: Path) -> None:
    try:
        with contextlib.suppress(FileNotFoundError), (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    except BlockingIOError:
        return  # its owner lives
    except OSError as error:
        log.warning("scratch_not_removed", folder=str(folder), error=repr(error))
    else:
        log.info("scratch_removed", folder=str(folder))
