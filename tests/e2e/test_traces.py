"""One upload is one trace: from the request through media, its worker and the bus to the jobs that are created."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from limner_allinone.postgres import EmbeddedPostgres
from tests.support.cluster import wait_until
from tests.support.deployment import Deployment
from tests.support.folders import make_enterable
from tests.support.product import ADMIN, Product
from tests.support.traced_upload import QUICKLY, check_way, request_id_of, upload
from tests.support.traces import Collector, collector

pytestmark = pytest.mark.e2e


@pytest.fixture
def traces() -> Iterator[Collector]:
    with collector() as received:
        yield received


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_enterable(tmp_path)


@pytest.fixture
def product(traces: Collector, folder: Path) -> Iterator[Product]:
    running = Product(folder / "home", {"LIMNER_TRACES_URL": traces.url, **QUICKLY}).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def deployment(traces: Collector, folder: Path) -> Iterator[Deployment]:
    server = EmbeddedPostgres(folder / "database")
    asyncio.run(server.start())
    settings = {"LIMNER_TRACES_URL": traces.url, "LIMNER_OBJECTS_FOLDER": str(folder / "objects"), **QUICKLY}
    running = Deployment(folder / "deployment", server.url(), settings)
    try:
        running.migrate()
        running.start()
        yield running
    finally:
        running.kill()
        asyncio.run(server.stop())


def test_an_upload_is_one_trace_in_one_process_tree(product: Product, traces: Collector, tmp_path: Path) -> None:
    check_way(traces, *upload(product.url, ADMIN, tmp_path / "pictures"))


def test_an_upload_is_one_trace_across_processes(deployment: Deployment, traces: Collector, tmp_path: Path) -> None:
    trace_id, root = upload(deployment.url, ADMIN, tmp_path / "pictures")
    check_way(traces, trace_id, root)
    words = f'"{request_id_of(trace_id)}"', '"work_ended"', f'"trace_id": "{trace_id}"'

    def is_told() -> bool:
        return any(all(word in line for word in words) for line in deployment.log("work media").splitlines())

    wait_until(is_told, "the worker to tell the end of its work", timeout_seconds=60)
