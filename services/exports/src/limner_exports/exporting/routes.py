"""Routes of exports: begin one, download its file."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_common.http.json import JSONAnswer
from limner_common.requests import request_header
from limner_exports.access import Container, ToExport
from limner_exports.exporting.delivery import FileAnswer
from limner_exports.exporting.orders import order_of
from limner_exports.parameters import export_format, read_flag, refuse_cloud_storage

router = APIRouter(tags=["exports"])
_TARGET = "/api/{collection}/{object_id}"


@router.post(_TARGET + "/dataset/export", status_code=202)
@router.post(_TARGET + "/dataset/export/", status_code=202, include_in_schema=False)
async def start_export(request: Request, container: Container, target: ToExport) -> JSONAnswer:
    """Begin an export: 202 with the id of a background request.

    Query: ``format``, ``save_images``, ``filename``, ``location`` (local only). The same export by the same person while
    one runs is a conflict.
    """
    query = request.query_params
    refuse_cloud_storage(query)
    spec = export_format(query, target.dimension)
    save_images = read_flag(query, "save_images", default=False)
    order = order_of(target, spec, save_images=save_images, file_name=query.get("filename", ""))
    started = await container.exports.start(target, order)
    return JSONAnswer({"rq_id": started.id}, 202, request_header(started))


@router.get(_TARGET + "/dataset/download")
@router.head(_TARGET + "/dataset/download", include_in_schema=False)
@router.api_route(_TARGET + "/dataset/download/", methods=["GET", "HEAD"], include_in_schema=False)
async def download_result(request: Request, container: Container, target: ToExport, rq_id: str) -> Response:
    """Download the file of a finished export; its owner and administrators may, ranges are answered."""
    result = await container.exports.result(target, rq_id)
    return FileAnswer(request, container.resources.objects, result)
