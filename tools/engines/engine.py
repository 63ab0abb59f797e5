"""What all engines have in common: a folder, ports that it keeps, and being started, stopped, killed and paused."""

import asyncio
import fcntl
import functools
import itertools
import json
import os
import random
import secrets
import signal
import socket
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar

from tools.engines.certificates import Certificates
from tools.engines.daemon import Daemon
from tools.engines.problems import EngineProblem
from tools.engines.supplies import Supplies

_PORTS = range(20_000, 32_000)
_given: set[int] = set()
_giving = threading.Lock()


class Engine(ABC):
    """One real engine on ports of the loopback address.

    Clients reach it in plain text, and over TLS with a certificate that ``certificates.authority`` has signed. Its ports and
    its password are chosen when its folder is made and kept there: what was started once comes back at the same address with
    the same data.

    Args:
        folder: Where its data, configuration and log are; made when missing.
        supplies: Where its binaries come from.
        is_throwaway: It belongs to one run of tests: it ends with its parent and does not wait for the disk.
    """

    name: ClassVar[str]
    port_names: ClassVar[tuple[str, ...]] = ("main",)
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    start_timeout_seconds: ClassVar[float] = 180

    def __init__(self, folder: Path, supplies: Supplies, *, is_throwaway: bool) -> None:
        self.folder = folder
        self.supplies = supplies
        self.is_throwaway = is_throwaway
        self.certificates = Certificates(folder / "tls")
        self.daemon = Daemon(folder, self.stop_signal, is_throwaway, self.identity())

    @property
    def port(self) -> int:
        """The port that clients use."""
        return self.ports["main"]

    @property
    def ports(self) -> dict[str, int]:
        """All ports of the engine by what they are for."""
        return dict(self._kept()["ports"])

    @property
    def password(self) -> str:
        """The password of the engine's one user."""
        return str(self._kept()["password"])

    @property
    def is_running(self) -> bool:
        """True while its process is there, paused or not."""
        return self.daemon.process() is not None

    def start(self) -> None:
        """Start it if it does not run, and wait until it answers.

        Raises:
            EngineProblem: Something is missing, or it does not come up; the message says what to do.
        """
        if self.is_running:
            return
        self._make_folder()
        self.certificates.make()
        self.prepare()
        self.daemon.start(self.command(), self.environment())
        self.daemon.wait_until(self.answers, timeout_seconds=self.start_timeout_seconds)

    def stop(self) -> None:
        """End it in order; data are kept."""
        self.daemon.stop()

    def kill(self) -> None:
        """End it with SIGKILL; what it had promised to keep is kept."""
        self.daemon.kill()

    def restart(self) -> None:
        """Stop it and start it again on the same ports with the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it: its connections stay open and nothing is answered."""
        self.daemon.pause()

    def resume(self) -> None:
        """Let it go on after ``pause``."""
        self.daemon.resume()

    def identity(self) -> dict[str, Any]:
        """Who it runs as, as arguments of ``Popen``."""
        return {}

    def environment(self) -> dict[str, str]:
        """Variables that its process gets beside ours."""
        return {}

    @abstractmethod
    def prepare(self) -> None:
        """Write its configuration, and make its data when they are new."""

    @abstractmethod
    def command(self) -> list[str | Path]:
        """The command of its process."""

    @abstractmethod
    def answers(self) -> bool:
        """Say whether it serves requests now."""

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """The product's variables that lead to this engine."""

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)  # the database may run as somebody else
        kept = self._kept() if self._kept_path.exists() else {"password": secrets.token_hex(16)}
        ports = kept.get("ports", {})
        missing = [name for name in self.port_names if name not in ports]
        busy = [name for name, port in ports.items() if not _is_free(port)]
        if busy and self.is_throwaway:
            raise EngineProblem(f"Somebody else took port {ports[busy[0]]} of {self.name} while it was stopped.")
        wanted = [*missing, *busy]
        if wanted:
            kept["ports"] = {**ports, **dict(zip(wanted, free_ports(len(wanted)), strict=True))}
            self._kept_path.touch(0o600)
            self._kept_path.write_text(json.dumps(kept))

    def _kept(self) -> dict[str, Any]:
        if not self._kept_path.exists():
            raise EngineProblem(f"{self.name} was never started in {self.folder.parent}; run: make engines")
        kept: dict[str, Any] = json.loads(self._kept_path.read_text())
        return kept

    @property
    def _kept_path(self) -> Path:
        return self.folder / "kept.json"


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address on which nobody listens now, and that were given to nobody else.

    Minutes may pass before somebody listens there, and runs of tests beside this one look for ports too: what is given is
    kept for the life of this process.

    They lie below those that outgoing connections take, so that nobody takes one while its engine is stopped for a while;
    a client that tries to connect all the time could even be given the very port and would talk to itself.
    """
    candidates = random.sample(_PORTS, len(_PORTS))
    return list(itertools.islice((port for port in candidates if _is_free(port) and _take(port)), count))


def ask(question: Coroutine[Any, Any, None], *, timeout_seconds: float = 30) -> bool:
    """Run a coroutine in a thread of its own, so that it works inside a running loop too; True when it succeeds.

    The limit is the last resort: a client that is ended in the middle may leave connections behind, so a question has
    shorter ones of its own.
    """
    answered = False

    def run() -> None:
        nonlocal answered
        try:
            asyncio.run(asyncio.wait_for(question, timeout_seconds))
            answered = True
        except Exception:  # whatever it is: the engine does not answer yet
            answered = False

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answered


def is_listening(port: int) -> bool:
    """Say whether somebody takes connections on a port of the loopback address."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def _take(port: int) -> bool:
    """Keep a port for this process; False when it was given before, here or by another process of this user."""
    with _giving:
        if port in _given:
            return False
        try:
            fcntl.lockf(_taken_ports(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        _given.add(port)
        return True


@functools.cache
def _taken_ports() -> int:
    """Open the file of which each byte is locked by whoever has the port of its number; it is never closed."""
    return os.open(Path(tempfile.gettempdir()) / f"limner-ports-{os.geteuid()}", os.O_RDWR | os.O_CREAT, 0o600)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
