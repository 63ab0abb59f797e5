"""Fixtures shared by all tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.support.installation import DatabaseServer, database_server

if TYPE_CHECKING:
    from tests.support.cluster import Cluster
    from tests.support.engines import Engines
    from tests.support.nursery import Nursery
    from tests.support.wires import Wire


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engines", action="store_true", help="run the end-to-end tests on separate processes and real engines"
    )
    parser.addoption(
        "--at-length", action="store_true", help="break clusters for as long and in as many ways as operators fear"
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[DatabaseServer]:
    """The run's PostgreSQL server with all schemas in a template."""
    async with database_server() as server:
        yield server


@pytest.fixture(scope="session")
def engines() -> Iterator["Engines"]:
    """PostgreSQL, Redis, Kafka and MinIO, perhaps shared with other runs: never stopped by a test."""
    from tests.support.engines import engines_of_run

    with engines_of_run() as engines:
        yield engines


@pytest.fixture(scope="session")
def own_engines(engines: "Engines") -> Iterator["Engines"]:
    """Engines of this run alone; ``mortal_engines`` mends them after a test that breaks them."""
    from tests.support.engines import own_engines

    if engines.is_own:
        yield engines
        return
    with own_engines() as own:
        yield own


@pytest.fixture
def mortal_engines(own_engines: "Engines") -> Iterator["Engines"]:
    """Engines of this run alone that a test may stop, kill and pause; they are mended after it."""
    yield own_engines
    own_engines.mend()


@pytest.fixture(scope="session")
def nursery() -> Iterator["Nursery"]:
    """Makes processes of the product quickly."""
    from tests.support.nursery import Nursery

    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(scope="session")
def store_wire(own_engines: "Engines") -> Iterator["Wire"]:
    """What leads the cluster to its object store."""
    from tests.support.wires import wire_in_a_thread

    with wire_in_a_thread("127.0.0.1", own_engines.stack.minio.port) as wire:
        yield wire


@pytest.fixture(scope="session")
def cluster(
    own_engines: "Engines", nursery: "Nursery", store_wire: "Wire", tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Cluster"]:
    """Two replicas of every service, worker and relay on real engines; they must end cleanly."""
    from tests.support.cluster import Cluster

    folder: Path = tmp_path_factory.mktemp("limner-cluster")
    extra = {"LIMNER_OBJECTS_S3_URL": f"http://{store_wire.address}"}
    with Cluster(folder, own_engines, nursery, extra=extra).running() as cluster:
        yield cluster
