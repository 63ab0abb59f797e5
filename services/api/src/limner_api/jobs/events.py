"""Facts about jobs."""

from collections.abc import Iterable

from limner_api.access.objects import AccessedObject
from limner_api.jobs.rules import Progress
from limner_common.db import UnitOfWork
from limner_common.events import Subject, new_message
from limner_contracts.catalog.v1.job_event_pb2 import JobEvent

TOPIC = "limner.catalog.job.v1"


def record_updated(
    uow: UnitOfWork,
    subject: Subject,
    job: AccessedObject,
    changed: Iterable[str],
    *,
    progress: Progress,
    assignee_id: int | None,
) -> None:
    """Record that fields of a job changed, by their names in answers, and how it stands now."""
    event = _event(job)
    event.updated.changed_fields.extend(sorted(changed))
    event.updated.stage = str(progress.stage)
    event.updated.state = str(progress.state)
    event.updated.assignee_id = assignee_id or 0
    uow.record(new_message(TOPIC, event.job_id, event, producer="api", grant=subject))


def record_deleted(uow: UnitOfWork, subject: Subject, job: AccessedObject) -> None:
    """Record that a job is gone."""
    event = _event(job)
    event.deleted.SetInParent()
    uow.record(new_message(TOPIC, event.job_id, event, producer="api", grant=subject))


def _event(job: AccessedObject) -> JobEvent:
    return JobEvent(
        job_id=job.job_id,
        task_id=job.task_id,
        project_id=job.project_id or 0,
        organization_id=job.organization_id or 0,
    )
