"""What ``limner relay`` runs: the relay of one service, without the service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from limner_allinone.buses import bus_from
from limner_allinone.composition import definition_of, start_tracing
from limner_allinone.databases import database_from
from limner_allinone.vitals import Vitals
from limner_common.bus import Bus, run_relay
from limner_common.db import Database
from limner_common.http.app import create_health_app
from limner_common.observe.page import MetricsPage
from limner_common.observe.sampling import Sampled
from limner_common.readiness import Draining
from limner_common.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Relay:
    """The relay of a service, ready to run.

    Attributes:
        app: Answers for its health.
        metrics: The process's metrics.
    """

    app: ASGIApp
    metrics: MetricsPage
    _database: Database
    _bus: Bus

    async def run(self) -> None:
        """Publish for ever."""
        await run_relay(self._database, self._bus)


@asynccontextmanager
async def relaying(settings: ServiceSettings, name: str, draining: Draining) -> AsyncIterator[Relay]:
    """Build, and at the end close, the relay of a service.

    Args:
        settings: Settings of this process.
        name: The service.
        draining: Whether the process is about to end.
    """
    async with AsyncExitStack() as stack:
        await start_tracing(stack, settings)
        definition = definition_of(name)
        bus = bus_from(settings)
        stack.push_async_callback(bus.close)
        database = database_from(settings, definition.metadata, is_worker=True)
        stack.push_async_callback(database.close)
        readiness = Vitals(stack, settings, draining, bus).of_relay(definition)
        metrics = MetricsPage(bus)
        metrics.watch(Sampled(database))
        yield Relay(create_health_app(name, readiness), metrics, database, bus)
