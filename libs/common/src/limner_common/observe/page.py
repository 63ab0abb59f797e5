"""The page of metrics of one process, in Prometheus' text form."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import asyncpg
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import Response

from limner_common.bus import metrics as bus_metrics
from limner_common.bus.port import Bus
from limner_common.db import metrics as db_metrics
from limner_common.errors import DomainError
from limner_common.observe import sampling
from limner_common.observe.sampling import Sampled

log = structlog.get_logger(__name__)

#: A sample serves all who ask within this time: several scrapers, a reload in a browser.
_FRESH_SECONDS: Final = 4.0
#: Dead letters change seldom, and counting them costs a broker more than the rest.
_DEAD_LETTERS_SECONDS: Final = 60.0
#: Prometheus gives up after 10 seconds by default; what is not known by then is left out.
_PATIENCE_SECONDS: Final = 3.0
_AWAY: Final = (OSError, TimeoutError, DomainError, asyncpg.PostgresError, asyncpg.InterfaceError)

#: Returns the page of another process of the same installation; raises ``OSError`` when it is not there.
Neighbour = Callable[[], Awaitable[str]]


class MetricsPage:
    """Renders what this process has counted and what can be sampled of its services.

    It is always answered: what cannot be sampled is left out, and ``limner_database_is_up`` and ``limner_bus_is_up`` say so.

    Args:
        bus: Knows how far consumers are behind.
        own_name: Name of this process where pages of several are shown as one.
    """

    def __init__(self, bus: Bus, own_name: str = "server") -> None:
        self._bus = bus
        self._own_name = own_name
        self._services: list[Sampled] = []
        self._neighbours: dict[str, Neighbour] = {}
        self._lock = asyncio.Lock()
        self._sampled_at = float("-inf")
        self._dead_letters_at = float("-inf")

    def watch(self, service: Sampled) -> None:
        """Sample a service from now on."""
        self._services.append(service)

    def join(self, name: str, neighbour: Neighbour) -> None:
        """Show another process's page on this one; all series then have a label ``process``."""
        self._neighbours[name] = neighbour

    async def answer(self) -> Response:
        """Return the page as an HTTP answer."""
        return Response(await self.render(), media_type=CONTENT_TYPE_LATEST)

    async def render(self) -> bytes:
        """Return the page."""
        async with self._lock:
            if time.monotonic() - self._sampled_at >= _FRESH_SECONDS:
                await asyncio.gather(self._sample_bus(), *map(self._sample_database, self._services))
                self._sampled_at = time.monotonic()
        for service in self._services:
            sampling.sample_pool(service.database)
        if not self._neighbours:
            return await asyncio.to_thread(generate_latest)
        pages = await asyncio.gather(*map(self._ask, self._neighbours))
        return await asyncio.to_thread(_joined, self._own_name, dict(zip(self._neighbours, pages, strict=True)))

    async def _sample_database(self, service: Sampled) -> None:
        if not await _attempt(sampling.sample_database(service), db_metrics.IS_UP.labels(service.name), service.name):
            sampling.forget_database(service)

    async def _sample_bus(self) -> None:
        groups = {group: topics for service in self._services for group, topics in service.groups.items()}
        if groups and not await _attempt(self._sample_groups(groups), bus_metrics.IS_UP, "bus"):
            sampling.forget_bus()
            self._dead_letters_at = float("-inf")

    async def _sample_groups(self, groups: Mapping[str, Sequence[str]]) -> None:
        await sampling.sample_bus(self._bus, groups)
        if time.monotonic() - self._dead_letters_at >= _DEAD_LETTERS_SECONDS:
            await sampling.sample_dead_letters(self._bus, groups)
            self._dead_letters_at = time.monotonic()

    async def _ask(self, name: str) -> str:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._neighbours[name]()
        except (OSError, TimeoutError) as error:
            log.warning("metrics_neighbour_missing", process=name, error=repr(error))
            return ""


async def _attempt(sampled: Awaitable[None], is_up: Gauge, what: str) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await sampled
    except _AWAY as error:
        is_up.set(0)
        log.warning("metrics_sampling_failed", what=what, error=repr(error))
        return False
    is_up.set(1)
    return True


def _joined(own_name: str, pages: Mapping[str, str]) -> bytes:
    families: dict[str, Metric] = {}
    _add(families, own_name, REGISTRY.collect())
    for name, page in pages.items():
        _add(families, name, text_string_to_metric_families(page))
    return generate_latest(_Collected(families))


def _add(families: dict[str, Metric], process: str, found: Iterable[Metric]) -> None:
    for metric in found:
        kept = families.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
        for sample in metric.samples:
            kept.samples.append(sample._replace(labels={"process": process, **sample.labels}))


class _Collected(CollectorRegistry):
    """A registry of what was collected already."""

    def __init__(self, families: Mapping[str, Metric]) -> None:
        super().__init__(auto_describe=False)
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        yield from self._families.values()
