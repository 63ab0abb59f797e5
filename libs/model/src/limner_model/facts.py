"""What the catalog tells other services about a task: answers of ``GET /internal/tasks/{id}`` and ``…/projects/{id}``.

A reader keeps them by (id, version); grants carry the version, so a cached copy is never older than the permission it is
used under.
"""

import msgspec

from limner_model.labels import LabelSpec


class JobFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One job. Frames are task-relative, both ends inclusive; ``frames`` lists them when they are hand-picked."""

    id: int
    type: str
    start_frame: int
    stop_frame: int
    frames: list[int] | None = None
    parent_job_id: int | None = None
    assignee: str | None = None


class PersonFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A user as named in dataset files."""

    id: int
    username: str
    email: str = ""


class TaskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A task with its jobs and labels at one version. Dates are ISO 8601 text in UTC.

    ``labels`` are the project's when the task is in one. ``size`` is 0 until data are ready. ``version`` is the task's own,
    a dot, and its project's (0 without one); each grows with every change.
    """

    id: int
    version: str
    name: str
    project_id: int | None = None
    project_name: str | None = None
    organization_id: int | None = None
    subset: str = ""
    mode: str = ""
    dimension: str = "2d"
    size: int = 0
    overlap: int = 0
    segment_size: int = 0
    bug_tracker: str = ""
    created_date: str = ""
    updated_date: str = ""
    owner: PersonFacts | None = None
    assignee: PersonFacts | None = None
    labels: list[LabelSpec] = []
    jobs: list[JobFacts] = []

    @property
    def own_version(self) -> int:
        """Version of the task itself."""
        return int(self.version.partition(".")[0])

    @property
    def project_version(self) -> int:
        """Version of its project, 0 without one."""
        return int(self.version.partition(".")[2] or 0)


class ProjectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A project with its labels and the ids of its tasks in export order (subset, then id)."""

    id: int
    version: str
    name: str
    organization_id: int | None = None
    bug_tracker: str = ""
    created_date: str = ""
    updated_date: str = ""
    owner: PersonFacts | None = None
    assignee: PersonFacts | None = None
    labels: list[LabelSpec] = []
    task_ids: list[int] = []
