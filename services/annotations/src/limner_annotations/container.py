"""The service's container: adapters and settings its features use."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import structlog

from limner_annotations.pruning.service import Retention, prune
from limner_annotations.revisions.ids import IdBlocks
from limner_annotations.settings import AnnotationsSettings
from limner_clients.catalog import CatalogClient
from limner_common.requests import request_observer
from limner_common.service import Resources
from limner_common.work import WorkQueue

log = structlog.get_logger(__name__)

_T = TypeVar("_T")


def new_queue() -> WorkQueue:
    """Return the service's queue, which tells of its work as background requests."""
    return WorkQueue(request_observer("annotations"))


class AnnotationsContainer:
    """Everything routes, consumers and workers of the service reach their adapters through."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.keyring = resources.keyring
        self.database = resources.database
        self.cache = resources.cache
        self.settings = AnnotationsSettings()
        self.queue = new_queue()
        self.catalog = CatalogClient(resources.upstreams, resources.keyring)
        self.ids = IdBlocks(resources.database)
        self._threads = ThreadPoolExecutor(self.settings.threads, thread_name_prefix="annotations")
        self._pruning: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "AnnotationsContainer":
        self._pruning = asyncio.create_task(self._prune_for_ever())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._pruning is not None:
            self._pruning.cancel()
            await asyncio.gather(self._pruning, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def compute(self, size_bytes: int, work: Callable[[], _T]) -> _T:
        """Run pure work on a document: here when it is small, else in a thread of a bounded pool.

        Args:
            size_bytes: Size of the document.
            work: What to do; touches no loop and no connection.
        """
        if size_bytes < self.settings.threaded_bytes:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _prune_for_ever(self) -> None:
        settings = self.settings
        retention = Retention(timedelta(days=settings.history_days), settings.history_revisions)
        while True:
            await asyncio.sleep(settings.prune_interval_seconds)
            try:
                removed = await prune(self.database, retention, batch_rows=settings.prune_rows)
            except Exception as error:  # the database may be away; the next round finds the same
                log.warning("pruning_failed", error=repr(error))
            else:
                log.info("revisions_pruned", objects=removed)
