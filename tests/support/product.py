"""The whole product in a process tree of its own, as a user starts it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

ADMIN = ("admin", "correct-horse-battery")
_READY = re.compile(r"ready on (http://\S+)")
#: Of a machine that is busy with other tests.
_START_TIMEOUT_SECONDS = 300
_STOP_TIMEOUT_SECONDS = 120


@dataclass
class Product:
    """``limner up`` on a home folder of its own and a free port."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    url: str = ""
    process: "subprocess.Popen[str] | None" = None
    lines: list[str] = field(default_factory=list)

    def start(self) -> "Product":
        """Start it and wait until it says that it is ready."""
        environment = {
            **os.environ,
            "LIMNER_ADMIN_USER": ADMIN[0],
            "LIMNER_ADMIN_PASSWORD": ADMIN[1],
            "PYTHONUNBUFFERED": "1",
            **self.environment,
        }
        port = str(urlsplit(self.url).port or 0)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "limner_allinone", "up", "--port", port, "--home", str(self.home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self.process, ready), daemon=True).start()
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not ready.wait(0.1):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError("limner did not start:\n" + "\n".join(self.lines[-60:]))
        return self

    def stop(self) -> int:
        """Stop it as Ctrl-C does; returns its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("limner did not stop:\n" + "\n".join(self.lines[-60:])) from None
        return code

    def tree(self) -> list[psutil.Process]:
        """Return all processes of the product, the parent first."""
        assert self.process is not None
        try:
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """Kill the whole process tree at once, as a power cut would."""
        tree: list[psutil.Process] = []
        while fresh := [process for process in self.tree() if process not in tree]:  # others may have been started meanwhile
            for process in fresh:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.suspend()  # nobody gets to clean up after a neighbour's death
            tree += fresh
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(tree, timeout=60)
        if self.process is not None:
            self.process.wait()

    def resident_bytes(self) -> int:
        """Return the memory of all processes of the product together, shared pages counted once per process."""
        total = 0
        for process in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total

    def _read(self, process: "subprocess.Popen[str]", ready: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
            if match := _READY.search(line):
                self.url = match[1].rstrip()
                ready.set()
        process.stdout.close()
