"""The folder that holds everything of an embedded installation: database, objects, cache, secrets, version, lock."""

import base64
import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import IO

from packaging.version import Version

from limner_common.errors import Conflict, Invalid, Unavailable
from limner_common.grants import Keyring, new_private_key, public_key_of

#: Code of the error that says that another process has a home locked.
HOME_IN_USE = "home_in_use"
_LEAST_FREE_BYTES = 512 * 1024**2


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of an installation; ``open_home`` makes and checks it."""

    folder: Path

    @property
    def database(self) -> Path:
        """Data folder of the embedded PostgreSQL."""
        return self.folder / "postgres"

    @property
    def objects(self) -> Path:
        """Object store."""
        return self.folder / "objects"

    @property
    def cache(self) -> Path:
        """Chunk cache; may be deleted while nothing runs."""
        return self.folder / "cache"

    @property
    def scratch(self) -> Path:
        """Temporary files of the processes that run; those of killed ones go at the next start."""
        return self.folder / "tmp"

    @property
    def share(self) -> Path:
        """Files offered to users as the server's share."""
        return self.folder / "share"

    @property
    def restoring_file(self) -> Path:
        """Says which backup is being restored into the folder; there until it is complete."""
        return self.folder / "restoring"

    @property
    def secrets_file(self) -> Path:
        """Grant keys, mode 0600."""
        return self.folder / "secrets.json"


def default_home() -> Path:
    """Return where data are kept when nothing is said: below the user's data folder, or ``/var/lib`` for root."""
    if configured := os.environ.get("LIMNER_HOME"):
        return Path(configured)
    if os.geteuid() == 0:
        return Path("/var/lib/limner")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "limner"


def product_version() -> str:
    """Return the version of this product."""
    return distribution_version("limner")


def open_home(folder: Path) -> tuple[Home, IO[str]]:
    """Make or check a home folder and lock it for this process; the lock lasts as long as the file stays open.

    Raises:
        Conflict: Another Limner runs on it, a newer version wrote it, or a restore into it is not finished.
        Unavailable: The disk is full.
        Invalid: The folder cannot be made or used.
    """
    home = Home(folder.expanduser().resolve())
    if home.restoring_file.exists():
        raise Conflict(
            f"A backup is being restored into {home.folder}, or that was interrupted. Wait for it, run "
            "limner admin backup restore again, or remove the folder."
        )
    return _open(home)


def open_home_to_restore(folder: Path, backup_id: str) -> tuple[Home, IO[str]]:
    """Make a home folder that nothing starts on until ``finish_restore``, and lock it; see ``open_home``.

    Args:
        folder: New, empty, or left by an interrupted restore of the same backup.
        backup_id: The backup.

    Raises:
        Conflict: Something else is in the folder.
    """
    home = Home(folder.expanduser().resolve())
    try:
        _make_folder(home)
        there = {path.name for path in home.folder.iterdir()} - {"lost+found"}
        begun = home.restoring_file.read_text().strip() if home.restoring_file.exists() else None
        if begun is None and not there:
            home.restoring_file.write_text(f"{backup_id}\n")
        elif begun != backup_id:
            what = "is not empty" if begun is None else f"holds a restore of backup {begun} that was interrupted"
            raise Conflict(f"{home.folder} {what}. Name a new folder with --home, or remove this one first.")
    except OSError as error:
        raise Invalid(f"{home.folder} cannot be used: {error.strerror}. Choose another with --home.") from error
    return _open(home)


def finish_restore(home: Home) -> None:
    """Let the product start on a home into which a backup was restored."""
    home.restoring_file.unlink()


def _open(home: Home) -> tuple[Home, IO[str]]:
    try:
        _make_folder(home)
        for part in (home.objects, home.cache, home.share):
            part.mkdir(parents=True, exist_ok=True)
        lock = (home.folder / "lock").open("a+")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Unavailable(f"The disk that holds {home.folder} is full.") from error
        raise Invalid(f"{home.folder} cannot be used: {error.strerror}. Choose another with --home.") from error
    with contextlib.ExitStack() as held:
        held.enter_context(lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(
                f"Another Limner is running on {home.folder}. Stop it first, or choose another --home.", code=HOME_IN_USE
            ) from error
        _check_space(home)
        _check_reachable(home)
        _check_version(home)
        held.pop_all()  # the lock goes to the caller
    return home, lock


def keyrings_of(secrets_file: Path, names: tuple[str, ...]) -> dict[str, Keyring]:
    """Return a signing ring per service from the secrets file, making missing keys (mode 0600)."""
    stored: dict[str, str] = {}
    with contextlib.suppress(FileNotFoundError):
        stored = json.loads(secrets_file.read_text())["grant_keys"]
    missing = [name for name in names if name not in stored]
    if missing:
        stored.update((name, base64.b64encode(new_private_key()).decode()) for name in missing)
        write_private(secrets_file, json.dumps({"grant_keys": stored}).encode())
    private = {name: base64.b64decode(stored[name]) for name in names}
    public = {name: public_key_of(key) for name, key in private.items()}
    return {name: Keyring(name, key, public) for name, key in private.items()}


def write_private(path: Path, data: bytes) -> None:
    """Write a whole file that only its owner may read, replacing any."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 the mode counts
        file.write(data)
    temporary.replace(path)


def _make_folder(home: Home) -> None:
    if home.folder.exists():
        return
    home.folder.mkdir(parents=True)
    if os.geteuid() == 0:
        home.folder.chmod(0o711)  # whatever the umask: the database's user walks through, see _check_reachable


def _check_space(home: Home) -> None:
    free = shutil.disk_usage(home.folder).free
    if free < _LEAST_FREE_BYTES:
        raise Unavailable(
            f"Only {free // 1024**2} MB are free on the disk that holds {home.folder}; Limner needs "
            f"{_LEAST_FREE_BYTES // 1024**2} MB to start. Free some space, or choose another --home."
        )


def _check_reachable(home: Home) -> None:
    # As root the database runs as `nobody`, who must be able to walk to its folder.
    if os.geteuid() != 0:
        return
    for parent in [home.folder, *home.folder.parents]:
        if not parent.stat().st_mode & 0o001:
            raise Invalid(
                f"The database cannot run below {parent}: as root, Limner runs it as user 'nobody', who may not enter "
                f"that folder. Choose another --home, such as /var/lib/limner."
            )


def _check_version(home: Home) -> None:
    file = home.folder / "version"
    ours = product_version()
    if file.exists() and Version(file.read_text().strip()) > Version(ours):
        raise Conflict(
            f"{home.folder} was last used by Limner {file.read_text().strip()}, this is {ours}. "
            "Start the newer version again, or choose another --home."
        )
    file.write_text(f"{ours}\n")
