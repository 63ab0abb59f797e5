"""Starting exports, and finding what became of them."""

import msgspec

from limner_clients.catalog import CatalogClient
from limner_common.db import Database
from limner_common.errors import Forbidden, Invalid, NotFound
from limner_common.requests import RequestDescription, payload_with_request, request_of
from limner_common.work import WorkItem, WorkQueue, WorkState
from limner_exports.exporting import repository
from limner_exports.exporting.orders import EXPORT, ExportOrder, dedupe_key, request_type
from limner_exports.exporting.repository import Result
from limner_exports.target import Target


class Exports:
    """Commands on exports.

    Args:
        database: The service's database.
        queue: Where the work waits.
        catalog: Knows the tasks.
    """

    def __init__(self, database: Database, queue: WorkQueue, catalog: CatalogClient) -> None:
        self._database = database
        self._queue = queue
        self._catalog = catalog

    async def start(self, target: Target, order: ExportOrder) -> RequestDescription:
        """Queue an export; returns the request that tells of it.

        Raises:
            Invalid: The task has no data.
            Conflict: The same person runs the same export right now.
        """
        await self._require_data(target)
        request = target.new_request(request_type(save_images=order.save_images), order.format)
        payload = payload_with_request(request, msgspec.to_builtins(order))
        key = dedupe_key(order, target.user_id)
        async with self._database.begin() as uow:
            await self._queue.enqueue(
                uow,
                item_id=request.id,
                kind=EXPORT,
                payload=payload,
                owner=f"user:{target.user_id}",
                dedupe_key=key,
            )
            await repository.note_latest(uow, key, request.id)
        return request

    async def result(self, target: Target, request_id: str) -> Result:
        """Return the result of a finished export of a target, for its owner or an administrator.

        Raises:
            NotFound: There is no such export, or its file is gone.
            Forbidden: It is somebody else's.
            Invalid: It has not finished, or failed.
        """
        async with self._database.begin() as uow:
            item = await self._queue.get(uow, request_id)
            found = await repository.find(uow.connection, request_id)
        _require_own(item, target)
        assert item is not None
        if item.state in (WorkState.QUEUED, WorkState.RUNNING):
            raise Invalid("The export has not finished yet.", code="export_unfinished")
        if item.state is WorkState.FAILED:
            raise Invalid(item.message, code="export_failed")
        if found is None:
            raise NotFound("The result of this export is no longer available; export again.", code="result_expired")
        return found

    async def _require_data(self, target: Target) -> None:
        if target.task_id is None:
            return
        facts = await self._catalog.task(target.task_id, target.version)
        if facts.size == 0:
            raise Invalid("The task has no data yet.", code="task_without_data")


def _require_own(item: WorkItem | None, target: Target) -> None:
    if item is None or item.kind != EXPORT:
        raise NotFound("There is no such export.", code="export_unknown")
    order = msgspec.convert(item.payload, ExportOrder)
    if (order.kind, order.id) != (target.kind, target.id):
        raise NotFound("There is no such export.", code="export_unknown")
    if request_of(item).user_id != target.user_id and not target.is_admin:
        raise Forbidden("This export was asked for by somebody else.", code="export_foreign")
