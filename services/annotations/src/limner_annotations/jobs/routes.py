"""The annotations of a job over HTTP."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_annotations.access import DELETE, READ, UPDATE, OpenJob, author_of, open_job, with_current_labels
from limner_annotations.container import AnnotationsContainer
from limner_annotations.jobs import reading, service
from limner_annotations.requests import container_of, read_document
from limner_annotations.revisions.answers import REVISION_HEADER, document_answer
from limner_annotations.revisions.repeats import save_key
from limner_annotations.revisions.states import JobState, RevisionMismatch, SavedBefore, expected_revision
from limner_common.errors import Invalid
from limner_common.grants import Grant
from limner_common.http.granted import Granted

router = APIRouter(tags=["annotations"])

_PATH = "/api/jobs/{job_id}/annotations"

#: Changes a job by a document that was sent; returns its new state and the document to answer.
Change = Callable[..., Awaitable[tuple[JobState, bytes]]]

_ACTIONS: dict[str, Change] = {
    "create": service.create_annotations,
    "update": service.update_annotations,
    "delete": service.delete_annotations,
}


@router.get(_PATH)
@router.get(_PATH + "/", include_in_schema=False)
async def read_annotations(job_id: int, request: Request, grant: Granted) -> Response:
    """Read all annotations of a job.

    Answers 304 when ``If-None-Match`` names the present state. ``Limner-Revision`` tells the revision. Needs
    ``job:view:annotations``.
    """
    container = container_of(request)
    job = await open_job(container, grant, job_id, READ)
    return await reading.serve_job(container, request, job)


@router.put(_PATH)
@router.put(_PATH + "/", include_in_schema=False)
async def replace_annotations(job_id: int, request: Request, grant: Granted) -> Response:
    """Replace all annotations of a job; ids in the body are not kept.

    With ``If-Match`` the job must be at that revision, else the answer is 409 with what changed since. One revision of
    kind ``replace``. Needs ``job:update:annotations``.
    """
    container = container_of(request)
    job = await open_job(container, grant, job_id, UPDATE)
    return await _change(container, request, grant, job, service.replace_annotations)


@router.patch(_PATH)
@router.patch(_PATH + "/", include_in_schema=False)
async def patch_annotations(job_id: int, request: Request, grant: Granted, action: str = "") -> Response:
    """Create, update or delete some annotations of a job.

    ``action=create`` adds objects without ids; ``update`` replaces objects under the ids they have and adds those without;
    ``delete`` removes by id and ignores unknown ones. One revision. ``If-Match`` as for replacing. Needs
    ``job:update:annotations``.
    """
    container = container_of(request)
    job = await open_job(container, grant, job_id, UPDATE)
    if action not in _ACTIONS:
        raise Invalid("Please specify a correct 'action' for the request")
    return await _change(container, request, grant, job, _ACTIONS[action])


@router.delete(_PATH)
@router.delete(_PATH + "/", include_in_schema=False)
async def clear_annotations(job_id: int, request: Request, grant: Granted) -> Response:
    """Remove all annotations of a job; earlier revisions stay. ``If-Match`` as for replacing.

    Needs ``job:delete:annotations``.
    """
    container = container_of(request)
    job = await open_job(container, grant, job_id, DELETE)
    expected = expected_revision(request.headers.get("if-match"))
    author = author_of(grant, save_key=await save_key(container, request))
    try:
        revision = (await service.clear_annotations(container, job, author, expected=expected)).revision
    except (SavedBefore, RevisionMismatch):
        saved = await service.find_answer(container, job, b"", author)
        if saved is None:
            raise
        revision, _ = saved
    return Response(status_code=204, headers={REVISION_HEADER: str(revision)})


async def _change(container: AnnotationsContainer, request: Request, grant: Grant, job: OpenJob, change: Change) -> Response:
    expected = expected_revision(request.headers.get("if-match"))
    body = await read_document(container, request)
    author = author_of(grant, save_key=await save_key(container, request, body))
    try:
        state, document = await with_current_labels(
            container, job, lambda opened: change(container, opened, body, author, expected=expected)
        )
        revision = state.revision
    except (SavedBefore, RevisionMismatch):
        saved = await service.find_answer(container, job, body, author, echoes=change is service.delete_annotations)
        if saved is None:
            raise
        revision, document = saved
    return document_answer(document, {REVISION_HEADER: str(revision)})
