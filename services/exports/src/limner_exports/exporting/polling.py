"""The older way to export: the same GET is sent again until the file is there, then once more to fetch it."""

from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_common.clock import utc_now
from limner_common.errors import Conflict, Invalid, NotFound
from limner_common.http.json import JSONAnswer
from limner_common.requests import request_header
from limner_common.work import WorkItem, WorkState
from limner_exports.access import Container, ToExport
from limner_exports.container import ExportsContainer
from limner_exports.exporting import repository
from limner_exports.exporting.delivery import FileAnswer
from limner_exports.exporting.orders import ExportOrder, dedupe_key, order_of
from limner_exports.importing.polling import import_status
from limner_exports.parameters import export_format, refuse_cloud_storage
from limner_exports.target import Collection, Target

router = APIRouter(tags=["exports"])
_TARGET = "/api/{collection}/{object_id}"


@router.get(_TARGET + "/dataset")
@router.get(_TARGET + "/dataset/", include_in_schema=False)
async def poll_dataset(request: Request, container: Container, target: ToExport, collection: Collection) -> Response:
    """Export with pictures, the older way: 202 while it runs, 201 when ready, the file with ``action=download``."""
    if collection is Collection.PROJECTS and request.query_params.get("action") == "import_status":
        return await import_status(container, target, request.query_params.get("rq_id", ""))
    return await _poll(request, container, target, save_images=True)


@router.get(_TARGET + "/annotations")
@router.get(_TARGET + "/annotations/", include_in_schema=False)
async def poll_annotations(request: Request, container: Container, target: ToExport) -> Response:
    """Export without pictures, the older way; as for datasets."""
    return await _poll(request, container, target, save_images=False)


async def _poll(request: Request, container: ExportsContainer, target: Target, *, save_images: bool) -> Response:
    query = request.query_params
    action = query.get("action", "")
    if action not in ("", "download"):
        raise Invalid("Unexpected action specified for the request", code="bad_action")
    if not query.get("format"):
        return JSONAnswer("Format is not specified", 400)
    refuse_cloud_storage(query)
    spec = export_format(query, target.dimension)
    order = order_of(target, spec, save_images=save_images, file_name=query.get("filename", ""))
    item = await _latest(container, target, order)
    if action == "download":
        return await _download(request, container, target, item)
    if item is not None and item.finished_at is not None and await _is_over(container, item):
        item = None
    match item:
        case None:
            return await _start(container, target, order)
        case WorkItem(state=WorkState.DONE):
            return Response(status_code=201)
        case WorkItem(state=WorkState.FAILED):
            await _acknowledge(container, item)
            raise Invalid(item.message, code="export_failed")
        case _:
            return Response(status_code=202)


async def _latest(container: ExportsContainer, target: Target, order: ExportOrder) -> WorkItem | None:
    """Return the last such export of this person, unless it was cancelled."""
    async with container.database.begin() as uow:
        work_id = await repository.find_latest(uow, dedupe_key(order, target.user_id))
        item = None if work_id is None else await container.queue.get(uow, work_id)
    return None if item is None or item.state is WorkState.CANCELLED else item


async def _is_over(container: ExportsContainer, item: WorkItem) -> bool:
    """Say if a finished export was told of, fetched, or left alone for so long that asking again begins anew."""
    assert item.finished_at is not None
    if item.finished_at < utc_now() - timedelta(seconds=container.settings.older_result_seconds):
        return True
    async with container.database.begin() as uow:
        if await repository.is_acknowledged(uow, item.id):
            return True
        return item.state is WorkState.DONE and await repository.find(uow.connection, item.id) is None


async def _start(container: ExportsContainer, target: Target, order: ExportOrder) -> Response:
    try:
        started = await container.exports.start(target, order)
    except Conflict:  # begun at the same moment by the same person
        return Response(status_code=202)
    return Response(status_code=202, headers=request_header(started))


async def _download(request: Request, container: ExportsContainer, target: Target, item: WorkItem | None) -> Response:
    if item is None or item.state is not WorkState.DONE:
        return JSONAnswer("Export has not finished", 400)
    try:
        result = await container.exports.result(target, item.id)
    except NotFound:
        return JSONAnswer("Export has not finished", 400)
    await _acknowledge(container, item)
    return FileAnswer(request, container.resources.objects, result)


async def _acknowledge(container: ExportsContainer, item: WorkItem) -> None:
    async with container.database.begin() as uow:
        await repository.acknowledge(uow, item.id)
