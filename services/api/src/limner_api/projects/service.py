"""What can be done with projects."""

import sqlalchemy as sa

from limner_api.access.objects import AccessedObject
from limner_api.projects.tables import projects
from limner_api.tasks.service import delete_tasks_of_organization, delete_tasks_of_project
from limner_common.db import UnitOfWork
from limner_common.events import new_message
from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent

TOPIC = "limner.catalog.project.v1"


async def delete_project(uow: UnitOfWork, accessed: AccessedObject) -> None:
    """Delete a project and its tasks."""
    assert accessed.project_id is not None
    await _delete(uow, accessed.project_id, accessed.organization_id)


async def delete_all_of_organization(uow: UnitOfWork, organization_id: int) -> None:
    """Delete all projects and tasks of an organization that is about to go."""
    mine = sa.select(projects.c.id).where(projects.c.organization_id == organization_id)
    for project_id in (await uow.execute(mine)).scalars().all():
        await _delete(uow, project_id, organization_id)
    await delete_tasks_of_organization(uow, organization_id)


async def _delete(uow: UnitOfWork, project_id: int, organization_id: int | None) -> None:
    await delete_tasks_of_project(uow, project_id, organization_id)
    await uow.execute(sa.delete(projects).where(projects.c.id == project_id))
    event = ProjectEvent(project_id=project_id, organization_id=organization_id or 0)
    event.deleted.SetInParent()
    uow.record(new_message(TOPIC, project_id, event, producer="api"))
