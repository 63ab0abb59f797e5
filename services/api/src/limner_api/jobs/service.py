"""What can be done with jobs. The statuses of their task and project follow in the same unit of work."""

from typing import Any

from limner_api.access.catalog_policies import JobAction
from limner_api.access.objects import AccessedObject, find_job, find_task
from limner_api.access.people import check_person
from limner_api.access.policies import require
from limner_api.access.rules import Action
from limner_api.identity.authentication import Authenticated
from limner_api.jobs import events, repository
from limner_api.jobs.rules import JobType, Progress, Stage, State, check_deletion
from limner_api.jobs.schemas import JobCreate, JobUpdate
from limner_api.tasks import repository as tasks_repository
from limner_api.tasks.service import refresh_status
from limner_common.clock import utc_now
from limner_common.db import Row, UnitOfWork
from limner_common.errors import Invalid, NotFound

_ACTIONS = {
    "assignee": JobAction.UPDATE_ASSIGNEE,
    "stage": JobAction.UPDATE_STAGE,
    "state": JobAction.UPDATE_STATE,
}
_NOT_CREATABLE = {
    JobType.ANNOTATION: "Annotation jobs are made with the data of their task.",
    JobType.GROUND_TRUTH: "This server does not make ground truth jobs.",
    JobType.REPLICA: "Replicas are made with the data of their task, as many as initial_replicas says.",
}


async def create_job(uow: UnitOfWork, who: Authenticated, body: JobCreate) -> None:
    """Refuse to make a job by itself.

    Raises:
        NotFound: There is no such task.
        Forbidden: The caller may not make jobs in it.
        Invalid: No type of job can be made this way.
    """
    accessed = await find_task(uow.connection, who, body.task_id)
    require(who.principal, JobAction.CREATE, accessed.facts)
    raise Invalid(fields={"type": [_NOT_CREATABLE[JobType(body.type)]]}, code="job_not_creatable")


async def update_job(uow: UnitOfWork, who: Authenticated, job_id: int, body: JobUpdate) -> None:
    """Change a job's assignee, stage and state. A new stage begins in the state new unless another is given.

    Raises:
        NotFound: There is no such job.
        Forbidden: The caller may not change one of the fields.
        Invalid: There is no such assignee.
    """
    accessed = await find_job(uow.connection, who, job_id)
    given = body.model_fields_set & _ACTIONS.keys()
    actions: set[Action] = {_ACTIONS[name] for name in given}
    for action in sorted(actions or {JobAction.UPDATE_STATE}):
        require(who.principal, action, accessed.facts)
    if "assignee" in given:
        await check_person(uow.connection, "assignee", body.assignee)
    job = await _lock(uow, accessed)
    before = Progress(Stage(job.stage), State(job.state))
    after = before.changed(stage=body.stage if "stage" in given else None, state=body.state if "state" in given else None)
    assignee_id = body.assignee if "assignee" in given else job.assignee_id
    values: dict[str, Any] = {"stage": str(after.stage), "state": str(after.state), "status": str(after.status)}
    if assignee_id != job.assignee_id:
        values |= {"assignee_id": assignee_id, "assignee_updated_at": utc_now()}
    await repository.update(uow, job_id, values)
    await _follow(uow, who, accessed, job, values, after)


async def delete_job(uow: UnitOfWork, who: Authenticated, job_id: int) -> None:
    """Delete a ground truth job with its annotations.

    Raises:
        NotFound: There is no such job.
        Forbidden: The caller may not.
        Invalid: It is another job, or honeypots are drawn from it.
    """
    accessed = await find_job(uow.connection, who, job_id)
    require(who.principal, JobAction.DELETE, accessed.facts)
    assert accessed.task_id is not None
    job = await _lock(uow, accessed)
    task = await tasks_repository.lock(uow, accessed.task_id)
    check_deletion(JobType(job.type), is_in_pool_task=task is not None and task.validation_mode == "gt_pool")
    await repository.remove(uow, job_id)
    await tasks_repository.update(uow, accessed.task_id, {"validation_mode": None})
    await refresh_status(uow, accessed.task_id, accessed.project_id)
    events.record_deleted(uow, who.principal, accessed)


async def _lock(uow: UnitOfWork, accessed: AccessedObject) -> Row:
    assert accessed.task_id is not None and accessed.job_id is not None
    await tasks_repository.hold_projects(uow, [accessed.project_id])
    await tasks_repository.lock(uow, accessed.task_id)
    job = await repository.lock(uow, accessed.job_id)
    if job is None:
        raise NotFound
    return job


async def _follow(
    uow: UnitOfWork, who: Authenticated, accessed: AccessedObject, before: Row, values: dict[str, Any], after: Progress
) -> None:
    assert accessed.task_id is not None
    changed = {name for name in ("stage", "state", "status") if values[name] != getattr(before, name)}
    if "status" in changed:
        await refresh_status(uow, accessed.task_id, accessed.project_id)
    if "assignee_id" in values:
        await tasks_repository.bump(uow, accessed.task_id)
        changed.add("assignee")
    if changed:
        assignee_id = values.get("assignee_id", before.assignee_id)
        events.record_updated(uow, who.principal, accessed, changed, progress=after, assignee_id=assignee_id)
