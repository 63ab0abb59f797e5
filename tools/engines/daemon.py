"""One process in the background that a later command, or another test, finds again by its pid file."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tools.engines.problems import EngineProblem

_PR_SET_PDEATHSIG = 1
_FREEZE_SECONDS = 60
_DEATH_SECONDS = 60
#: A child that dies with its parent really dies with the thread that made it, so this one lives as long as we do.
_launcher = ThreadPoolExecutor(1)


@dataclass
class Daemon:
    """How to run a process, and which one it is at the moment.

    Attributes:
        folder: Where its pid file and its log lie.
        stop_signal: What ends it in order.
        is_mortal: It ends with the process that started it, even when that one is killed.
        identity: Who it runs as: arguments of ``Popen``.
    """

    folder: Path
    stop_signal: signal.Signals
    is_mortal: bool
    identity: dict[str, Any] = field(default_factory=dict)
    _child: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        """The file with what it says."""
        return self.folder / "log"

    def log_tail(self) -> str:
        """Return the end of what it said, on one line."""
        if not self.log.exists():
            return "it said nothing"
        return " / ".join(self.log.read_text(errors="replace").splitlines()[-8:])

    def process(self) -> psutil.Process | None:
        """Return the running process; None when there is none, or its number belongs to another one now."""
        with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
            pid, created = self._pid_file.read_text().split()
            process = psutil.Process(int(pid))
            is_ours = abs(_started_after(process) - float(created)) < 2 and process.status() != psutil.STATUS_ZOMBIE
            return process if is_ours else None
        return None

    def start(self, command: Sequence[str | Path], environment: dict[str, str]) -> None:
        """Start the process; it has to be ended first when it runs."""
        self._child = _launcher.submit(self._launch, [str(word) for word in command], environment).result()
        self._pid_file.write_text(f"{self._child.pid} {_started_after(psutil.Process(self._child.pid))}\n")

    def wait_until(self, is_ready: Callable[[], bool], *, timeout_seconds: float) -> None:
        """Wait until the process answers.

        Raises:
            EngineProblem: It ended, or did not answer in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while not is_ready():
            if self.process() is None:
                self._reap()
                raise EngineProblem(f"{self.folder.name} ended while it was starting: {self.log_tail()}")
            if time.monotonic() > deadline:
                raise EngineProblem(f"{self.folder.name} did not answer in {timeout_seconds:.0f} s: {self.log_tail()}")
            time.sleep(0.1)

    def stop(self, *, timeout_seconds: float = 60) -> None:
        """End it in order; kill it when that takes too long."""
        tree = self._tree()
        if tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                tree[0].send_signal(self.stop_signal)
                tree[0].resume()
            psutil.wait_procs(tree, timeout=timeout_seconds)
        self._end(tree)

    def kill(self) -> None:
        """End it at once with everything that it started, as a crash would."""
        self._end(self._freeze())

    def pause(self) -> None:
        """Freeze it and its children: connections stay open and nobody answers."""
        self._freeze()

    def resume(self) -> None:
        """Let it go on after ``pause``."""
        for process in reversed(self._tree()):
            with contextlib.suppress(psutil.NoSuchProcess):  # what serves one client comes and goes with it
                process.resume()

    def _freeze(self) -> list[psutil.Process]:
        """Freeze everything that it is, what is started meanwhile too, and return it."""
        frozen: list[psutil.Process] = []
        while fresh := [process for process in self._tree() if process not in frozen]:
            for process in fresh:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.suspend()
                    self._wait_until_frozen(process)
            frozen += fresh
        return frozen

    @staticmethod
    def _wait_until_frozen(process: psutil.Process) -> None:
        # The signal waits for a thread of the process to be given a core; on a busy machine the others answer meanwhile.
        deadline = time.monotonic() + _FREEZE_SECONDS
        threads = Path(f"/proc/{process.pid}/task")
        while process.is_running() and not all(map(_is_stopped, _entries(threads))):
            if time.monotonic() > deadline:
                raise EngineProblem(f"Process {process.pid} could not be frozen in {_FREEZE_SECONDS} s.")
            time.sleep(0.01)

    def _launch(self, command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                start_new_session=True,
                preexec_fn=self._die_with_parent if self.is_mortal else None,
                **{"cwd": self.folder, **self.identity},
            )

    def _end(self, processes: list[psutil.Process]) -> None:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=_DEATH_SECONDS)
        self._reap()
        self._pid_file.unlink(missing_ok=True)

    def _reap(self) -> None:
        if self._child is not None:
            self._child.poll()

    def _tree(self) -> list[psutil.Process]:
        process = self.process()
        if process is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return [process, *process.children(recursive=True)]
        return []

    @property
    def _pid_file(self) -> Path:
        return self.folder / "pid"

    def _die_with_parent(self) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, self.stop_signal)


def _started_after(process: psutil.Process) -> float:
    """Return how long after the machine a process was started, seconds.

    psutil tells the time of day at which it was started, by the clock as it is now: when the clock is set anew, that time
    moves, and a process that runs would be taken for another one. Its distance to the machine's start stays.
    """
    return process.create_time() - psutil.boot_time()


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return []


def _is_stopped(thread: Path) -> bool:
    """Whether a thread, named by its folder below ``/proc``, does not run: it was stopped, or is gone."""
    try:
        state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "TtXZ"
