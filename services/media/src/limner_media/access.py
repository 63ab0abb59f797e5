"""What a request is about, from its path and its grant."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from limner_clients.catalog import CatalogClient
from limner_common.errors import Forbidden, NotFound
from limner_common.grants import Grant
from limner_common.http.granted import Granted
from limner_media.container import MediaContainer
from limner_model.facts import JobFacts


@dataclass(frozen=True, slots=True)
class TaskTarget:
    """A task, at the version the grant was issued for."""

    task_id: int
    version: str | None
    grant: Grant


@dataclass(frozen=True, slots=True)
class JobTarget:
    """A job and its task, at the version the grant was issued for."""

    job_id: int
    task_id: int
    version: str | None
    grant: Grant


# Coroutines, because FastAPI runs plain functions in threads, which costs more than what they do.
async def get_container(connection: HTTPConnection) -> MediaContainer:
    """Return the service's container."""
    container: MediaContainer = connection.app.state.container
    return container


async def task_target(task_id: int, grant: Granted) -> TaskTarget:
    """Return the task of the path.

    Raises:
        Forbidden: The grant is for something else.
    """
    if grant.facts.get("task_id") != task_id:
        raise Forbidden
    return TaskTarget(task_id, _version(grant), grant)


async def job_target(job_id: int, grant: Granted) -> JobTarget:
    """Return the job of the path; raises as ``task_target``."""
    task_id = grant.facts.get("task_id")
    if grant.facts.get("job_id") != job_id or not isinstance(task_id, int):
        raise Forbidden
    return JobTarget(job_id, task_id, _version(grant), grant)


async def job_facts(catalog: CatalogClient, target: JobTarget) -> JobFacts:
    """Return the facts of a job.

    Raises:
        NotFound: The task has no such job.
    """
    facts = await catalog.task(target.task_id, target.version)
    for job in facts.jobs:
        if job.id == target.job_id:
            return job
    raise NotFound("There is no such job.", code="job_unknown")


def _version(grant: Grant) -> str | None:
    version = grant.facts.get("version")
    return None if version is None else str(version)


Container = Annotated[MediaContainer, Depends(get_container)]
OfTask = Annotated[TaskTarget, Depends(task_target)]
OfJob = Annotated[JobTarget, Depends(job_target)]
