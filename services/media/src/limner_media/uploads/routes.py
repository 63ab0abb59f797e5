"""Public routes that receive data."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_common.errors import DomainError, Invalid
from limner_common.grants import Grant
from limner_common.http.json import JSONAnswer, read_json
from limner_common.requests import request_header
from limner_common.uploads import (
    UploadStep,
    answer_creation,
    answer_head,
    answer_options,
    answer_patch,
    form_events,
    upload_step,
)
from limner_common.uploads.forms import is_form
from limner_common.uploads.headers import upload_metadata
from limner_media.access import Container, OfTask
from limner_media.container import MediaContainer
from limner_media.core.names import AbsolutePaths, normalize_name
from limner_media.errors import media_errors
from limner_media.ingest.params import read_params
from limner_media.ingest.service import upload_scope

router = APIRouter(tags=["media"])

#: Lists of all file names of a large task fit in.
_MAX_PARAMS_BYTES = 256 << 20


@router.post("/api/tasks/{task_id}/data")
@router.post("/api/tasks/{task_id}/data/", include_in_schema=False)
async def create_data(request: Request, container: Container, target: OfTask) -> Response:
    """Attach data to a task, in one of five shapes told apart by headers; the finish answers 202 with a request id.

    Files go straight to the object store. A task takes data once.
    """
    task_id, grant = target.task_id, target.grant
    await container.ingests.require_open(task_id)
    match upload_step(request.headers):
        case UploadStep.START:
            await container.uploads.discard(upload_scope(task_id))
            return Response(status_code=202)
        case UploadStep.CREATE:
            return await _create(request, container, task_id, grant)
        case UploadStep.MULTIPLE:
            await _receive(request, container, task_id, grant)
            return Response(status_code=200)
        case UploadStep.FINISH:
            return await _start(container, task_id, await _params(request, container, task_id, grant), grant)
        case UploadStep.ONE_SHOT:
            return await _one_shot(request, container, task_id, grant)


@router.options("/api/tasks/{task_id}/data")
@router.options("/api/tasks/{task_id}/data/", include_in_schema=False)
@router.options("/api/tasks/{task_id}/data/{upload_id}", include_in_schema=False)
async def describe_uploads(container: Container) -> Response:
    """Say which upload protocol is spoken."""
    return answer_options(container.uploads)


@router.patch("/api/tasks/{task_id}/data/{upload_id}")
async def append_upload(request: Request, upload_id: str, container: Container, target: OfTask) -> Response:
    """Add bytes to a resumable upload; only whoever began it may."""
    scope = upload_scope(target.task_id)
    return await answer_patch(request, container.uploads, grant=target.grant, scope=scope, upload_id=upload_id)


@router.head("/api/tasks/{task_id}/data/{upload_id}")
async def describe_upload(upload_id: str, container: Container, target: OfTask) -> Response:
    """Say how far a resumable upload is."""
    scope = upload_scope(target.task_id)
    return await answer_head(container.uploads, grant=target.grant, scope=scope, upload_id=upload_id)


def clean_name(name: str) -> str:
    """Return a safe relative name: of an absolute local path, as clients send them, the last component.

    Raises:
        Invalid: The name is not allowed.
    """
    with media_errors():
        return normalize_name(name, absolute=AbsolutePaths.BASE_NAME)


async def _create(request: Request, container: MediaContainer, task_id: int, grant: Grant) -> Response:
    name = upload_metadata(request.headers).get("filename", "")
    return await answer_creation(
        request,
        container.uploads,
        grant=grant,
        scope=upload_scope(task_id),
        name=clean_name(name),
        path=f"/api/tasks/{task_id}/data/",
    )


async def _receive(request: Request, container: MediaContainer, task_id: int, grant: Grant) -> dict[str, Any]:
    fields = await container.uploads.receive_form(
        upload_scope(task_id), grant.user_id or 0, form_events(request), clean_name=clean_name
    )
    return fields.values()


async def _params(request: Request, container: MediaContainer, task_id: int, grant: Grant) -> dict[str, Any]:
    if is_form(request):
        return await _receive(request, container, task_id, grant)
    body = await read_json(request, limit_bytes=_MAX_PARAMS_BYTES)
    if body is not None and not isinstance(body, dict):
        raise Invalid(fields={"non_field_errors": ["Invalid data. Expected a dictionary."]})
    return body or {}


async def _one_shot(request: Request, container: MediaContainer, task_id: int, grant: Grant) -> Response:
    raw = await _params(request, container, task_id, grant)
    try:
        return await _start(container, task_id, raw, grant)
    except DomainError:
        # Nobody can refer to files of a refused body again.
        await container.uploads.discard(upload_scope(task_id))
        raise


async def _start(container: MediaContainer, task_id: int, raw: dict[str, Any], grant: Grant) -> Response:
    request = await container.ingests.start(task_id, read_params(raw), grant)
    return JSONAnswer({"rq_id": request.id}, 202, request_header(request))
