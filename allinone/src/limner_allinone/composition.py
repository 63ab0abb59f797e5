"""The composition root: builds the adapters of services, enters their containers, runs their relays, consumers and workers.

Used by the all-in-one (all services in one process) and by ``limner serve|work`` (one service, the others elsewhere). Which
adapters are used follows from the settings alone; services never know.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import structlog
from starlette.types import ASGIApp

from limner_allinone.buses import bus_from
from limner_allinone.configuration import named_settings
from limner_allinone.databases import database_from, session_url_from
from limner_allinone.home import product_version
from limner_allinone.scratch import scratch_folder, system_scratch
from limner_allinone.stores import cache_from, object_store_from, redis_from, replica_lock_from
from limner_allinone.vitals import Vitals
from limner_common.bus import Bus, run_consumer, run_relay
from limner_common.cache.measured import MeasuredCache
from limner_common.db import Database
from limner_common.grants import Keyring
from limner_common.housekeeping import run_housekeeping
from limner_common.http.upstream import RemoteApp, Upstreams
from limner_common.objects.measured import MeasuredObjectStore
from limner_common.observe import tracing
from limner_common.observe.metrics import BUILD
from limner_common.observe.page import MetricsPage
from limner_common.observe.sampling import Sampled
from limner_common.readiness import Draining
from limner_common.service import Resources, ServiceDefinition
from limner_common.settings import ServiceSettings
from limner_common.signals.redis import RedisSignals
from limner_common.tallies.redis import RedisTally
from limner_common.work import Worker

log = structlog.get_logger(__name__)

SERVICE_NAMES = ("api", "media", "annotations", "inference", "exports", "analytics")


def definition_of(name: str) -> ServiceDefinition:
    """Return a service's definition, importing only that service."""
    definition: ServiceDefinition = import_module(f"limner_{name}.service").definition
    return definition


@dataclass(slots=True)
class RunningService:
    """One service of this process, entered and ready."""

    definition: ServiceDefinition
    container: Any
    app: ASGIApp
    resources: Resources


@dataclass(slots=True)
class Installation:
    """What runs in this process."""

    services: dict[str, RunningService]
    bus: Bus
    metrics: MetricsPage
    draining: Draining
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def app(self, name: str) -> ASGIApp:
        """Return the application of a service that runs here."""
        return self.services[name].app

    def start_event_loops(self, *, has_relays: bool = True) -> None:
        """Run consumers, housekeeping and, unless others do, relays of the services in the background until ``stop``."""
        self._start(self.bus.maintain(), "bus")
        for service in self.services.values():
            database = service.resources.database
            self._start(run_housekeeping(database), f"housekeeping:{database.schema}")
            if has_relays:
                self._start(run_relay(database, self.bus), f"relay:{database.schema}")
            for consumer in service.definition.consumers(service.container):
                self._start(run_consumer(database, self.bus, consumer), f"consumer:{consumer.group}")

    def start_workers(self) -> None:
        """Run the services' workers in the background until ``stop``."""
        for service in self.services.values():
            handlers = service.definition.handlers(service.container)
            if handlers:
                worker = self.worker(service.definition.name)
                self._start(worker.run(), f"worker:{service.definition.name}")

    async def expire_leases(self) -> None:
        """Let work that a worker left behind be taken up at once; only where no other worker can be running."""
        for service in self.services.values():
            async with service.resources.database.begin() as uow:
                await service.container.queue.expire_leases(uow)

    def worker(self, name: str, *, lease_seconds: float = 30.0) -> Worker:
        """Return a worker of a service, not yet running."""
        service = self.services[name]
        return Worker(
            service.resources.database,
            service.container.queue,
            service.definition.handlers(service.container),
            concurrency=service.definition.worker_concurrency,
            lease_seconds=lease_seconds,
        )

    async def wait(self) -> None:
        """Wait until a background loop breaks, which none should."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """End the background loops; running work is given back to its queue."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def _start(self, work: Any, name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))


