"""What other services read and write; they come with a grant for services."""

from collections.abc import AsyncIterator, Callable

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_annotations.access import Opened, OpenJob, OpenTask, with_current_labels
from limner_annotations.container import AnnotationsContainer
from limner_annotations.requests import container_of
from limner_annotations.revisions.answers import PieceStream
from limner_annotations.revisions.service import find_state, find_states
from limner_annotations.revisions.states import Author
from limner_annotations.tasks.reading import layout_of, read_states
from limner_annotations.transfers import imports, reading
from limner_annotations.transfers.imports import ImportMode, ImportOrder
from limner_annotations.transfers.spool import spooled
from limner_common.http.granted import ServiceGranted
from limner_common.http.json import JSONAnswer

router = APIRouter(tags=["internal"])

_LINES = "application/x-ndjson"


@router.get("/internal/tasks/{task_id}/annotations")
async def read_states_of_task(task_id: int, request: Request, _grant: ServiceGranted) -> Response:
    """Tell the revision and the numbers of objects of each job of a task that was ever written."""
    states = await find_states(container_of(request).database, task_id)
    jobs = [
        {
            "job_id": state.job_id,
            "revision": state.revision,
            "tags": state.counts.tags,
            "shapes": state.counts.shapes,
            "tracks": state.counts.tracks,
            "document_bytes": state.counts.document_bytes,
        }
        for state in states
    ]
    return JSONAnswer(msgspec.json.encode({"jobs": jobs}))


@router.get("/internal/jobs/{job_id}/objects")
async def stream_job(
    job_id: int, request: Request, _grant: ServiceGranted, revision: int | None = None, kinds: str | None = None
) -> Response:
    """Stream the objects of a job in the order of frames, as they are stored, at a revision or at the present one.

    Attributes that labels gained after an object was written are absent: the reader fills them.
    """
    container = container_of(request)
    state = await find_state(container.database, 0, job_id)
    pinned = state.revision if revision is None else revision
    state.require(pinned)
    return _stream(reading.job_lines(container, job_id, pinned, reading.parse_kinds(kinds)))


@router.get("/internal/tasks/{task_id}/objects")
async def stream_task(
    task_id: int,
    request: Request,
    _grant: ServiceGranted,
    version: str | None = None,
    pins: str | None = None,
    kinds: str | None = None,
) -> Response:
    """Stream the merged objects of a task in the order of frames, at pinned revisions or at the present ones.

    ``pins`` is like ``108:3,109:1``; jobs that are not in it are read as empty. ``version`` is that of the task's facts.
    """
    container = container_of(request)
    task = await _task(container, task_id, version)
    if pins is None:
        chosen = [(state.job_id, state.revision) for state in await read_states(container, task)]
    else:
        known = dict(reading.parse_pins(pins))
        for state in await find_states(container.database, task_id):
            state.require_kept(known.get(state.job_id, 0))
        chosen = [(job.id, known.get(job.id, 0)) for job in task.annotation_jobs]
    return _stream(reading.task_lines(container, layout_of(task), chosen, reading.parse_kinds(kinds)))


@router.post("/internal/tasks/{task_id}/import")
async def import_into_task(
    task_id: int,
    request: Request,
    _grant: ServiceGranted,
    request_id: str,
    mode: ImportMode = ImportMode.REPLACE,
    user_id: int | None = None,
    username: str = "",
    reason: str = "",
) -> Response:
    """Import documents, one per line, into the annotation jobs of a task: one revision per job, all or nothing.

    Objects are checked and cut to the jobs. A second request with the same ``request_id`` changes nothing and gets the
    answer of the first.
    """
    container = container_of(request)
    author = Author(user_id, username, reason)
    return await _import(
        container,
        request,
        request_id,
        await _task(container, task_id, None),
        lambda task: imports.order_for_task(task, mode, author, request_id),
    )


@router.post("/internal/jobs/{job_id}/import")
async def import_into_job(
    job_id: int,
    task_id: int,
    request: Request,
    _grant: ServiceGranted,
    request_id: str,
    mode: ImportMode = ImportMode.REPLACE,
    user_id: int | None = None,
    username: str = "",
    reason: str = "",
) -> Response:
    """Import documents, one per line, into one job of any type; what is not on its frames is left out.

    Otherwise as for a task.
    """
    container = container_of(request)
    author = Author(user_id, username, reason)
    task = await _task(container, task_id, None)
    return await _import(
        container,
        request,
        request_id,
        OpenJob(task, task.job(job_id)),
        lambda job: imports.order_for_job(job, mode, author, request_id),
    )


async def _import(
    container: AnnotationsContainer,
    request: Request,
    request_id: str,
    opened: Opened,
    order_for: Callable[[Opened], ImportOrder],
) -> Response:
    done = await imports.find_result(container, request_id)
    if done is None:
        resources = container.resources
        limit, longest = resources.settings.max_upload_bytes, container.settings.import_batch_bytes
        async with spooled(request.stream(), resources.scratch, max_bytes=limit, max_line_bytes=longest) as spool:
            done = await with_current_labels(
                container, opened, lambda found: imports.run_import(container, order_for(found), spool)
            )
    return JSONAnswer(done)


async def _task(container: AnnotationsContainer, task_id: int, version: str | None) -> OpenTask:
    task = OpenTask(await container.catalog.task(task_id, version))
    task.require_data()
    return task


def _stream(lines: AsyncIterator[bytes]) -> Response:
    return PieceStream(lines, headers={}, media_type=_LINES)
