"""What follows when the annotations of a job were written: the dates of job, task and project move.

The gateway does so for writes that pass through it, and a client that saved reads the new date at once. This covers
imports and whatever else writes behind it.
"""

from datetime import UTC

import sqlalchemy as sa
from google.protobuf.message import DecodeError

from limner_api.jobs.tables import jobs
from limner_api.projects.tables import projects
from limner_api.tasks.tables import tasks
from limner_common.bus import Consumer, Delivery, InvalidMessage
from limner_common.db import UnitOfWork
from limner_contracts.annotations.v1.job_annotations_event_pb2 import JobAnnotationsEvent


async def on_annotations_event(uow: UnitOfWork, delivery: Delivery) -> None:
    """Apply one fact about the annotations of a job."""
    try:
        event = JobAnnotationsEvent.FromString(delivery.payload)
    except DecodeError as error:
        raise InvalidMessage(f"not a JobAnnotationsEvent: {error}") from error
    if event.WhichOneof("fact") != "saved":
        return
    saved_at = event.meta.occurred_at.ToDatetime(UTC)
    project = sa.select(tasks.c.project_id).where(tasks.c.id == event.task_id).scalar_subquery()
    # Rows are locked in the order project, task, job, as everywhere: two that move the same dates never wait for each other.
    for table, condition in (
        (projects, projects.c.id == project),
        (tasks, tasks.c.id == event.task_id),
        (jobs, jobs.c.id == event.job_id),
    ):
        await uow.execute(sa.update(table).where(condition, table.c.updated_at < saved_at).values(updated_at=saved_at))


consumer = Consumer("api.annotations", ("limner.annotations.job.v1",), on_annotations_event, is_order_free=True)
