"""Rules of stages and states, and what follows from them for jobs, tasks and projects.

Source: the review domain, section 1, and the public API, section 11.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from limner_common.errors import Invalid


class JobType(StrEnum):
    """What a job is for."""

    ANNOTATION = "annotation"
    GROUND_TRUTH = "ground_truth"
    REPLICA = "replica"


#: Name of replicas in clients before 2.80.
TYPE_ALIASES = {"consensus_replica": JobType.REPLICA}


class Stage(StrEnum):
    """Where a job stands in the review."""

    ANNOTATION = "annotation"
    VALIDATION = "validation"
    ACCEPTANCE = "acceptance"


class State(StrEnum):
    """How far the work of the present stage is."""

    NEW = "new"
    IN_PROGRESS = "in progress"
    COMPLETED = "completed"
    REJECTED = "rejected"


class Status(StrEnum):
    """What older clients know instead of stage and state; derived, for jobs, tasks and projects."""

    ANNOTATION = "annotation"
    VALIDATION = "validation"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Progress:
    """Stage and state of a job."""

    stage: Stage = Stage.ANNOTATION
    state: State = State.NEW

    @property
    def status(self) -> Status:
        """The job's derived status."""
        if self.stage is Stage.ANNOTATION:
            return Status.ANNOTATION
        return Status.COMPLETED if self.is_finished else Status.VALIDATION

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.stage is Stage.ACCEPTANCE and self.state is State.COMPLETED

    def changed(self, *, stage: Stage | None = None, state: State | None = None) -> "Progress":
        """Return the progress after an update; a new stage without a state begins as new."""
        new_stage = stage or self.stage
        if state is None:
            state = self.state if new_stage is self.stage else State.NEW
        return Progress(new_stage, state)


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How a task's jobs stand."""

    count: int = 0
    completed: int = 0
    validation: int = 0


def read_type(text: str) -> JobType:
    """Return a type by its name or its older spelling.

    Raises:
        ValueError: There is no such type.
    """
    return TYPE_ALIASES.get(text) or JobType(text)


def count_jobs(jobs: Iterable[Progress]) -> JobCounts:
    """Count a task's jobs: those finished, and those in validation."""
    listed = list(jobs)
    return JobCounts(
        count=len(listed),
        completed=sum(job.is_finished for job in listed),
        validation=sum(job.stage is Stage.VALIDATION for job in listed),
    )


def combined_status(parts: Iterable[Status]) -> Status:
    """Return the status of a task from its jobs', or of a project from its tasks'.

    The part furthest behind decides; without parts it is annotation.
    """
    counts = Counter(parts)
    return next((status for status in Status if counts[status]), Status.ANNOTATION)


def check_deletion(type_: JobType, *, is_in_pool_task: bool) -> None:
    """Check that a job may be deleted by itself.

    Args:
        type_: What the job is for.
        is_in_pool_task: Its task draws honeypots from its ground truth.

    Raises:
        Invalid: Only ground truth can go, and not while honeypots are drawn from it.
    """
    if type_ is not JobType.GROUND_TRUTH:
        raise Invalid("Only ground truth jobs can be removed", code="job_not_deletable")
    if is_in_pool_task:
        raise Invalid("The ground truth job of a task with honeypots cannot be removed", code="ground_truth_in_use")


def check_ground_truth_frames(frames: Sequence[int], task_size: int) -> None:
    """Check frames picked by hand for a ground truth job.

    Args:
        frames: Task-relative frame numbers.
        task_size: Frames of the task; frame numbers are below it.

    Raises:
        Invalid: None are given, one comes twice, or one is not in the task.
    """
    if not frames:
        raise Invalid(fields={"frames": ["The list of frames cannot be empty."]})
    repeated = [frame for frame, times in Counter(frames).items() if times > 1]
    if repeated:
        raise Invalid(fields={"frames": [f"Frames must not repeat: {_listed(repeated)}."]})
    outside = [frame for frame in frames if not 0 <= frame < task_size]
    if outside:
        raise Invalid(fields={"frames": [f"The task has no such frames: {_listed(outside)}."]})


def _listed(frames: Sequence[int], limit: int = 10) -> str:
    shown = ", ".join(map(str, frames[:limit]))
    return shown if len(frames) <= limit else f"{shown}, …"
