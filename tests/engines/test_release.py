"""A release of the chart without its cluster: the processes of its pods, with the arguments and variables that it renders.

Only what a cluster gives is put in: addresses of engines and of other services, secrets of engines, writable folders.
"""

import base64
import contextlib
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from cvat_sdk import make_client
from cvat_sdk.core.proxies.tasks import ResourceType

from limner_allinone.composition import SERVICE_NAMES
from tests.support.chart import CHART, Document, Rendered, render
from tests.support.deployment import command
from tests.support.engines import Engines
from tests.support.pictures import write_pictures
from tests.support.traced_upload import QUICKLY, check_way, upload
from tests.support.traces import Collector, collector
from tools.engines.engine import free_ports

RELEASE = "limner"


@dataclass
class Release:
    """The processes, one per Deployment."""

    rendered: Rendered
    engines: Engines
    folder: Path
    processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ports = dict(zip(SERVICE_NAMES, free_ports(len(SERVICE_NAMES)), strict=True))
        names = list(self.rendered.of("Deployment"))
        self.health_ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.database_url = self.engines.new_database()
        self.bucket = self.engines.new_bucket()
        (secret,) = self.rendered.of("Secret").values()
        self.secret = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['api']}"

    def environment(self, container: Document) -> dict[str, str]:
        """What the container would see."""
        outer = {key: value for key, value in os.environ.items() if not key.startswith("LIMNER_")}
        given = {}
        for entry in container["env"]:
            if "value" in entry:
                given[entry["name"]] = self._placed(entry["value"])
            elif (key := entry["valueFrom"]["secretKeyRef"]["key"]) in self.secret:
                given[entry["name"]] = self.secret[key]
        of_engines = {
            "LIMNER_DATABASE_URL": self.database_url,
            "LIMNER_REDIS_URL": self.engines.redis_url,
            "LIMNER_KAFKA_PREFIX": self.engines.topic_prefix,
            **self.engines.object_settings(self.bucket),
        }
        assert set(of_engines) - {"LIMNER_KAFKA_PREFIX"} <= set(given) or container["args"][0] in ("migrate", "relay")
        return {**outer, **QUICKLY, **given, **{name: value for name, value in of_engines.items() if name in given}}

    def _placed(self, value: str) -> str:
        value = value.replace(f"{RELEASE}-kafka:9092", self.engines.kafka_servers)
        return re.sub(rf"http://{RELEASE}-(\w+):8000", lambda found: f"http://127.0.0.1:{self.ports[found[1]]}", value)

    def arguments(self, name: str, container: Document) -> list[str]:
        """The container's arguments with this machine's ports."""
        ports = {"8000": str(self.ports.get(name.removeprefix(f"{RELEASE}-"), 0)), "8001": str(self.health_ports[name])}
        return [*(ports.get(argument, argument) for argument in container["args"]), "--host", "127.0.0.1"]

    def migrate(self) -> None:
        """Run the init containers; those of a service and its worker do the same."""
        for name in SERVICE_NAMES:
            spec = self.rendered.one("Deployment", f"{RELEASE}-{name}")["spec"]["template"]["spec"]
            (container,) = spec["initContainers"]
            done = self.run(container)
            assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"

    def run(self, container: Document) -> "subprocess.CompletedProcess[str]":
        """Run a container that ends by itself."""
        return subprocess.run(
            command(*container["args"]), env=self.environment(container), capture_output=True, text=True, timeout=300
        )

    def start(self) -> None:
        """Start every Deployment and wait for its readiness probe."""
        for name, deployment in self.rendered.of("Deployment").items():
            (container,) = deployment["spec"]["template"]["spec"]["containers"]
            with self.log(name).open("wb") as output:
                self.processes[name] = subprocess.Popen(
                    command(*self.arguments(name, container)),
                    env=self.environment(container),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
        deadline = time.monotonic() + 300
        for name, process in self.processes.items():
            while not _answers(f"http://127.0.0.1:{self.health_ports[name]}/health/ready"):
                assert process.poll() is None and time.monotonic() < deadline, self.log(name).read_text()[-3000:]
                time.sleep(0.2)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def stop(self) -> dict[str, int]:
        """Ask all to end, as kubelet does."""
        for process in self.processes.values():
            process.terminate()
        return {name: process.wait(120) for name, process in self.processes.items()}

    def kill(self) -> None:
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url, timeout=5).status_code == 200
    return False


@pytest.fixture(scope="module")
def traces() -> Iterator[Collector]:
    with collector() as received:
        yield received


@pytest.fixture(scope="module")
def release(engines: Engines, traces: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    values = f"relays.enabled=true,traces.url={traces.url},traces.sampleRatio=1"
    rendered = render(CHART / "profiles" / "trial.yaml", "--set", values, release=RELEASE)
    running = Release(rendered, engines, tmp_path_factory.mktemp("release"))
    try:
        running.migrate()
        running.start()
        yield running
        codes = running.stop()
        assert codes == dict.fromkeys(codes, 0), codes
    finally:
        running.kill()


def test_people_work_with_it(release: Release, tmp_path: Path) -> None:
    credentials = (release.secret["admin-username"], release.secret["admin-password"])
    with make_client(release.url, credentials=credentials) as client:
        client.config.status_check_period = 0.2
        task = client.tasks.create_from_data(
            spec={"name": "release", "labels": [{"name": "car", "attributes": []}]},
            resource_type=ResourceType.LOCAL,
            resources=[str(path) for path in write_pictures(tmp_path, 3)],
            data_params={"image_quality": 80},
        )
        assert task.size == 3
        assert len(task.get_jobs()) == 1, "the fact that data are ready went by a relay of its own over Kafka"
        task.export_dataset("COCO 1.0", tmp_path / "coco.zip", include_images=True)


def test_an_upload_is_one_trace_across_http_and_kafka(release: Release, traces: Collector, tmp_path: Path) -> None:
    credentials = (release.secret["admin-username"], release.secret["admin-password"])
    check_way(traces, *upload(release.url, credentials, tmp_path))


def test_the_doctor_finds_everything_well(release: Release) -> None:
    (container,) = release.rendered.one("Pod", f"{RELEASE}-doctor")["spec"]["containers"]
    done = release.run(container)
    assert done.returncode == 0, done.stdout + done.stderr
    for service in SERVICE_NAMES:
        assert f"ok    service {service}" in done.stdout


def test_prometheus_finds_metrics_where_the_monitor_looks(release: Release) -> None:
    for name, port in release.health_ports.items():
        assert "limner_build_info" in httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text, name
