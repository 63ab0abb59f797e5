"""The service's container: adapters and settings its features use."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from limner_annotations.revisions.ids import IdBlocks
from limner_annotations.settings import AnnotationsSettings
from limner_clients.catalog import CatalogClient
from limner_common.requests import request_observer
from limner_common.service import Resources
from limner_common.work import WorkQueue

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

    async def __aenter__(self) -> "AnnotationsContainer":
        return self

    async def __aexit__(self, *exc_info: object) -> None:
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
