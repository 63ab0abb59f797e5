"""Routes of imports: upload a file in any of the ways clients know, and begin."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from limner_common.errors import NotFound
from limner_common.http.granted import Granted
from limner_common.http.json import JSONAnswer
from limner_common.requests import RequestDescription, request_header
from limner_common.uploads import (
    UploadStep,
    answer_creation,
    answer_head,
    answer_options,
    answer_patch,
    base_name,
    form_events,
    upload_step,
)
from limner_common.uploads.forms import is_form
from limner_common.uploads.headers import upload_metadata
from limner_exports.access import Container, import_target
from limner_exports.container import ExportsContainer
from limner_exports.importing.orders import upload_scope
from limner_exports.importing.polling import poll_import
from limner_exports.importing.service import no_file
from limner_exports.target import Collection, Target

router = APIRouter(tags=["imports"])
#: What is sent where: annotations to tasks and jobs, datasets to projects.
_SUBJECTS = {Collection.PROJECTS: "dataset", Collection.TASKS: "annotations", Collection.JOBS: "annotations"}
_TARGET = "/api/{collection}/{object_id}/{subject}"


async def upload_target(collection: Collection, object_id: int, subject: str, grant: Granted) -> Target:
    """Return what a file is for.

    Raises:
        NotFound: The path names something else.
        Forbidden: The grant is for something else.
    """
    if _SUBJECTS[collection] != subject:
        raise NotFound
    return await import_target(collection, object_id, grant)


ForUpload = Annotated[Target, Depends(upload_target)]


@router.post(_TARGET)
@router.post(_TARGET + "/", include_in_schema=False)
async def upload(request: Request, container: Container, target: ForUpload, subject: str) -> Response:
    """Import a file, in one of four shapes told apart by headers; the last step answers 202 with a request id.

    Query: ``format``, ``filename``, ``import_mode`` (replace or append), ``conv_mask_to_poly``. What is there is
    replaced unless it is to be appended to; nothing changes when the file is refused.
    """
    match upload_step(request.headers):
        case UploadStep.START:
            container.imports.read_order(target, request.query_params)
            await container.uploads.discard(upload_scope(target))
            return Response(status_code=202)
        case UploadStep.CREATE:
            return await _create(request, container, target, subject)
        case UploadStep.FINISH:
            order = container.imports.read_order(target, request.query_params)
            return _accepted(await container.imports.start_uploaded(target, order))
        case UploadStep.MULTIPLE | UploadStep.ONE_SHOT:
            return await _receive(request, container, target)


@router.put(_TARGET)
@router.put(_TARGET + "/", include_in_schema=False)
async def upload_or_poll(request: Request, container: Container, target: ForUpload) -> Response:
    """Import a file in a form, or ask how an import goes, as older clients do: 202 while it runs, 201 when done."""
    request_id = request.query_params.get("rq_id")
    if request_id:
        return await poll_import(container, target, request_id)
    return await _receive(request, container, target)


@router.options(_TARGET)
@router.options(_TARGET + "/", include_in_schema=False)
@router.options(_TARGET + "/{upload_id}", include_in_schema=False)
async def describe_uploads(container: Container) -> Response:
    """Say which upload protocol is spoken."""
    return answer_options(container.uploads)


@router.patch(_TARGET + "/{upload_id}")
async def append_upload(request: Request, upload_id: str, container: Container, target: ForUpload) -> Response:
    """Add bytes to a resumable upload; only whoever began it may."""
    scope = upload_scope(target)
    return await answer_patch(request, container.uploads, grant=target.grant, scope=scope, upload_id=upload_id)


@router.head(_TARGET + "/{upload_id}")
async def describe_upload(upload_id: str, container: Container, target: ForUpload) -> Response:
    """Say how far a resumable upload is."""
    return await answer_head(container.uploads, grant=target.grant, scope=upload_scope(target), upload_id=upload_id)


async def _create(request: Request, container: ExportsContainer, target: Target, subject: str) -> Response:
    return await answer_creation(
        request,
        container.uploads,
        grant=target.grant,
        scope=upload_scope(target),
        name=base_name(upload_metadata(request.headers).get("filename", "")),
        path=f"{target.path}/{subject}/",
    )


async def _receive(request: Request, container: ExportsContainer, target: Target) -> Response:
    order = container.imports.read_order(target, request.query_params)
    if not is_form(request):
        raise no_file(target)
    return _accepted(await container.imports.start_form(target, order, form_events(request)))


def _accepted(request: RequestDescription) -> JSONAnswer:
    return JSONAnswer({"rq_id": request.id}, 202, request_header(request))
