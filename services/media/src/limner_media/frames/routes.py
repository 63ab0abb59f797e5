"""Public routes that answer media: chunks, frames, context images, previews."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_common.errors import Invalid
from limner_media.access import Container, JobTarget, OfJob, OfTask, TaskTarget, job_facts
from limner_media.answers import entry_answer, has_current, not_modified
from limner_media.chunks.layout import (
    ChunkFrames,
    job_chunk_by_index,
    job_chunk_by_number,
    job_frames,
    task_chunk,
)
from limner_media.container import MediaContainer
from limner_media.core.chunks import Quality
from limner_media.datas.service import check_frame_number
from limner_media.datas.values import TaskData
from limner_media.frames.answering import frame_answer
from limner_media.frames.queries import DataQuery, DataType, read_query

router = APIRouter(tags=["media"])


@router.get("/api/tasks/{task_id}/data")
@router.get("/api/tasks/{task_id}/data/", include_in_schema=False)
async def retrieve_task_data(request: Request, container: Container, target: OfTask) -> Response:
    """Answer a chunk, frame, context image archive or preview of a task; needs the right to see its data."""
    query = read_query(request.query_params)
    data = await container.datas.get_for_chunks(target.task_id, target.version)
    match query.type:
        case DataType.CHUNK:
            number = query.required_number()
            following = task_chunk(data, number + 1) if number + 1 < data.chunk_count else None
            return await _chunk(request, container, data, query.quality, task_chunk(data, number), following)
        case DataType.PREVIEW:
            return entry_answer(request, await container.frames.preview(data, 0))
        case _:
            number = query.required_number()
            check_frame_number(data, number)
            return await _picture(request, container, data, query, number)


@router.get("/api/jobs/{job_id}/data")
@router.get("/api/jobs/{job_id}/data/", include_in_schema=False)
async def retrieve_job_data(request: Request, container: Container, target: OfJob) -> Response:
    """Answer a chunk, frame, context image archive or preview of a job's own frames; needs the right to see its data."""
    query = read_query(request.query_params)
    data = await container.datas.get_for_chunks(target.task_id, target.version)
    job = await job_facts(container.catalog, target)
    match query.type:
        case DataType.CHUNK:
            if (query.number is None) == (query.index is None):
                raise Invalid('Exactly one of "number" and "index" is to be given')
            if query.index is None:
                frames = job_chunk_by_number(data, job, query.required_number())
                return await _chunk(request, container, data, query.quality, frames, None)
            frames = job_chunk_by_index(data, job, query.index)
            is_last = (query.index + 1) * data.chunk_size >= len(job_frames(job))
            following = None if is_last else job_chunk_by_index(data, job, query.index + 1)
            return await _chunk(request, container, data, query.quality, frames, following)
        case DataType.PREVIEW:
            return entry_answer(request, await container.frames.preview(data, job_frames(job)[0]))
        case _:
            number = query.required_number()
            check_frame_number(data, number)
            if number not in job_frames(job):
                raise Invalid("The frame number doesn't belong to the job", code="frame_of_other_job")
            return await _picture(request, container, data, query, number)


@router.get("/api/tasks/{task_id}/preview")
@router.get("/api/tasks/{task_id}/preview/", include_in_schema=False)
async def retrieve_task_preview(request: Request, container: Container, target: OfTask) -> Response:
    """Answer a thumbnail of a task's first frame; 204 instead of a drawing with ``Prefer: handling=empty``."""
    data = await container.datas.get_for_chunks(target.task_id, target.version)
    return await _preview(request, container, data, target)


@router.get("/api/jobs/{job_id}/preview")
@router.get("/api/jobs/{job_id}/preview/", include_in_schema=False)
async def retrieve_job_preview(request: Request, container: Container, target: OfJob) -> Response:
    """Answer a thumbnail of a job's first frame; 204 instead of a drawing with ``Prefer: handling=empty``."""
    data = await container.datas.get_for_chunks(target.task_id, target.version)
    return await _preview(request, container, data, target)


async def _preview(request: Request, container: MediaContainer, data: TaskData, target: TaskTarget | JobTarget) -> Response:
    if data.media_type == "point_cloud" and "handling=empty" in request.headers.get("prefer", ""):
        return Response(status_code=204)
    number = 0
    if isinstance(target, JobTarget):
        number = job_frames(await job_facts(container.catalog, target))[0]
    return entry_answer(request, await container.frames.preview(data, number))


async def _chunk(
    request: Request,
    container: MediaContainer,
    data: TaskData,
    quality: Quality,
    frames: ChunkFrames,
    following: ChunkFrames | None,
) -> Response:
    key = container.chunks.key(data, quality, frames)
    if "if-none-match" in request.headers:
        metadata = await container.builds.cache.get_metadata(key)
        if metadata is not None and has_current(request, metadata["etag"]):
            return not_modified(metadata)
    entry = await container.chunks.get(data, quality, frames)
    if following is not None:
        container.chunks.prefetch(data, quality, following)
    return entry_answer(request, entry)


async def _picture(request: Request, container: MediaContainer, data: TaskData, query: DataQuery, number: int) -> Response:
    if query.type is DataType.CONTEXT_IMAGE:
        return entry_answer(request, await container.frames.context(data, number))
    return await frame_answer(request, container, data, number, query.quality)
