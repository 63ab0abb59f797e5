"""A process that has loaded the product once and forks processes of it, as ``python -m tests.support.nursery``.

A deployment of two dozen processes that are killed and started again would spend most of its time on imports otherwise. What
is forked runs the product's own ``main`` with its own arguments and environment, and ends with the nursery.
"""

import contextlib
import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1


class Nursery:
    """The side that asks; it lives in the tests."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name if __spec__ else __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={key: value for key, value in os.environ.items() if not key.startswith("LIMNER_")},
        )
        assert self._ask({"ready": True}) is True

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> "Child":
        """Start ``limner`` with arguments in an environment; what it says goes to a file."""
        pid = self._ask({"start": list(arguments), "environment": dict(environment), "log": str(log)})
        return Child(self, int(pid))

    def status(self, pid: int) -> int | None:
        """Return the exit status of a child, negative for a signal; None while it runs."""
        status: int | None = self._ask({"status": pid})
        return status

    def close(self) -> None:
        """End the nursery and whatever it started."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Child:
    """A process of the product; used as a ``Popen`` is."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery

    def poll(self) -> int | None:
        """Return the exit status; None while it runs."""
        if self.returncode is None:
            self.returncode = self._nursery.status(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended."""
        deadline = time.monotonic() + (1e9 if timeout is None else timeout)
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"limner ({self.pid})", timeout or 0)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _serve() -> None:
    """Answer one JSON line per question until the other side closes."""
    from limner_allinone import __main__, split  # noqa: F401 loaded once for all
    from limner_allinone.composition import SERVICE_NAMES, definition_of

    for name in SERVICE_NAMES:
        definition_of(name)
    gc.freeze()
    for line in sys.stdin:
        answer: object = True
        question = json.loads(line)
        if "start" in question:
            answer = _fork(question)
        elif "status" in question:
            answer = _status(question["status"])
        print(json.dumps(answer), flush=True)


def _fork(question: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _become(question)
    return pid


def _become(question: dict[str, Any]) -> NoReturn:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    code = 1
    try:
        os.setsid()
        log = os.open(question["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(question["environment"])
        sys.argv = ["limner", *question["start"]]
        from limner_allinone.__main__ import main

        code = main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _status(pid: int) -> int | None:
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(status) if found else None


if __name__ == "__main__":
    _serve()
