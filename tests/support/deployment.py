"""The product as separate processes on one machine: a database, folders, six services with their workers."""

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from limner_allinone.composition import SERVICE_NAMES
from limner_common.grants import new_private_key, public_key_of
from tests.support.product import ADMIN
from tools.engines.engine import free_ports

#: Nine processes start at once, perhaps on a machine that is busy with other tests.
_START_TIMEOUT_SECONDS = 300
_STOP_TIMEOUT_SECONDS = 120
#: Services whose workers have something to do.
WORKERS = ("media", "annotations", "exports")


@dataclass
class Deployment:
    """Processes configured by ``LIMNER_*`` variables alone.

    Args:
        folder: Where cache and logs go.
        database_url: A database without schemas.
        extra: Further variables for all processes, with those that lead to the objects.
        of_service: Further variables for the processes of a service.
    """

    folder: Path
    database_url: str
    extra: dict[str, str] = field(default_factory=dict)
    of_service: dict[str, dict[str, str]] = field(default_factory=dict)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.private_keys, self.public_keys = new_keys()
        titles = [*(f"serve {name}" for name in SERVICE_NAMES), *(f"work {name}" for name in WORKERS)]
        # Asked for at once, so that none is given twice.
        ports = free_ports(len(SERVICE_NAMES) + len(titles))
        self.ports = dict(zip(SERVICE_NAMES, ports, strict=False))
        self.health_ports = dict(zip(titles, ports[len(SERVICE_NAMES) :], strict=True))
        self.url = f"http://127.0.0.1:{self.ports['api']}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def environment(self, name: str) -> dict[str, str]:
        """What a process of a service is told; nothing of the outer environment's ``LIMNER_*`` passes."""
        outer = {key: value for key, value in os.environ.items() if not key.startswith("LIMNER_")}
        return {
            **outer,
            "LIMNER_DATABASE_URL": self.database_url,
            "LIMNER_DATABASE_POOL_SIZE": "3",
            "LIMNER_CACHE_FOLDER": str(self.folder / "cache"),
            "LIMNER_KEYS": json.dumps(self.public_keys),
            "LIMNER_PRIVATE_KEY": self.private_keys[name],
            "LIMNER_UPSTREAMS": json.dumps(
                {other: f"http://127.0.0.1:{port}" for other, port in self.ports.items() if other != name}
            ),
            "LIMNER_MEDIA_POOL_PROCESSES": "1",
            **self.extra,
            **self.of_service.get(name, {}),
        }

    def run(self, *arguments: str, name: str = "api", **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run one command to its end."""
        return subprocess.run(
            command(*arguments),
            env={**self.environment(name), **environment},
            capture_output=True,
            text=True,
            timeout=_START_TIMEOUT_SECONDS,
        )

    def migrate(self) -> None:
        """Make the schemas and the first administrator."""
        done = self.run("migrate", "all", LIMNER_ADMIN_USER=ADMIN[0], LIMNER_ADMIN_PASSWORD=ADMIN[1])
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Schemas up to date: " + ", ".join(SERVICE_NAMES) in done.stdout

    def start(self) -> None:
        """Start every service and every worker, and wait until all say that they are ready."""
        for name in SERVICE_NAMES:
            self._start(f"serve {name}", name, "--host", "127.0.0.1", "--port", str(self.ports[name]))
        for name in WORKERS:
            self._start(f"work {name}", name, "--host", "127.0.0.1")
        for name in SERVICE_NAMES:
            self._wait(f"serve {name}", lambda name=name: _is_ready(f"http://127.0.0.1:{self.ports[name]}/health/ready"))
        for name in WORKERS:
            self._wait(f"work {name}", lambda name=name: _is_ready(f"{self.health_url(f'work {name}')}/health/ready"))

    def serve_again(self, name: str) -> None:
        """Start a service that was stopped, and wait until it is ready."""
        self._start(f"serve {name}", name, "--host", "127.0.0.1", "--port", str(self.ports[name]))
        self._wait(f"serve {name}", lambda: _is_ready(f"http://127.0.0.1:{self.ports[name]}/health/ready"))

    def health_url(self, title: str) -> str:
        """Where a process answers health and metrics alone."""
        return f"http://127.0.0.1:{self.health_ports[title]}"

    def check(self) -> None:
        """Fail when a process has ended."""
        for title, process in self.processes.items():
            assert process.poll() is None, f"{title} ended with {process.returncode}:\n{self.log(title)}"

    def stop(self, titles: Iterable[str] | None = None) -> dict[str, int]:
        """Ask processes to end and return their exit statuses; all of them unless some are named."""
        chosen = list(self.processes if titles is None else titles)
        for title in chosen:
            self.processes[title].send_signal(signal.SIGTERM)
        codes = {}
        for title in chosen:
            process = self.processes.pop(title)
            try:
                codes[title] = process.wait(_STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"{title} did not end:\n{self.log(title)}") from None
        return codes

    def kill(self) -> None:
        """End whatever still runs, at once."""
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
        self.processes.clear()

    def log(self, title: str) -> str:
        """What a process has said so far."""
        return self._log_path(title).read_text(errors="replace")

    def _wait(self, title: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not is_there():
            self.check()
            assert time.monotonic() < deadline, f"{title} is not ready:\n{self.log(title)}"
            time.sleep(0.1)

    def _log_path(self, title: str) -> Path:
        return self.folder / f"{title.replace(' ', '-')}.log"

    def _start(self, title: str, name: str, *arguments: str) -> None:
        with self._log_path(title).open("wb") as output:
            self.processes[title] = subprocess.Popen(
                command(*title.split(), *arguments, "--health-port", str(self.health_ports[title])),
                env=self.environment(name),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )


def command(*arguments: str) -> list[str]:
    """The ``limner`` command of this checkout."""
    return [sys.executable, "-m", "limner_allinone", *arguments]


def new_keys() -> tuple[dict[str, str], dict[str, str]]:
    """Private and public keys of all services, as the variables want them."""
    private = {name: new_private_key() for name in SERVICE_NAMES}
    public = {name: _text(public_key_of(key)) for name, key in private.items()}
    return {name: _text(key) for name, key in private.items()}, public


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
