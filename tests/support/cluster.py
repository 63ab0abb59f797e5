"""The product as a cluster on one machine: replicas of services, workers and relays on real engines, behind one address."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from limner_allinone.composition import SERVICE_NAMES
from limner_allinone.embedded import web_folder
from tests.support.balancer import PROBE_SECONDS, balancing
from tests.support.deployment import WORKERS, new_keys
from tests.support.engines import Engines
from tests.support.nursery import Child, Nursery
from tests.support.product import ADMIN
from tools.engines.engine import free_ports

_START_TIMEOUT_SECONDS = 240
_STOP_TIMEOUT_SECONDS = 120
#: Services with nothing to publish need no relay.
RELAYS = ("api", "media", "annotations", "exports")


@dataclass
class Member:
    """One process of the cluster.

    Attributes:
        title: Such as ``serve api 1``.
        service: Its service.
        arguments: What follows ``limner``.
        health_port: Where it says whether it is ready.
    """

    title: str
    service: str
    arguments: list[str]
    health_port: int
    process: "Child | subprocess.Popen[bytes] | None" = None
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether it says so itself."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.health_port}/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


class Cluster:
    """Processes configured by ``LIMNER_*`` variables alone, on engines that tests may break.

    Args:
        folder: Where scratch space, share and logs are.
        engines: Where everything is kept.
        nursery: Makes the processes.
        replicas: Processes of each service and of each service's workers.
        extra: Variables for all of them.
    """

    def __init__(
        self, folder: Path, engines: Engines, nursery: Nursery, *, replicas: int = 2, extra: dict[str, str] | None = None
    ) -> None:
        self.engines = engines
        self.home = folder
        self._nursery = nursery
        self._extra = dict(extra or {})
        self._private, self._public = new_keys()
        members = list(_plan(replicas))
        ports = iter(free_ports(len(SERVICE_NAMES) + len(members)))  # at once, or one might be chosen twice
        self._ports = dict(zip(SERVICE_NAMES, ports, strict=False))
        self._settings = {
            "LIMNER_DATABASE_URL": engines.new_database(),
            "LIMNER_DATABASE_POOL_SIZE": "4",
            **engines.settings(),
            "LIMNER_KEYS": json.dumps(self._public),
            "LIMNER_UPSTREAMS": json.dumps({name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}),
            "LIMNER_API_WEB_FOLDER": str(web_folder()),
            "LIMNER_SHARE_FOLDER": str(folder / "share"),
            "LIMNER_CACHE_FOLDER": str(folder / "cache"),
            "LIMNER_MEDIA_POOL_PROCESSES": "1",
            "LIMNER_HAS_RELAY": "false",
            "LIMNER_DRAIN_SECONDS": "1.5",
        }
        self.url = f"http://127.0.0.1:{self._ports['api']}"
        self.members = {title: _member(title, port) for title, port in zip(members, ports, strict=True)}
        (folder / "share").mkdir(parents=True, exist_ok=True)

    def environment(self, service: str, **extra: str) -> dict[str, str]:
        """What a process of a service is told; nothing of the outer environment's ``LIMNER_*`` passes."""
        outer = {key: value for key, value in os.environ.items() if not key.startswith("LIMNER_")}
        return {**outer, **self._settings, "LIMNER_PRIVATE_KEY": self._private[service], **self._extra, **extra}

    @contextmanager
    def running(self) -> Iterator["Cluster"]:
        """Migrate, start everything, and end it in order; every process must leave with status 0."""
        with ExitStack() as stack:
            stack.callback(self.kill)
            self.migrate()
            addresses = {
                port: [self.members[title].health_port for title in self.titles(f"serve {name} ")]
                for name, port in self._ports.items()
            }
            stack.enter_context(balancing(addresses))
            self.start(self.members)
            wait_until(lambda: httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200, "the front door")
            yield self
            codes = self.stop(self.members)
            assert codes == dict.fromkeys(codes, 0), codes

    def migrate(self) -> None:
        """Make the schemas, the topics and the first administrator."""
        environment = self.environment("api", LIMNER_ADMIN_USER=ADMIN[0], LIMNER_ADMIN_PASSWORD=ADMIN[1])
        log = self.home / "migrate.log"
        child = self._nursery.start(["migrate", "all"], environment, log)
        assert child.wait(_START_TIMEOUT_SECONDS) == 0, log.read_text()

    def titles(self, beginning: str) -> list[str]:
        """Return the titles of members that begin so, such as ``serve api`` or ``work``."""
        return [title for title in self.members if title.startswith(beginning)]

    def start(self, titles: Iterable[str]) -> None:
        """Start members that do not run, and wait until all of them are ready."""
        chosen = [self.members[title] for title in titles]
        for member in chosen:
            if not member.is_running:
                self._start(member)
        for member in chosen:
            wait_until(lambda member=member: self._has_started(member), f"{member.title} to be ready")  # type: ignore[misc]

    def stop(self, titles: Iterable[str]) -> dict[str, int]:
        """Ask members to end and return their exit statuses."""
        running = {title: self.members[title].process for title in titles if self.members[title].is_running}
        for process in running.values():
            assert process is not None
            process.send_signal(signal.SIGTERM)
        codes = {}
        for title, process in running.items():
            assert process is not None
            try:
                codes[title] = process.wait(_STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{title} did not end:\n{self.log(title)}") from None
        return codes

    def kill(self, titles: Iterable[str] | None = None) -> None:
        """End members with SIGKILL; all unless some are named."""
        for title in list(self.members if titles is None else titles):
            process = self.members[title].process
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                process.wait(60)

    @property
    def database_url(self) -> str:
        """The database of all its services."""
        return self._settings["LIMNER_DATABASE_URL"]

    @property
    def topic_prefix(self) -> str:
        """What names of its topics and groups begin with."""
        return self._settings["LIMNER_KAFKA_PREFIX"]

    def mend(self) -> None:
        """Start again what does not run, and wait until everything is ready and the balancer knows."""
        missing = [title for title, member in self.members.items() if not member.is_running]
        self.start(self.members)
        if missing:
            time.sleep(2 * PROBE_SECONDS)

    def run(self, *arguments: str) -> str:
        """Run ``limner`` with arguments, such as ``admin work list``, and return what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "limner_allinone", *arguments],
            env=self.environment("api"),
            capture_output=True,
            text=True,
            timeout=_START_TIMEOUT_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def log(self, title: str) -> str:
        """What a member has said so far."""
        path = self._log_path(title)
        return path.read_text(errors="replace") if path.exists() else ""

    def _start(self, member: Member) -> None:
        environment = self.environment(member.service, **member.extra)
        if "LD_PRELOAD" in member.extra:  # takes hold only in a program that begins
            with self._log_path(member.title).open("ab") as log:
                command = [sys.executable, "-m", "limner_allinone", *member.arguments]
                member.process = subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
        else:
            member.process = self._nursery.start(member.arguments, environment, self._log_path(member.title))

    def _has_started(self, member: Member) -> bool:
        assert member.is_running, f"{member.title} has ended:\n{self.log(member.title)[-4000:]}"
        return member.is_ready

    def _log_path(self, title: str) -> Path:
        return self.home / f"{title.replace(' ', '-')}.log"


def _plan(replicas: int) -> Iterator[str]:
    for kind, names in (("serve", SERVICE_NAMES), ("work", WORKERS), ("relay", RELAYS)):
        for name in names:
            yield from (f"{kind} {name} {number}" for number in range(replicas))


def _member(title: str, port: int) -> Member:
    kind, name, _ = title.split()
    option = "--port" if kind == "serve" else "--health-port"
    return Member(title, name, [kind, name, "--host", "127.0.0.1", option, str(port)], port)


def wait_until(is_so: Callable[[], bool], what: str, *, timeout_seconds: float = _START_TIMEOUT_SECONDS) -> None:
    """Ask again and again until something is so."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        with contextlib.suppress(httpx.TransportError):
            if is_so():
                return
        assert time.monotonic() < deadline, f"waited {timeout_seconds:.0f} s in vain for {what}"
        time.sleep(0.1)
