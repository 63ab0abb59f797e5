"""What can be done with projects."""

from typing import Any

from limner_api.access.catalog_policies import ProjectAction
from limner_api.access.contexts import OrgContext
from limner_api.access.objects import AccessedObject, find_project
from limner_api.access.people import check_person
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts, Relation
from limner_api.access.rules import Action
from limner_api.identity.authentication import Authenticated
from limner_api.labels.parents import LabelParent
from limner_api.labels.schemas import read_labels
from limner_api.labels.service import change_labels, create_labels
from limner_api.projects import events, repository
from limner_api.projects.schemas import ProjectCreate, ProjectUpdate
from limner_api.tasks.service import delete_tasks_of_organization, delete_tasks_of_project
from limner_api.tasks.storages import read_storage
from limner_api.tasks.updating import check_destination, plan_people
from limner_common.clock import utc_now
from limner_common.db import Row, UnitOfWork
from limner_common.errors import NotFound
from limner_common.events import Subject

_ACTIONS = {
    "owner_id": ProjectAction.UPDATE_OWNER,
    "assignee_id": ProjectAction.UPDATE_ASSIGNEE,
    "organization_id": ProjectAction.UPDATE_ORGANIZATION,
}
_PLAIN = ("name", "bug_tracker")
_SHOWN_AS = {"owner_id": "owner", "assignee_id": "assignee", "organization_id": "organization"}


async def create_project(uow: UnitOfWork, who: Authenticated, context: OrgContext, body: ProjectCreate) -> int:
    """Make a project and return its id.

    Raises:
        Forbidden: The caller may not make projects there, or not give them to others.
        Invalid: The input breaks a rule, or names what is not there.
    """
    facts = ObjectFacts(context.organization_id, context.role, frozenset({Relation.PROJECT_OWNER}))
    require(who.principal, ProjectAction.CREATE, facts)
    if body.owner_id not in (None, who.account.id):
        require(who.principal, ProjectAction.UPDATE_OWNER, facts)
        await check_person(uow.connection, "owner_id", body.owner_id)
    await check_person(uow.connection, "assignee_id", body.assignee_id)
    values = {
        "name": body.name,
        "organization_id": context.organization_id,
        "owner_id": body.owner_id if body.owner_id is not None else who.account.id,
        "assignee_id": body.assignee_id,
        "assignee_updated_at": None if body.assignee_id is None else utc_now(),
        "bug_tracker": body.bug_tracker,
        "source_storage": read_storage("source_storage", body.source_storage),
        "target_storage": read_storage("target_storage", body.target_storage),
    }
    project_id = await repository.add(uow, values)
    await create_labels(uow, LabelParent(project_id, None, context.organization_id), read_labels(body.labels))
    events.record_created(uow, who.principal, project_id, values)
    return project_id


async def update_project(uow: UnitOfWork, who: Authenticated, project_id: int, body: ProjectUpdate) -> None:
    """Change a project; each field is authorized by its own action.

    Raises:
        NotFound: There is no such project, or a label named is none of its.
        Forbidden: The caller may not change one of the fields, or not put the project there.
        Invalid: The input breaks a rule, or names what is not there.
    """
    accessed = await find_project(uow.connection, who, project_id)
    actions: set[Action] = {_ACTIONS.get(name, ProjectAction.UPDATE_DESCRIPTION) for name in body.model_fields_set}
    for action in sorted(actions or {ProjectAction.UPDATE_DESCRIPTION}):
        require(who.principal, action, accessed.facts)
    project = await repository.lock(uow, project_id)
    if project is None:
        raise NotFound
    values = await _plan(uow, who, project, body)
    changed = {name for name, value in values.items() if value != getattr(project, name)} - {"assignee_updated_at"}
    await repository.update(uow, project_id, values)
    if "organization_id" in changed:
        await repository.move_tasks(uow, project_id, values["organization_id"])
    if labels := read_labels(body.labels):
        await change_labels(uow, who.principal, LabelParent.of(accessed), labels)
    if changed:
        events.record_updated(
            uow,
            who.principal,
            project_id,
            organization_id=values.get("organization_id", project.organization_id),
            changed=(_SHOWN_AS.get(name, name) for name in changed),
        )


async def delete_project(uow: UnitOfWork, subject: Subject, accessed: AccessedObject) -> None:
    """Delete a project, its labels and its tasks."""
    assert accessed.project_id is not None
    if await repository.lock(uow, accessed.project_id) is None:
        raise NotFound
    await _delete(uow, subject, accessed.project_id, accessed.organization_id)


async def delete_resources_of_organization(uow: UnitOfWork, organization_id: int) -> None:
    """Delete all projects and tasks of an organization that is about to go."""
    for project_id in await repository.find_of_organization(uow, organization_id):
        await _delete(uow, None, project_id, organization_id)
    await delete_tasks_of_organization(uow, organization_id)


async def _plan(uow: UnitOfWork, who: Authenticated, project: Row, body: ProjectUpdate) -> dict[str, Any]:
    given = body.model_fields_set
    values: dict[str, Any] = {name: getattr(body, name) for name in _PLAIN if name in given}
    if "source_storage" in given:
        values["source_storage"] = read_storage("source_storage", body.source_storage)
    if "target_storage" in given:
        values["target_storage"] = read_storage("target_storage", body.target_storage)
    values |= await plan_people(uow, project, body)
    if "organization_id" in given and body.organization_id != project.organization_id:
        await check_destination(uow, who, ProjectAction.CREATE, body.organization_id)
        values["organization_id"] = body.organization_id
    return values


async def _delete(uow: UnitOfWork, subject: Subject | None, project_id: int, organization_id: int | None) -> None:
    await delete_tasks_of_project(uow, subject, project_id)
    await repository.remove(uow, project_id)
    events.record_deleted(uow, subject, project_id, organization_id)
