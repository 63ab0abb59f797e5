"""Tasks and labels that other services make for a person, as imports of datasets do.

Who may do so was decided when the person's request was let through; the services answer for acting on it only.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from limner_api.access.dependencies import Work
from limner_api.labels.parents import LabelParent
from limner_api.labels.schemas import Labels, read_labels
from limner_api.labels.service import change_labels
from limner_api.projects.tables import projects
from limner_api.tasks import events, repository
from limner_api.tasks.rules import check_subset
from limner_api.tasks.service import refresh_project_status
from limner_api.tasks.tables import tasks
from limner_common.db import UnitOfWork
from limner_common.errors import NotFound
from limner_common.http.granted import ServiceGranted
from limner_common.http.json import JSONAnswer

router = APIRouter(prefix="/internal", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Person:
    """On whose behalf a service acts."""

    user_id: int | None
    username: str


class ActingBody(BaseModel):
    """What all orders say: on whose behalf they are given."""

    user_id: int
    username: str = ""

    def subject(self) -> Person:
        """Return the person."""
        return Person(self.user_id, self.username)


class ImportedTask(ActingBody):
    """A task of a project that is to be made; the person becomes its owner."""

    project_id: int
    name: str
    subset: str = ""


class LabelsOrder(ActingBody):
    """New labels of a project, and additions to its labels."""

    labels: Labels


@router.post("/tasks/ids")
async def reserve_task_id(_grant: ServiceGranted, work: Work) -> JSONAnswer:
    """Set an id aside for a task, which is then made with PUT: made again, it is the same one."""
    sequence = sa.func.pg_get_serial_sequence("api.tasks", "id")
    return JSONAnswer({"id": await work.scalar(sa.select(sa.func.nextval(sequence)))})


@router.put("/tasks/{task_id}", status_code=204)
async def put_task(task_id: int, body: ImportedTask, _grant: ServiceGranted, work: Work) -> Response:
    """Make a task without data under an id that was set aside; does nothing when it is there."""
    await repository.touch_projects(work, [body.project_id])
    project = await _project(work, body.project_id)
    if await repository.lock(work, task_id) is None:
        values: dict[str, Any] = {
            "id": task_id,
            "name": body.name,
            "project_id": body.project_id,
            "organization_id": project.organization_id,
            "owner_id": body.user_id,
            "subset": check_subset(body.subset),
        }
        await repository.add(work, values)
        events.record_created(work, body.subject(), task_id, values)
        await refresh_project_status(work, body.project_id)
    return Response(status_code=204)


@router.delete("/tasks/{task_id}", status_code=204)
async def delete_task(task_id: int, _grant: ServiceGranted, work: Work) -> Response:
    """Delete a task that an import made and could not finish; does nothing when it is gone."""
    row = (await work.execute(sa.select(tasks.c.project_id).where(tasks.c.id == task_id))).one_or_none()
    if row is not None:
        await repository.touch_projects(work, [row.project_id])
        task = await repository.lock(work, task_id)
        if task is not None:
            ids = await repository.job_ids(work, task_id)
            place = {"project_id": task.project_id, "organization_id": task.organization_id}
            events.record_deleted(work, None, task_id, **place, job_ids=ids)
            await repository.remove(work, [task_id])
            await refresh_project_status(work, task.project_id)
    return Response(status_code=204)


@router.patch("/projects/{project_id}/labels", status_code=204)
async def extend_labels(project_id: int, body: LabelsOrder, _grant: ServiceGranted, work: Work) -> Response:
    """Make labels of a project, or add attributes to those it has."""
    project = await _project(work, project_id)
    parent = LabelParent(project_id, None, project.organization_id)
    await change_labels(work, body.subject(), parent, read_labels(body.labels))
    return Response(status_code=204)


async def _project(work: UnitOfWork, project_id: int) -> Any:
    row = (await work.execute(sa.select(projects).where(projects.c.id == project_id))).one_or_none()
    if row is None:
        raise NotFound(f"There is no project {project_id}.")
    return row
