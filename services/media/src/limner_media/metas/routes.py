"""Public routes about data: their meta, and marking frames as deleted."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from limner_common.http.json import COMPAT_JSON, JSONAnswer, read_json
from limner_media.access import Container, OfJob, OfTask, job_facts
from limner_media.chunks.layout import job_frames
from limner_media.container import MediaContainer
from limner_media.datas.values import TaskData
from limner_media.metas.schemas import frame_meta, job_meta, read_deleted_frames, task_meta
from limner_model.facts import JobFacts

router = APIRouter(tags=["media"])

#: Metas of more frames than this are streamed; smaller ones have a length.
_WHOLE_FRAMES = 20_000


@router.get("/api/tasks/{task_id}/data/meta")
@router.get("/api/tasks/{task_id}/data/meta/", include_in_schema=False)
async def retrieve_task_meta(container: Container, target: OfTask) -> Response:
    """Describe a task's data and frames; needs the right to see them."""
    return await _task_answer(container, await container.datas.get(target.task_id))


@router.patch("/api/tasks/{task_id}/data/meta")
@router.patch("/api/tasks/{task_id}/data/meta/", include_in_schema=False)
async def update_task_meta(request: Request, container: Container, target: OfTask) -> Response:
    """Replace the list of deleted frames of a task; others hear of it by ``DataFramesChanged``."""
    data = await container.datas.get(target.task_id)
    deleted = read_deleted_frames(await read_json(request), data.size)
    if deleted is not None:
        data = await container.datas.mark_deleted(target.task_id, deleted, within=None, grant=target.grant)
    return await _task_answer(container, data)


@router.get("/api/jobs/{job_id}/data/meta")
@router.get("/api/jobs/{job_id}/data/meta/", include_in_schema=False)
async def retrieve_job_meta(container: Container, target: OfJob) -> Response:
    """Describe the data and frames of a job; needs the right to see them."""
    data = await container.datas.get(target.task_id)
    return await _job_answer(container, data, await job_facts(container.catalog, target))


@router.patch("/api/jobs/{job_id}/data/meta")
@router.patch("/api/jobs/{job_id}/data/meta/", include_in_schema=False)
async def update_job_meta(request: Request, container: Container, target: OfJob) -> Response:
    """Replace the marks of deleted frames inside a job; marks on other frames stay."""
    data = await container.datas.get(target.task_id)
    job = await job_facts(container.catalog, target)
    deleted = read_deleted_frames(await read_json(request), data.size)
    if deleted is not None:
        within = job_frames(job)
        data = await container.datas.mark_deleted(target.task_id, deleted, within=within, grant=target.grant)
    return await _job_answer(container, data, job)


async def _task_answer(container: MediaContainer, data: TaskData) -> Response:
    return await _answer(container, data, task_meta(data), 0, data.size - 1, None)


async def _job_answer(container: MediaContainer, data: TaskData, job: JobFacts) -> Response:
    frames = job_frames(job)
    start, stop = frames[0], frames[-1]
    picked = None if job.frames is None else list(frames)
    return await _answer(container, data, job_meta(data, start, stop, picked), start, stop, picked)


async def _answer(
    container: MediaContainer, data: TaskData, meta: dict[str, Any], start: int, stop: int, picked: list[int] | None
) -> Response:
    pieces = _pieces(container, data, meta, start, stop, picked)
    if stop - start >= _WHOLE_FRAMES and data.video is None:
        return StreamingResponse(pieces, media_type=COMPAT_JSON)
    return JSONAnswer(b"".join([piece async for piece in pieces]))


async def _pieces(
    container: MediaContainer, data: TaskData, meta: dict[str, Any], start: int, stop: int, picked: list[int] | None
) -> AsyncIterator[bytes]:
    """Yield the JSON text with the frames last, so that it can be made while it is sent."""
    yield orjson.dumps(meta)[:-1] + b',"frames":['
    own = None if picked is None or data.video is not None else frozenset(picked)
    separator = b""
    async for lines in container.datas.frame_lines(data, start, stop):
        entries = [frame_meta(line, is_placeholder=own is not None and line.number not in own) for line in lines]
        if entries:
            yield separator + orjson.dumps(entries)[1:-1]
            separator = b","
    yield b"]}"
