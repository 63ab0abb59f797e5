"""The annotations of a task over HTTP."""

import contextlib
from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_annotations.access import DELETE, READ, UPDATE, OpenTask, author_of, open_task, with_current_labels
from limner_annotations.container import AnnotationsContainer
from limner_annotations.requests import container_of, read_document
from limner_annotations.revisions.answers import document_answer
from limner_annotations.revisions.repeats import save_key
from limner_annotations.revisions.states import Author, SavedBefore
from limner_annotations.tasks import reading, service
from limner_common.errors import Invalid
from limner_common.http.granted import Granted

router = APIRouter(tags=["annotations"])

_PATH = "/api/tasks/{task_id}/annotations"

#: Changes a task by a document that was sent; returns the document to answer.
Change = Callable[[AnnotationsContainer, OpenTask, bytes, Author], Awaitable[bytes]]

_ACTIONS: dict[str, Change] = {
    "create": service.create_annotations,
    "update": service.update_annotations,
    "delete": service.delete_annotations,
}


@router.get(_PATH)
@router.get(_PATH + "/", include_in_schema=False)
async def read_annotations(task_id: int, request: Request, grant: Granted) -> Response:
    """Read the annotations of a task's annotation jobs as one document.

    Objects that two jobs have on the frames they share are there once; ground truth and replica jobs are left out.
    Answers 304 when ``If-None-Match`` names the present state. Needs ``task:view:annotations``.
    """
    container = container_of(request)
    task = await open_task(container, grant, task_id, READ)
    return await reading.serve_task(container, request, task)


@router.put(_PATH)
@router.put(_PATH + "/", include_in_schema=False)
async def replace_annotations(task_id: int, request: Request, grant: Granted) -> Response:
    """Replace the annotations of all annotation jobs of a task; ids in the body are not kept.

    Objects go to the jobs whose frames they are on, to two where jobs overlap; tracks are cut. One revision of kind
    ``replace`` per job, all or none. Needs ``task:update:annotations``.
    """
    return await _change(task_id, request, grant, service.replace_annotations)


@router.patch(_PATH)
@router.patch(_PATH + "/", include_in_schema=False)
async def patch_annotations(task_id: int, request: Request, grant: Granted, action: str = "") -> Response:
    """Create, update or delete some annotations of a task.

    As for a job; a change of an object reaches what is seen as one with it in the overlap with another job. One revision
    per job that changes, all or none. Needs ``task:update:annotations``.
    """
    if action not in _ACTIONS:
        await open_task(container_of(request), grant, task_id, UPDATE)
        raise Invalid("Please specify a correct 'action' for the request")
    return await _change(task_id, request, grant, _ACTIONS[action])


@router.delete(_PATH)
@router.delete(_PATH + "/", include_in_schema=False)
async def clear_annotations(task_id: int, request: Request, grant: Granted) -> Response:
    """Remove the annotations of all annotation jobs of a task; earlier revisions stay. Needs ``task:delete:annotations``."""
    container = container_of(request)
    task = await open_task(container, grant, task_id, DELETE)
    author = author_of(grant, save_key=await save_key(container, request))
    with contextlib.suppress(SavedBefore):
        await service.clear_annotations(container, task, author)
    return Response(status_code=204)


async def _change(task_id: int, request: Request, grant: Granted, change: Change) -> Response:
    container = container_of(request)
    task = await open_task(container, grant, task_id, UPDATE)
    body = await read_document(container, request)
    author = author_of(grant, save_key=await save_key(container, request, body))
    try:
        answer = await with_current_labels(container, task, lambda opened: change(container, opened, body, author))
    except SavedBefore:
        answer = await service.find_answer(container, task, body, author, echoes=change is service.delete_annotations)
    return document_answer(answer, {})
