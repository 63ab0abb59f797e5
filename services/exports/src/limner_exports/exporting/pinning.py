"""What an export shows, fixed before it begins: facts, media and revisions. Equal pins mean equal bytes."""

import asyncio
from collections.abc import Mapping
from hashlib import sha256

import msgspec

from limner_clients.annotations import AnnotationsClient
from limner_clients.catalog import CatalogClient
from limner_clients.media import MediaClient, MediaFacts
from limner_common.errors import NotFound
from limner_exports.exporting.orders import ExportOrder
from limner_exports.formats import ScopeKind
from limner_model.facts import JobFacts, ProjectFacts, TaskFacts
from limner_model.labels import LabelSpec

#: Tasks of a project that are asked about at the same time.
_AT_ONCE = 4
_ANNOTATION = "annotation"


class PinnedTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task with data, and the revision of each of its jobs that is read; labels are those of the scope."""

    facts: TaskFacts
    media: MediaFacts
    revisions: dict[int, int]


class PinnedScope(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides about the bytes of an export but its options.

    Attributes:
        labels: Labels of the project or task.
        tasks: The tasks with data in the order of the export.
        project: Set for projects.
        job: Set for jobs.
    """

    labels: list[LabelSpec]
    tasks: list[PinnedTask]
    project: ProjectFacts | None = None
    job: JobFacts | None = None


def cache_key(order: ExportOrder, scope: PinnedScope) -> str:
    """Return a key that two exports share when their files are the same byte by byte."""
    options = [str(order.kind), order.id, order.format, order.save_images, order.host]
    return sha256(msgspec.msgpack.encode([options, msgspec.to_builtins(scope, str_keys=True)])).hexdigest()


class Pinning:
    """Asks the other services what there is.

    Args:
        catalog: Facts.
        media: Descriptions of data.
        annotations: Revisions.
    """

    def __init__(self, catalog: CatalogClient, media: MediaClient, annotations: AnnotationsClient) -> None:
        self._catalog = catalog
        self._media = media
        self._annotations = annotations

    async def pin(self, order: ExportOrder) -> PinnedScope:
        """Fix what an export shows.

        Raises:
            NotFound: The project, task, its data, or the job is gone.
        """
        if order.kind is ScopeKind.PROJECT:
            return await self._project(order.id)
        assert order.task_id is not None
        facts = await self._catalog.task(order.task_id)
        task = await self._task(facts)
        if order.kind is ScopeKind.TASK:
            return PinnedScope(labels=facts.labels, tasks=[_narrowed(task, _annotation_jobs(facts))])
        job = job_of(facts, order.id)
        return PinnedScope(labels=facts.labels, tasks=[_narrowed(task, [job])], job=job)

    async def _project(self, project_id: int) -> PinnedScope:
        project = await self._catalog.project(project_id)
        slots = asyncio.Semaphore(_AT_ONCE)

        async def pin(task_id: int) -> PinnedTask | None:
            async with slots:
                try:
                    facts = await self._catalog.task(task_id)
                    task = await self._task(facts) if facts.size else None
                except NotFound:
                    return None  # deleted meanwhile
            return None if task is None else _narrowed(task, _annotation_jobs(facts))

        found = await asyncio.gather(*(pin(task_id) for task_id in project.task_ids))
        return PinnedScope(labels=project.labels, tasks=[task for task in found if task is not None], project=project)

    async def _task(self, facts: TaskFacts) -> PinnedTask:
        media = await self._media.facts(facts.id)
        return PinnedTask(
            facts=msgspec.structs.replace(facts, labels=[]),
            media=media,
            revisions=await self._annotations.state(facts.id),
        )


def job_of(facts: TaskFacts, job_id: int) -> JobFacts:
    """Return a job of a task.

    Raises:
        NotFound: It has no such job.
    """
    for job in facts.jobs:
        if job.id == job_id:
            return job
    raise NotFound("There is no such job.", code="job_unknown")


def _annotation_jobs(facts: TaskFacts) -> list[JobFacts]:
    return [job for job in facts.jobs if job.type == _ANNOTATION]


def _narrowed(task: PinnedTask, jobs: list[JobFacts]) -> PinnedTask:
    known: Mapping[int, int] = task.revisions
    return msgspec.structs.replace(task, revisions={job.id: known.get(job.id, 0) for job in jobs})
