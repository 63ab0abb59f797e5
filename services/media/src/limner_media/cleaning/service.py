"""Removing what nobody needs."""

from datetime import timedelta

import msgspec

from limner_common.cache import Cache
from limner_common.db import Database, UnitOfWork
from limner_common.db.holds import are_removals_held
from limner_common.errors import Conflict, Unavailable
from limner_common.ids import new_token
from limner_common.objects.port import ObjectStore
from limner_common.uploads import Uploads
from limner_common.work import WorkContext, WorkQueue
from limner_media.cleaning.repository import delete_upload_rows, ended_owners
from limner_media.datas.service import Datas
from limner_media.ingest.service import Ingests, task_folder

PURGE = "purge"
#: With the queue's backoff this waits days for an ingest that does not stop, or a backup that is being made.
_PURGE_ATTEMPTS = 1000


class PurgeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of a purge."""

    task_id: int


class Cleaning:
    """Removes data of deleted tasks and abandoned uploads.

    Args:
        database: The service's database.
        queue: Where purges wait.
        datas: Rows of data.
        ingests: Knows which tasks are being ingested.
        uploads: Files that were sent.
        objects: Objects of tasks.
        cache: Chunks of tasks.
    """

    def __init__(
        self,
        database: Database,
        queue: WorkQueue,
        datas: Datas,
        ingests: Ingests,
        uploads: Uploads,
        objects: ObjectStore,
        cache: Cache,
    ) -> None:
        self._database = database
        self._queue = queue
        self._datas = datas
        self._ingests = ingests
        self._uploads = uploads
        self._objects = objects
        self._cache = cache

    async def task_deleted(self, uow: UnitOfWork, task_id: int) -> None:
        """Stop what is being made for a deleted task and queue the removal of all it had. Idempotent."""
        await self._ingests.cancel(uow, task_id)
        await queue_purge(uow, self._queue, task_id)

    async def purge(self, context: WorkContext) -> None:
        """Remove everything of a deleted task: rows, objects, chunks. Handler of the work items; idempotent.

        Raises:
            Unavailable: An ingest of it has not stopped yet, or a backup is being made.
        """
        task_id = msgspec.convert(context.item.payload, PurgeOrder).task_id
        async with self._database.begin() as uow:
            is_busy = await self._ingests.cancel(uow, task_id)
        if is_busy and await self._ingests.is_active(task_id):
            raise Unavailable("The data of the task are still being made.")
        if await are_removals_held(self._database):
            raise Unavailable("A backup is being made; objects are removed after it.")
        async with self._database.begin() as uow:
            token = await self._datas.delete(uow, task_id)
            await delete_upload_rows(uow, f"tasks/{task_id}/")
        await self._objects.delete_prefix(task_folder(task_id))
        if token is not None:
            await self._cache.delete_prefix(f"media/{token}/")

    async def sweep(self, older_than: timedelta) -> int:
        """Remove uploads nobody came back for, and those of work that ended without using them; returns how many.

        While a backup is being made nothing is removed.
        """
        if await are_removals_held(self._database):
            return 0
        count = await self._uploads.sweep(older_than)
        for work_id in await ended_owners(self._database):
            leftovers = await self._uploads.claimed(work_id)
            await self._uploads.remove(leftovers)
            count += len(leftovers)
        return count


async def queue_purge(uow: UnitOfWork, queue: WorkQueue, task_id: int) -> None:
    """Queue the removal of everything a task had, unless it is queued already."""
    order = msgspec.to_builtins(PurgeOrder(task_id=task_id))
    try:
        await queue.enqueue(
            uow,
            item_id=new_token("purge-"),
            kind=PURGE,
            payload=order,
            dedupe_key=f"{PURGE}:{task_id}",
            max_attempts=_PURGE_ATTEMPTS,
        )
    except Conflict:
        return
