"""What a request may touch: the grant's facts against the path, and the task they speak of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TypeVar

import msgspec

from limner_annotations.container import AnnotationsContainer
from limner_annotations.labels.owners import LabelsOutdated
from limner_annotations.revisions.states import Author
from limner_common.errors import Forbidden, Invalid, NotFound
from limner_common.grants import Grant
from limner_model.facts import JobFacts, TaskFacts
from limner_model.labels import LabelSchema, LabelSpec

READ = frozenset({"view"})
UPDATE = frozenset({"update"})
DELETE = frozenset({"update", "delete"})

_ANNOTATION = "annotation"


@dataclass(frozen=True)
class OpenTask:
    """A task as annotations need it."""

    facts: TaskFacts

    @property
    def id(self) -> int:
        """The task."""
        return self.facts.id

    @property
    def is_3d(self) -> bool:
        """Whether cuboids are 3D."""
        return self.facts.dimension == "3d"

    @cached_property
    def schema(self) -> LabelSchema:
        """The labels that annotations refer to."""
        return LabelSchema(version=0, labels=self.facts.labels)

    @cached_property
    def labels_version(self) -> str:
        """Fingerprint of what documents are filled from: the attributes of the labels."""
        content = [_attributes_of(label) for label in self.facts.labels]
        return blake2b(msgspec.json.encode(content), digest_size=6).hexdigest()

    @property
    def label_ids(self) -> list[int]:
        """Labels that objects may have; sublabels belong to elements."""
        return [label.id for label in self.facts.labels]

    @cached_property
    def annotation_jobs(self) -> list[JobFacts]:
        """The jobs that make up the task, by id; ground truth and replicas are not among them."""
        return sorted((job for job in self.facts.jobs if job.type == _ANNOTATION), key=lambda job: job.id)

    def job(self, job_id: int) -> JobFacts:
        """Return a job of the task.

        Raises:
            NotFound: The task has no such job.
        """
        for job in self.facts.jobs:
            if job.id == job_id:
                return job
        raise NotFound

    def require_data(self) -> None:
        """Make sure that the task has frames.

        Raises:
            Invalid: It has none yet.
        """
        if self.facts.size == 0:
            raise Invalid("The task has no data yet.", code="task_without_data")


@dataclass(frozen=True)
class OpenJob:
    """A job whose annotations a request is about, in its task."""

    task: OpenTask
    facts: JobFacts

    @property
    def id(self) -> int:
        """The job."""
        return self.facts.id

    @cached_property
    def included_frames(self) -> frozenset[int] | None:
        """The frames of a job that has only some of its range, else None."""
        return None if self.facts.frames is None else frozenset(self.facts.frames)


Opened = TypeVar("Opened", OpenJob, OpenTask)
Result = TypeVar("Result")


async def open_job(container: AnnotationsContainer, grant: Grant, job_id: int, verbs: frozenset[str]) -> OpenJob:
    """Return the job of a path, when the grant is for it.

    Raises:
        Forbidden: The grant is for another object or operation.
        NotFound: The job is gone.
    """
    _require(grant, "job", "job_id", job_id, verbs)
    task = OpenTask(await container.catalog.task(grant.facts["task_id"], grant.facts["version"]))
    return OpenJob(task, task.job(job_id))


async def open_task(container: AnnotationsContainer, grant: Grant, task_id: int, verbs: frozenset[str]) -> OpenTask:
    """Return the task of a path, when the grant is for it and it has data; raises as ``open_job``.

    Raises:
        Invalid: The task has no data yet.
    """
    _require(grant, "task", "task_id", task_id, verbs)
    task = OpenTask(await container.catalog.task(task_id, grant.facts["version"]))
    task.require_data()
    return task


async def with_current_labels(
    container: AnnotationsContainer, opened: Opened, change: Callable[[Opened], Awaitable[Result]]
) -> Result:
    """Change a job or task; once more, checked against what its labels are now, when those it was opened with went.

    Raises:
        LabelsOutdated: They went again.
    """
    try:
        return await change(opened)
    except LabelsOutdated:
        return await change(await _opened_again(container, opened))


async def _opened_again(container: AnnotationsContainer, opened: Opened) -> Opened:
    task_id = opened.task.id if isinstance(opened, OpenJob) else opened.id
    task = OpenTask(await container.catalog.task(task_id))
    return OpenJob(task, task.job(opened.id)) if isinstance(opened, OpenJob) else task


def author_of(grant: Grant, reason: str = "", *, save_key: bytes | None = None) -> Author:
    """Return who acts under a grant; see ``Author``."""
    return Author(grant.user_id, grant.username, reason, save_key)


def _require(grant: Grant, subject: str, fact: str, object_id: int, verbs: frozenset[str]) -> None:
    allowed = grant.action.split(":")
    if len(allowed) < 2 or allowed[0] != subject or allowed[1] not in verbs or grant.facts.get(fact) != object_id:
        raise Forbidden


def _attributes_of(label: LabelSpec) -> list[object]:
    attributes = [[spec.id, spec.mutable, spec.default_value] for spec in label.attributes]
    return [label.id, attributes, [_attributes_of(sublabel) for sublabel in label.sublabels]]
