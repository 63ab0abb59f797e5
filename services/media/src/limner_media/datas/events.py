"""Facts about data, as messages."""

from collections.abc import Sequence

from limner_common.db.uow import OutgoingMessage
from limner_common.events import new_message
from limner_common.grants import Grant
from limner_contracts.media.v1.data_event_pb2 import DataEvent
from limner_media.datas.values import TaskData

TOPIC = "limner.media.data.v1"


def frames_changed(task_id: int, deleted_count: int, grant: Grant) -> OutgoingMessage:
    """Return the fact that frames were marked as deleted, or not any more."""
    event = DataEvent(task_id=task_id)
    event.frames_changed.deleted_count = deleted_count
    return new_message(TOPIC, task_id, event, producer="media", grant=grant)


def data_ready(data: TaskData, *, job_sizes: Sequence[int], request_id: str, grant: Grant) -> OutgoingMessage:
    """Return the fact that frames can be read from now on.

    Args:
        data: The data.
        job_sizes: Frames of each job in order, when jobs were given by file names.
        request_id: Request that ends when the jobs exist; empty when there is none.
        grant: Whoever sent the data.
    """
    event = DataEvent(task_id=data.task_id)
    ready = event.ready
    for name in (
        "size",
        "mode",
        "dimension",
        "media_type",
        "chunk_size",
        "image_quality",
        "original_chunk_type",
        "compressed_chunk_type",
        "start_frame",
        "stop_frame",
        "step",
    ):
        setattr(ready, name, getattr(data, name))
    ready.job_sizes.extend(job_sizes)
    ready.request_id = request_id
    return new_message(TOPIC, data.task_id, event, producer="media", grant=grant)
