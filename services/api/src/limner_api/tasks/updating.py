"""Changes of tasks. Each field is authorized by its own action; nothing is changed before all are."""

from dataclasses import dataclass, field
from typing import Any

from limner_api.access.catalog_policies import TaskAction
from limner_api.access.objects import AccessedObject, find_task
from limner_api.access.organizations import find_organization_id
from limner_api.access.people import check_person
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts
from limner_api.access.rules import Action
from limner_api.identity.authentication import Authenticated
from limner_api.labels.inputs import LabelInput
from limner_api.labels.parents import LabelParent
from limner_api.labels.schemas import read_labels
from limner_api.labels.service import change_labels, move_labels
from limner_api.tasks import events, repository
from limner_api.tasks.rules import check_labels_editable, check_move, check_same_organization, check_subset
from limner_api.tasks.schemas import TaskUpdate
from limner_api.tasks.service import find_named_project, refresh_project_status
from limner_api.tasks.storages import read_storage
from limner_common.clock import utc_now
from limner_common.db import Row, UnitOfWork
from limner_common.errors import Conflict, Invalid, NotFound

_ACTIONS = {
    "owner_id": TaskAction.UPDATE_OWNER,
    "assignee_id": TaskAction.UPDATE_ASSIGNEE,
    "project_id": TaskAction.UPDATE_PROJECT,
    "organization_id": TaskAction.UPDATE_ORGANIZATION,
}
#: Fields that are stored as they are sent.
_PLAIN = ("name", "bug_tracker")
#: Names of columns in answers, where they differ.
_SHOWN_AS = {"owner_id": "owner", "assignee_id": "assignee", "organization_id": "organization"}


@dataclass(slots=True)
class _Changes:
    """What is to be done to a task.

    Attributes:
        values: Columns.
        labels: Entries of its own labels.
        target: Project it moves into.
    """

    values: dict[str, Any] = field(default_factory=dict)
    labels: tuple[LabelInput, ...] = ()
    target: AccessedObject | None = None


async def update_task(uow: UnitOfWork, who: Authenticated, task_id: int, body: TaskUpdate) -> None:
    """Change a task.

    Raises:
        NotFound: There is no such task, or a label named is none of its.
        Forbidden: The caller may not change one of the fields, or not put the task there.
        Invalid: The input breaks a rule, or names what is not there.
        Conflict: The task was moved meanwhile.
    """
    accessed = await find_task(uow.connection, who, task_id)
    _authorize(who, accessed, body)
    await repository.touch_projects(uow, [accessed.project_id, body.project_id])
    task = await repository.lock(uow, task_id)
    if task is None:
        raise NotFound
    if task.project_id != accessed.project_id:
        raise Conflict("The task was moved to another project meanwhile.", code="task_moved")
    changes = await _plan(uow, who, accessed, task, body)
    await _apply(uow, who, accessed, task, changes)


def _authorize(who: Authenticated, accessed: AccessedObject, body: TaskUpdate) -> None:
    actions: set[Action] = {_ACTIONS.get(name, TaskAction.UPDATE_DESCRIPTION) for name in body.model_fields_set}
    for action in sorted(actions or {TaskAction.UPDATE_DESCRIPTION}):
        require(who.principal, action, accessed.facts)


async def _plan(uow: UnitOfWork, who: Authenticated, accessed: AccessedObject, task: Row, body: TaskUpdate) -> _Changes:
    given = body.model_fields_set
    changes = _Changes({name: getattr(body, name) for name in _PLAIN if name in given})
    if "subset" in given:
        changes.values["subset"] = check_subset(body.subset)
    if "source_storage" in given:
        changes.values["source_storage"] = read_storage("source_storage", body.source_storage)
    if "target_storage" in given:
        changes.values["target_storage"] = read_storage("target_storage", body.target_storage)
    changes.values |= await plan_people(uow, task, body)
    if "project_id" in given:
        changes.target = await _plan_move(uow, who, accessed, task, body.project_id)
    project_id = accessed.project_id if changes.target is None else changes.target.project_id
    changes.labels = check_labels_editable(read_labels(body.labels), project_id)
    if "organization_id" in given and body.organization_id != accessed.organization_id:
        if project_id is not None:
            message = "A task in a project lies where its project does; transfer the project."
            raise Invalid(fields={"organization_id": [message]}, code="task_in_project")
        await check_destination(uow, who, TaskAction.CREATE, body.organization_id)
        changes.values["organization_id"] = body.organization_id
    return changes


async def plan_people(uow: UnitOfWork, row: Row, body: Any) -> dict[str, Any]:
    """Return the columns that change with the owner and assignee a body names.

    Args:
        uow: Unit of work.
        row: The task or project.
        body: Its update.

    Raises:
        Invalid: There is no such account.
    """
    values: dict[str, Any] = {}
    for name in ("owner_id", "assignee_id"):
        if name in body.model_fields_set and getattr(body, name) != getattr(row, name):
            await check_person(uow.connection, name, getattr(body, name))
            values[name] = getattr(body, name)
    if "assignee_id" in values:
        values["assignee_updated_at"] = utc_now()
    return values


async def check_destination(uow: UnitOfWork, who: Authenticated, create: Action, organization_id: int | None) -> None:
    """Check that something may be put into an organization, or None for the personal workspace.

    Args:
        uow: Unit of work.
        who: Who puts it there.
        create: What he would have to be allowed there.
        organization_id: Organization.

    Raises:
        Forbidden: He could not have made it there.
        Invalid: There is no such organization.
    """
    require(who.principal, create, ObjectFacts(organization_id, who.role_in(organization_id)))
    if organization_id is None:
        return
    if await find_organization_id(uow.connection, organization_id=organization_id) is None:
        message = f'Invalid pk "{organization_id}" - object does not exist.'
        raise Invalid(fields={"organization_id": [message]}, code="organization_unknown")


async def _plan_move(
    uow: UnitOfWork, who: Authenticated, accessed: AccessedObject, task: Row, project_id: int | None
) -> AccessedObject | None:
    has_data = task.data_ready_at is not None
    is_move = check_move(
        from_project_id=accessed.project_id,
        to_project_id=project_id,
        dimension=task.dimension if has_data else None,
        project_dimension=None if project_id is None else await repository.project_dimension(uow, project_id),
    )
    if not is_move or project_id is None:
        return None
    target = await find_named_project(uow.connection, who, project_id)
    require(who.principal, TaskAction.CREATE_IN_PROJECT, target.facts)
    check_same_organization(target.organization_id, accessed.organization_id)
    return target


async def _apply(uow: UnitOfWork, who: Authenticated, accessed: AccessedObject, task: Row, changes: _Changes) -> None:
    target = changes.target
    if target is not None:
        changes.values["project_id"] = target.project_id
        changes.values["organization_id"] = target.organization_id
    changed = {name for name, value in changes.values.items() if value != getattr(task, name)} - {"assignee_updated_at"}
    version = await repository.update(uow, task.id, changes.values)
    if target is not None:
        await move_labels(uow, who.principal, task.id, version, LabelParent.of(accessed), LabelParent.of(target))
    if changes.labels:
        await change_labels(uow, who.principal, LabelParent.of(accessed), changes.labels)
    if target is not None:
        await refresh_project_status(uow, accessed.project_id)
        await refresh_project_status(uow, target.project_id)
    if changed:
        events.record_updated(
            uow,
            who.principal,
            task.id,
            project_id=changes.values.get("project_id", task.project_id),
            organization_id=changes.values.get("organization_id", accessed.organization_id),
            changed=(_SHOWN_AS.get(name, name) for name in changed),
        )
