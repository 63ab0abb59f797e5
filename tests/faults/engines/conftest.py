"""A cluster whose members and engines are broken under the hands of people who work on it."""

import io
import os
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from tests.faults.engines.annotators import Annotators
from tests.faults.engines.ledger import FAULTS, Fault, table
from tests.support.cluster import Cluster
from tests.support.engines import Engines
from tests.support.product import ADMIN

#: People at work at the same time.
PEOPLE = int(os.environ.get("FAULTS_PEOPLE", "12"))


@pytest.fixture
def fault(request: pytest.FixtureRequest) -> Iterator[Fault]:
    """The line of this test in the table."""
    fault = Fault(request.node.name.removeprefix("test_").replace("_", " "))
    FAULTS.append(fault)
    yield fault


@pytest.fixture
def broken(cluster: Cluster, mortal_engines: Engines) -> Iterator[Cluster]:
    """The cluster, whole; it is mended afterwards."""
    cluster.mend()
    yield cluster
    mortal_engines.mend()
    cluster.mend()


@pytest.fixture(scope="session")
def web(cluster: Cluster) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cluster.url, auth=ADMIN, timeout=60) as web:
        yield web


@pytest.fixture(scope="session")
def jobs(web: httpx.Client) -> list[tuple[int, int]]:
    """A job with a label of its own for each person."""
    return [new_job(web, f"person {number}") for number in range(PEOPLE)]


@pytest.fixture
def annotators(cluster: Cluster, jobs: list[tuple[int, int]]) -> Annotators:
    return Annotators(cluster.url, jobs)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 150)).save(out, "PNG")
    return out.getvalue()


def new_task(web: httpx.Client, name: str) -> int:
    labels = [{"name": "car", "attributes": []}]
    return int(web.post("/api/tasks", json={"name": name, "labels": labels}).raise_for_status().json()["id"])


def start_data(web: httpx.Client, task_id: int) -> str:
    files = {"client_files[0]": ("a.png", picture(), "image/png")}
    answer = web.post(f"/api/tasks/{task_id}/data/", data={"image_quality": "70"}, files=files).raise_for_status()
    return str(answer.json()["rq_id"])


def new_job(web: httpx.Client, name: str) -> tuple[int, int]:
    from tests.support.cluster import wait_until

    task_id = new_task(web, name)
    request_id = start_data(web, task_id)
    wait_until(lambda: web.get(f"/api/requests/{request_id}").json().get("status") == "finished", f"data of {name}")
    label_id = web.get(f"/api/labels?task_id={task_id}").json()["results"][0]["id"]
    return int(web.get(f"/api/jobs?task_id={task_id}").json()["results"][0]["id"]), int(label_id)


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
