"""What follows when media says that a task's frames can be read: its facts are kept and its jobs are made."""

from google.protobuf.message import DecodeError

from limner_api.jobs import repository as jobs_repository
from limner_api.requests.service import finish
from limner_api.tasks import events, repository
from limner_common.bus import Consumer, Delivery, InvalidMessage
from limner_common.db import UnitOfWork
from limner_contracts.media.v1.data_event_pb2 import DataEvent, DataReady
from limner_model.segments import SegmentPlan, plan_mapped_segments, plan_segments


async def on_data_event(uow: UnitOfWork, delivery: Delivery) -> None:
    """Apply one fact about a task's data."""
    try:
        event = DataEvent.FromString(delivery.payload)
    except DecodeError as error:
        raise InvalidMessage(f"not a DataEvent: {error}") from error
    match event.WhichOneof("fact"):
        case "ready":
            await _open_task(uow, event.task_id, event.ready)
        case "frames_changed":
            await repository.touch(uow, event.task_id)


consumer = Consumer("api.data", ("limner.media.data.v1",), on_data_event, is_order_free=True)


async def _open_task(uow: UnitOfWork, task_id: int, ready: DataReady) -> None:
    task = await repository.lock(uow, task_id)
    if task is None or task.data_ready_at is not None:
        return  # deleted meanwhile, or told before
    plan = _plan(task.segment_size, task.overlap, ready)
    await repository.open_with_data(
        uow,
        task_id,
        {
            "size": ready.size,
            "mode": ready.mode,
            "dimension": ready.dimension,
            "media_type": ready.media_type,
            "chunk_size": ready.chunk_size,
            "image_quality": ready.image_quality,
            "original_chunk_type": ready.original_chunk_type,
            "compressed_chunk_type": ready.compressed_chunk_type,
            "segment_size": plan.segment_size,
            "overlap": plan.overlap,
        },
    )
    jobs = await jobs_repository.add_annotation_jobs(uow, task_id, plan.segments, replicas=task.initial_replicas)
    events.record_jobs_created(uow, task, jobs)
    if ready.request_id:
        await finish(uow, ready.request_id)


def _plan(segment_size: int, overlap: int | None, ready: DataReady) -> SegmentPlan:
    if ready.job_sizes:
        return plan_mapped_segments(list(ready.job_sizes))
    return plan_segments(ready.size, segment_size=segment_size, overlap=overlap, is_video=ready.mode == "interpolation")
