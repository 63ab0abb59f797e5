"""The older way to follow an import: the same request is sent again with the id of the work."""

import msgspec
from starlette.responses import Response

from limner_common.errors import Forbidden, Invalid, NotFound
from limner_common.http.json import JSONAnswer
from limner_common.requests import request_of
from limner_common.work import WorkItem, WorkState
from limner_exports.container import ExportsContainer
from limner_exports.exporting import repository
from limner_exports.importing.orders import IMPORT, IMPORT_DATASET, ImportOrder
from limner_exports.importing.service import no_file
from limner_exports.target import Target


async def poll_import(container: ExportsContainer, target: Target, request_id: str) -> Response:
    """Answer 202 while an import runs and 201 once when it is done.

    Raises:
        Forbidden: It is not an import of this person into this target.
        Invalid: It failed, with the reason; or its end was told before.
    """
    item = await _own_import(container, target, request_id)
    if item is None:
        raise Forbidden("This import was not started by you.", code="import_foreign")
    if item.state in (WorkState.QUEUED, WorkState.RUNNING):
        return Response(status_code=202)
    async with container.database.begin() as uow:
        if await repository.is_acknowledged(uow, item.id):
            raise no_file(target)
        await repository.acknowledge(uow, item.id)
    return _end_of(item)


async def import_status(container: ExportsContainer, target: Target, request_id: str) -> Response:
    """Answer how an import of a dataset goes: 202 with its progress while it runs, 201 when it is done.

    Raises:
        NotFound: There is no such import.
        Invalid: It failed, with the reason.
    """
    item = await _own_import(container, target, request_id)
    if item is None:
        raise NotFound("There is no such import.", code="import_unknown")
    if item.state in (WorkState.QUEUED, WorkState.RUNNING):
        state = "Queued" if item.state is WorkState.QUEUED else "Started"
        return JSONAnswer({"state": state, "message": item.message, "progress": item.progress}, 202)
    return _end_of(item)


def _end_of(item: WorkItem) -> Response:
    if item.state is WorkState.FAILED:
        raise Invalid(item.message, code="import_failed")
    if item.state is WorkState.CANCELLED:
        raise Invalid("The import was cancelled.", code="import_cancelled")
    return Response(status_code=201)


async def _own_import(container: ExportsContainer, target: Target, request_id: str) -> WorkItem | None:
    async with container.database.begin() as uow:
        item = await container.queue.get(uow, request_id)
    if item is None or item.kind not in (IMPORT, IMPORT_DATASET):
        return None
    order = msgspec.convert(item.payload, ImportOrder)
    is_here = (order.kind, order.id) == (target.kind, target.id)
    return item if is_here and (request_of(item).user_id == target.user_id or target.is_admin) else None
