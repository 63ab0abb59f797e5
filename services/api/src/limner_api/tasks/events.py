"""Facts about tasks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from limner_common.db import Row, UnitOfWork
from limner_common.events import Subject, new_message
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent, TaskJob

TOPIC = "limner.catalog.task.v1"


def record_created(uow: UnitOfWork, subject: Subject, task_id: int, values: Mapping[str, Any]) -> None:
    """Record that a task was made; ``values`` are its columns."""
    event = _event(task_id, values["project_id"], values["organization_id"])
    event.created.name = values["name"]
    event.created.owner_id = values["owner_id"] or 0
    _record(uow, event, subject)


def record_updated(
    uow: UnitOfWork,
    subject: Subject,
    task_id: int,
    *,
    project_id: int | None,
    organization_id: int | None,
    changed: Iterable[str],
) -> None:
    """Record that fields of a task changed, by their names in answers."""
    event = _event(task_id, project_id, organization_id)
    event.updated.changed_fields.extend(sorted(changed))
    _record(uow, event, subject)


def record_jobs_created(uow: UnitOfWork, task: Row, jobs: Sequence[Row]) -> None:
    """Record that a task has its jobs."""
    event = _event(task.id, task.project_id, task.organization_id)
    event.jobs_created.jobs.extend(
        TaskJob(job_id=job.id, start_frame=job.start_frame, stop_frame=job.stop_frame, type=job.type) for job in jobs
    )
    _record(uow, event, None)


def record_deleted(
    uow: UnitOfWork,
    subject: Subject | None,
    task_id: int,
    *,
    project_id: int | None,
    organization_id: int | None,
    job_ids: Sequence[int],
) -> None:
    """Record that a task and its jobs are gone."""
    event = _event(task_id, project_id, organization_id)
    event.deleted.job_ids.extend(sorted(job_ids))
    event.deleted.SetInParent()
    _record(uow, event, subject)


def _event(task_id: int, project_id: int | None, organization_id: int | None) -> TaskEvent:
    return TaskEvent(task_id=task_id, project_id=project_id or 0, organization_id=organization_id or 0)


def _record(uow: UnitOfWork, event: TaskEvent, subject: Subject | None) -> None:
    uow.record(new_message(TOPIC, event.task_id, event, producer="api", grant=subject))
