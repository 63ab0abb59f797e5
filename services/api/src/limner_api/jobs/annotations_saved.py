"""What follows when the annotations of a job were written: the dates of job, task and project move.

The gateway does so for writes that pass through it, and a client that saved reads the new date at once. This covers
imports and whatever else writes behind it.
"""

from datetime import UTC

import sqlalchemy as sa
from google.protobuf.message import DecodeError

from limner_common.bus import Consumer, Delivery, InvalidMessage
from limner_common.db import UnitOfWork
from limner_contracts.annotations.v1.job_annotations_event_pb2 import JobAnnotationsEvent

# One statement for each of many events. Each part looks at the one before, which makes PostgreSQL lock the rows in the order
# project, task, job, as everywhere: two that move the same dates never wait for each other.
_MOVE_DATES = sa.text("""
    WITH project AS (
        UPDATE api.projects SET updated_at = :saved_at
        WHERE id = (SELECT project_id FROM api.tasks WHERE id = :task_id) AND updated_at < :saved_at RETURNING id
    ),
    task AS (
        UPDATE api.tasks SET updated_at = :saved_at
        WHERE id = :task_id AND updated_at < :saved_at AND (SELECT count(*) FROM project) >= 0 RETURNING id
    )
    UPDATE api.jobs SET updated_at = :saved_at
    WHERE id = :job_id AND updated_at < :saved_at AND (SELECT count(*) FROM task) >= 0
""").bindparams(
    sa.bindparam("job_id", type_=sa.BigInteger),
    sa.bindparam("task_id", type_=sa.BigInteger),
    sa.bindparam("saved_at", type_=sa.DateTime(timezone=True)),
)


async def on_annotations_event(uow: UnitOfWork, delivery: Delivery) -> None:
    """Apply one fact about the annotations of a job."""
    try:
        event = JobAnnotationsEvent.FromString(delivery.payload)
    except DecodeError as error:
        raise InvalidMessage(f"not a JobAnnotationsEvent: {error}") from error
    if event.WhichOneof("fact") != "saved":
        return
    saved_at = event.meta.occurred_at.ToDatetime(UTC)
    await uow.execute(_MOVE_DATES, {"job_id": event.job_id, "task_id": event.task_id, "saved_at": saved_at})


consumer = Consumer("api.annotations", ("limner.annotations.job.v1",), on_annotations_event, is_order_free=True)
