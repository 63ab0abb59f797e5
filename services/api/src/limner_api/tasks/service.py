"""What can be done with tasks: making and deleting them. ``updating`` changes them."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access.catalog_policies import TaskAction
from limner_api.access.contexts import ContextKind, OrgContext
from limner_api.access.objects import AccessedObject, find_project
from limner_api.access.people import check_person
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts, Relation
from limner_api.identity.authentication import Authenticated
from limner_api.jobs.rules import Status, combined_status
from limner_api.labels.parents import LabelParent
from limner_api.labels.schemas import read_labels
from limner_api.labels.service import create_labels
from limner_api.tasks import events, repository
from limner_api.tasks.rules import check_labels_or_project, check_replicas, check_same_organization, check_subset
from limner_api.tasks.schemas import TaskCreate
from limner_api.tasks.storages import read_storage
from limner_common.clock import utc_now
from limner_common.db import UnitOfWork
from limner_common.errors import Invalid, NotFound
from limner_common.events import Subject


async def create_task(uow: UnitOfWork, who: Authenticated, context: OrgContext, body: TaskCreate) -> int:
    """Make a task without data and return its id.

    A task in a project lies where the project does; one in none where the request says.

    Raises:
        Forbidden: The caller may not make tasks there, or not give them to others.
        Invalid: The input breaks a rule, or names what is not there.
    """
    project = None if body.project_id is None else await find_named_project(uow.connection, who, body.project_id)
    facts = _creation_facts(who, context, project)
    require(who.principal, TaskAction.CREATE if project is None else TaskAction.CREATE_IN_PROJECT, facts)
    if project is not None and context.kind is not ContextKind.NONE:
        check_same_organization(project.organization_id, context.organization_id)
    labels = check_labels_or_project(read_labels(body.labels), body.project_id)
    values = await _values_of(uow, who, facts, body)
    await repository.touch_projects(uow, [body.project_id])
    task_id = await repository.add(uow, values)
    await create_labels(uow, LabelParent(None, task_id, facts.organization_id), labels)
    events.record_created(uow, who.principal, task_id, values)
    await refresh_project_status(uow, body.project_id)
    return task_id


async def delete_task(uow: UnitOfWork, subject: Subject, accessed: AccessedObject) -> None:
    """Delete a task; media and annotations follow the recorded fact."""
    assert accessed.task_id is not None
    await repository.touch_projects(uow, [accessed.project_id])
    if await repository.lock(uow, accessed.task_id) is None:
        raise NotFound
    events.record_deleted(
        uow,
        subject,
        accessed.task_id,
        project_id=accessed.project_id,
        organization_id=accessed.organization_id,
        job_ids=await repository.job_ids(uow, accessed.task_id),
    )
    await repository.remove(uow, [accessed.task_id])
    await refresh_project_status(uow, accessed.project_id)


async def delete_tasks_of_project(uow: UnitOfWork, subject: Subject | None, project_id: int) -> None:
    """Delete all tasks of a project that is about to go."""
    await _delete_all(uow, subject, await repository.find_of_project(uow, project_id))


async def delete_tasks_of_organization(uow: UnitOfWork, organization_id: int) -> None:
    """Delete all tasks of an organization that belong to no project."""
    await _delete_all(uow, None, await repository.find_of_organization(uow, organization_id))


async def refresh_status(uow: UnitOfWork, task_id: int, project_id: int | None) -> None:
    """Derive the statuses of a task and its project anew; both rows are locked."""
    statuses = await repository.job_statuses(uow, task_id)
    await repository.set_status(uow, task_id, combined_status(map(Status, statuses)))
    await refresh_project_status(uow, project_id)


async def refresh_project_status(uow: UnitOfWork, project_id: int | None) -> None:
    """Derive the status of a project anew; its row is locked."""
    if project_id is not None:
        statuses = await repository.task_statuses(uow, project_id)
        await repository.set_project_status(uow, project_id, combined_status(map(Status, statuses)))


async def find_named_project(connection: AsyncConnection, who: Authenticated, project_id: int) -> AccessedObject:
    """Return the project that an input names.

    Raises:
        Invalid: There is no such project.
    """
    try:
        return await find_project(connection, who, project_id)
    except NotFound as error:
        raise Invalid("Project matching query does not exist.", code="project_unknown") from error


def _creation_facts(who: Authenticated, context: OrgContext, project: AccessedObject | None) -> ObjectFacts:
    return ObjectFacts(context.organization_id, context.role) if project is None else project.facts


async def _values_of(uow: UnitOfWork, who: Authenticated, facts: ObjectFacts, body: TaskCreate) -> dict[str, Any]:
    owned = ObjectFacts(facts.organization_id, facts.role, facts.relations | {Relation.TASK_OWNER})
    if body.owner_id not in (None, who.account.id):
        require(who.principal, TaskAction.UPDATE_OWNER, owned)
        await check_person(uow.connection, "owner_id", body.owner_id)
    if body.assignee_id is not None:
        require(who.principal, TaskAction.UPDATE_ASSIGNEE, owned)
        await check_person(uow.connection, "assignee_id", body.assignee_id)
    return {
        "name": body.name,
        "project_id": body.project_id,
        "organization_id": facts.organization_id,
        "owner_id": body.owner_id if body.owner_id is not None else who.account.id,
        "assignee_id": body.assignee_id,
        "assignee_updated_at": None if body.assignee_id is None else utc_now(),
        "bug_tracker": body.bug_tracker,
        "subset": check_subset(body.subset),
        "overlap": body.overlap,
        "segment_size": body.segment_size or 0,
        "initial_replicas": check_replicas(body.initial_replicas, body.consensus_replicas),
        "source_storage": read_storage("source_storage", body.source_storage),
        "target_storage": read_storage("target_storage", body.target_storage),
    }


async def _delete_all(uow: UnitOfWork, subject: Subject | None, rows: list[Any]) -> None:
    for row in rows:
        events.record_deleted(
            uow,
            subject,
            row.id,
            project_id=row.project_id,
            organization_id=row.organization_id,
            job_ids=row.job_ids or (),
        )
    await repository.remove(uow, [row.id for row in rows])
