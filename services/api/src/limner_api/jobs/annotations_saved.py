"""What follows when the annotations of a job were written: the dates of job, task and project move.

The gateway does so for writes that pass through it, and a client that saved reads the new date at once. This covers
imports and whatever else writes behind it.
"""

from datetime import UTC

from google.protobuf.message import DecodeError

from limner_common.bus import Delivery, InvalidMessage, RepeatableConsumer
from limner_common.db import Database
from limner_contracts.annotations.v1.job_annotations_event_pb2 import JobAnnotationsEvent

# One statement for each of many events, which finds nothing to do where the gateway was first. Each part looks at the one
# before, which makes PostgreSQL lock the rows in the order project, task, job, as everywhere: two that move the same dates
# never wait for each other.
_MOVE_DATES = """
    WITH project AS (
        UPDATE api.projects SET updated_at = $3
        WHERE id = (SELECT project_id FROM api.tasks WHERE id = $2) AND updated_at < $3 RETURNING id
    ),
    task AS (
        UPDATE api.tasks SET updated_at = $3
        WHERE id = $2 AND updated_at < $3 AND (SELECT count(*) FROM project) >= 0 RETURNING id
    )
    UPDATE api.jobs SET updated_at = $3
    WHERE id = $1 AND updated_at < $3 AND (SELECT count(*) FROM task) >= 0
"""


async def on_annotations_event(database: Database, delivery: Delivery) -> None:
    """Apply one fact about the annotations of a job."""
    try:
        event = JobAnnotationsEvent.FromString(delivery.payload)
    except DecodeError as error:
        raise InvalidMessage(f"not a JobAnnotationsEvent: {error}") from error
    if event.WhichOneof("fact") != "saved":
        return
    saved_at = event.meta.occurred_at.ToDatetime(UTC)
    async with database.driver() as connection:
        await connection.execute(_MOVE_DATES, event.job_id, event.task_id, saved_at)


consumer = RepeatableConsumer(
    "api.annotations", ("limner.annotations.job.v1",), on_annotations_event, is_order_free=True, is_patient=True
)
