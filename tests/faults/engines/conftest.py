"""A cluster whose members and engines are broken under the hands of people who work on it."""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.faults.caller import Caller
from tests.faults.engines.annotators import Annotators
from tests.faults.engines.ledger import FAULTS, Fault, table
from tests.support.cluster import Cluster, wait_until
from tests.support.engines import Engines
from tests.support.product import ADMIN
from tests.support.wires import Wire

#: Frames of the task that whole operations are done on.
PICTURES = 500


@pytest.fixture(scope="session")
def is_at_length(request: pytest.FixtureRequest) -> bool:
    """Whether faults last as long, and come in as many ways, as operators fear."""
    return bool(request.config.getoption("--at-length"))


@pytest.fixture(scope="session")
def outage_seconds(is_at_length: bool) -> float:
    """How long an engine is away."""
    return 60.0 if is_at_length else 5.0


@pytest.fixture(scope="session")
def people(is_at_length: bool) -> int:
    """How many save at the same time."""
    return 50 if is_at_length else 8


@pytest.fixture
def fault(request: pytest.FixtureRequest) -> Iterator[Fault]:
    """The line of this test in the table."""
    fault = Fault(request.node.name.removeprefix("test_").replace("_", " "))
    FAULTS.append(fault)
    yield fault


@pytest.fixture
def broken(cluster: Cluster, mortal_engines: Engines, store_wire: Wire) -> Iterator[Cluster]:
    """The cluster, whole; it is mended afterwards."""
    cluster.mend()
    yield cluster
    store_wire.mend()
    mortal_engines.mend()
    changed = [title for title, member in cluster.members.items() if member.extra]
    cluster.kill(changed)  # or it would go on with what it was told, such as a disk that is gone after the test
    for title in changed:
        cluster.members[title].extra.clear()
    cluster.mend()


@pytest.fixture
def caller(cluster: Cluster) -> Iterator[Caller]:
    """Asks the cluster and expects success."""
    caller = Caller(cluster)
    yield caller
    caller.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of small pictures."""
    path = tmp_path_factory.mktemp("pictures") / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(PICTURES):
            archive.writestr(f"image_{number:04d}.png", picture())
    return path


@pytest.fixture(scope="session")
def web(cluster: Cluster) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cluster.url, auth=ADMIN, timeout=60) as web:
        yield web


@pytest.fixture(scope="session")
def jobs(web: httpx.Client, people: int) -> list[tuple[int, int]]:
    """A job with a label of its own for each person."""
    return [new_job(web, f"person {number}") for number in range(people)]


@pytest.fixture
def annotators(cluster: Cluster, jobs: list[tuple[int, int]]) -> Annotators:
    return Annotators(cluster.url, jobs)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 150)).save(out, "PNG")
    return out.getvalue()


def random_picture() -> bytes:
    """A picture of some megabytes."""
    out = io.BytesIO()
    Image.frombytes("RGB", (1200, 800), os.urandom(1200 * 800 * 3)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def new_task(web: httpx.Client, name: str) -> int:
    labels = [{"name": "car", "attributes": []}]
    return int(web.post("/api/tasks", json={"name": name, "labels": labels}).raise_for_status().json()["id"])


def start_data(web: httpx.Client, task_id: int) -> str:
    files = {"client_files[0]": ("a.png", picture(), "image/png")}
    answer = web.post(f"/api/tasks/{task_id}/data/", data={"image_quality": "70"}, files=files).raise_for_status()
    return str(answer.json()["rq_id"])


def new_job(web: httpx.Client, name: str) -> tuple[int, int]:
    task_id = new_task(web, name)
    request_id = start_data(web, task_id)
    wait_until(lambda: web.get(f"/api/requests/{request_id}").json().get("status") == "finished", f"data of {name}")
    label_id = web.get(f"/api/labels?task_id={task_id}").json()["results"][0]["id"]
    return int(web.get(f"/api/jobs?task_id={task_id}").json()["results"][0]["id"]), int(label_id)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--at-length"):
        long = [item for item in items if item.get_closest_marker("at_length")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Iterator[None]:
    report = yield
    fault = getattr(item, "funcargs", {}).get("fault")
    if call.when == "call" and fault is not None:
        fault.is_survived = report.passed
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FAULTS:
        terminalreporter.section("faults")
        for line in table():
            terminalreporter.write_line(line)
