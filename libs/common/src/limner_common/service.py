"""What a service is to the composition roots: its tables, application, consumers and workers.

The all-in-one and ``limner serve|work|migrate`` treat all services alike through ``ServiceDefinition``; nothing else in the
product knows which adapters a service runs on.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from fastapi import FastAPI

from limner_common.administration import Administration
from limner_common.bus.consumer import AnyConsumer
from limner_common.bus.port import Bus
from limner_common.cache.port import Cache
from limner_common.cache.single_flight import ReplicaLock
from limner_common.db.engine import Database
from limner_common.grants import Keyring
from limner_common.http.upstream import Upstreams
from limner_common.objects.port import ObjectStore
from limner_common.observe.page import MetricsPage
from limner_common.readiness import Readiness
from limner_common.settings import ServiceSettings
from limner_common.tallies import Tally
from limner_common.work.queue import WorkQueue
from limner_common.work.worker import Handler


@dataclass(frozen=True, slots=True)
class Resources:
    """The adapters a service runs on, built and closed by the composition root.

    Attributes:
        database: The service's own schema.
        bus: Where facts go and come from.
        objects: Object store; a service uses keys under its own name.
        cache: Bounded cache; keys under the service's name.
        keyring: Signs with the service's key, verifies everybody's grants.
        upstreams: The way to the other services.
        scratch: Folder for temporary files of this process; removed by whoever made it, or when the next process starts.
        settings: Settings shared by all services.
        metrics: The process's page of metrics.
        replicas: Keeps replicas from building the same thing at once; None where there is nothing to gain.
        tally: Counts for all replicas; None where they share nothing to count by.
        readiness: What the service needs, and whether the process is about to end.
    """

    database: Database
    bus: Bus
    objects: ObjectStore
    cache: Cache
    keyring: Keyring
    upstreams: Upstreams
    scratch: Path
    settings: ServiceSettings
    metrics: MetricsPage
    readiness: Readiness
    replicas: ReplicaLock | None = None
    tally: Tally | None = None


class Container(Protocol):
    """A service's adapters and settings; entered by the composition root before its app or workers run."""

    resources: Resources
    keyring: Keyring
    database: Database
    queue: WorkQueue

    async def __aenter__(self) -> "Container": ...

    async def __aexit__(self, *exc_info: object) -> None: ...


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """One service.

    Attributes:
        name: Its name, which is also its schema and its name in grants.
        metadata: Its tables.
        migrations: Python package with its Alembic scripts.
        build: Makes its container; opens nothing.
        create_app: Makes its application.
        new_queue: Makes the queue of its work, for commands that change it without the service.
        consumers: What it does with facts of others.
        handlers: What its workers do, by kind of work.
        worker_concurrency: Items one worker process runs at a time.
        administration: What it answers to operators' commands.
        keeps_objects: It has objects in the store: without the store its workers can do nothing, and it serves less.
    """

    name: str
    metadata: sa.MetaData
    migrations: str
    build: Callable[[Resources], Any]
    create_app: Callable[[Any], FastAPI]
    new_queue: Callable[[], WorkQueue] = WorkQueue
    consumers: Callable[[Any], Sequence[AnyConsumer]] = lambda _container: ()
    handlers: Callable[[Any], Mapping[str, Handler]] = lambda _container: {}
    worker_concurrency: int = 2
    administration: Administration = field(default_factory=Administration)
    keeps_objects: bool = False


@asynccontextmanager
async def nothing_to_close() -> AsyncIterator[None]:
    """A context for containers that own nothing beyond their resources."""
    yield


ContainerContext = AbstractAsyncContextManager[Any]
