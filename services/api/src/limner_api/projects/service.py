"""What can be done with projects."""

import sqlalchemy as sa

from limner_api.access.objects import AccessedObject
from limner_api.projects.tables import projects
from limner_api.tasks.service import delete_tasks_of_project
from limner_common.db import UnitOfWork
from limner_common.events import new_message
from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent

TOPIC = "limner.catalog.project.v1"


async def delete_project(uow: UnitOfWork, accessed: AccessedObject) -> None:
    """Delete a project and its tasks."""
    assert accessed.project_id is not None
    await delete_tasks_of_project(uow, accessed.project_id, accessed.organization_id)
    await uow.execute(sa.delete(projects).where(projects.c.id == accessed.project_id))
    event = ProjectEvent(project_id=accessed.project_id, organization_id=accessed.organization_id or 0)
    event.deleted.SetInParent()
    uow.record(new_message(TOPIC, accessed.project_id, event, producer="api"))