@asynccontextmanager
async def install(
    settings: ServiceSettings,
    keyrings: Mapping[str, Keyring],
    names: Sequence[str] = SERVICE_NAMES,
    *,
    is_worker: bool = False,
) -> AsyncIterator[Installation]:
    """Build, enter and at the end close the services named; the rest is reached through ``settings.upstreams``.

    Args:
        settings: Settings of this process.
        keyrings: Signing rings of the services named.
        names: Services that run in this process.
        is_worker: Whether it only runs workers.

    Raises:
        Misconfigured: An adapter cannot be built from the settings.
    """
    async with AsyncExitStack() as stack:
        await start_tracing(stack, settings)
        bus = bus_from(settings)
        stack.push_async_callback(bus.close)
        scratch = stack.enter_context(scratch_folder(settings.scratch_folder or system_scratch()))
        redis = redis_from(settings)
        if redis is not None:
            stack.push_async_callback(redis.aclose)
            await redis.warn()
        signals = None if redis is None else RedisSignals(redis)
        objects, cache = object_store_from(settings), cache_from(settings, redis)
        stack.push_async_callback(objects.aclose)
        stack.push_async_callback(cache.aclose)
        await objects.prepare()
        apps: dict[str, ASGIApp] = {
            name: RemoteApp(address) for name, address in settings.upstreams.items() if name not in names
        }
        upstreams = Upstreams(apps)
        stack.push_async_callback(upstreams.close)
        metrics = MetricsPage(bus)
        BUILD.labels(product_version()).set(1)
        draining = Draining()
        vitals = Vitals(stack, settings, draining, bus)
        readiness_of = vitals.of_worker if is_worker else vitals.of_server
        services = {}
        for name in names:
            definition = definition_of(name)
            database = database_from(settings, definition.metadata, is_worker=is_worker, signals=signals)
            stack.push_async_callback(database.close)
            resources = Resources(
                database=database,
                bus=bus,
                objects=MeasuredObjectStore(objects, name),
                cache=MeasuredCache(cache, name),
                keyring=keyrings[name],
                upstreams=upstreams,
                scratch=scratch,
                settings=settings,
                metrics=metrics,
                replicas=replica_lock_from(settings, redis),
                tally=None if redis is None else RedisTally(redis),
                readiness=readiness_of(definition, objects, redis),
            )
            with named_settings():
                built = definition.build(resources)
            container = await stack.enter_async_context(built)
            apps[name] = definition.create_app(container)
            services[name] = RunningService(definition, container, apps[name], resources)
            metrics.watch(_sampled(services[name]))
        installation = Installation(services, bus, metrics, draining)
        stack.push_async_callback(installation.stop)
        yield installation


async def start_tracing(stack: AsyncExitStack, settings: ServiceSettings) -> None:
    """Record traces, where the settings say where they go, until the stack is closed."""
    if settings.traces_url is not None:
        stop = tracing.start(
            settings.traces_url,
            sample_ratio=settings.traces_sample_ratio,
            service_prefix=settings.traces_service_prefix,
        )
        stack.push_async_callback(asyncio.to_thread, stop)


def _sampled(service: RunningService) -> Sampled:
    definition, container = service.definition, service.container
    groups = {consumer.group: consumer.topics for consumer in definition.consumers(container)}
    return Sampled(service.resources.database, tuple(definition.handlers(container)), groups)


async def migrate_services(settings: ServiceSettings, names: Sequence[str] = SERVICE_NAMES) -> None:
    """Bring the schemas of services, and the bus's tables or topics, to the newest version."""
    # Imported where it is used: workers need no Alembic.
    from limner_common.db.migrations import migrate

    url = session_url_from(settings)
    bus = bus_from(settings)
    try:
        await bus.prepare()
    finally:
        await bus.close()
    for name in names:
        definition = definition_of(name)
        database = Database(url, definition.metadata, pool_size=1)
        try:
            await migrate(database, definition.migrations)
        finally:
            await database.close()
