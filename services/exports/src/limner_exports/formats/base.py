"""Value types of the dataset formats: errors, the scope of an export, its frames and tracks, and the report.

The engine is pure: it knows no database and no network. A caller feeds frames in (task, frame) order and gets an archive;
for reading it hands over an archive and gets batches of annotations. ``items`` holds the types of the reading side,
``specs`` the protocols of readers and writers.

Coordinates are image pixels as in ``limner_model.annotations``. Frame numbers called *rel* count a task's frames from 0;
those called *abs* are numbers in the source video (``start_frame + rel * step``), in a project plus the offset of the task.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from limner_model.annotations import Track
from limner_model.frames import FrameAnnotations
from limner_model.labels import LabelSchema

DEFAULT_SUBSET = "default"
REPORT_NAME = "export-report.json"
_EXAMPLES_PER_REASON = 5


class FormatError(Exception):
    """A dataset cannot be written or read; the message is safe to show to the user.

    Attributes:
        message: What is wrong, in one sentence.
        where: The file inside the archive and the line, item or object, or an empty string.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.message = message
        self.where = where


class UnknownFormat(FormatError):
    """No format of this name is registered for the wanted direction."""


class ImportErrors(FormatError):
    """One or more items of a dataset cannot be imported; ``errors`` holds all that were collected."""

    def __init__(self, errors: list[FormatError]) -> None:
        more = f" (and {len(errors) - 1} more errors)" if len(errors) > 1 else ""
        super().__init__(errors[0].message + more, errors[0].where)
        self.errors = errors


class ScopeKind(StrEnum):
    """What is exported."""

    PROJECT = "project"
    TASK = "task"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Person:
    """An owner or assignee."""

    username: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """An annotation job and its inclusive range of rel frames; ground truth jobs are not listed."""

    job_id: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """A task as the files describe it.

    ``start_frame`` and ``stop_frame`` are numbers in the source, inclusive. ``width`` and ``height`` are given for videos
    only, in pixels, with ``source_name``, the name of the video file. ``deleted_frames`` are rel.
    """

    id: int
    name: str
    mode: str
    size: int
    created_at: datetime
    updated_at: datetime
    start_frame: int = 0
    stop_frame: int = 0
    step: int = 1
    overlap: int = 0
    subset: str = ""
    bug_tracker: str = ""
    owner: Person | None = None
    assignee: Person | None = None
    segments: tuple[SegmentInfo, ...] = ()
    source_name: str = ""
    width: int = 0
    height: int = 0
    deleted_frames: frozenset[int] = frozenset()

    @property
    def is_video(self) -> bool:
        """Whether the frames come from a video, so that their names are ``frame_%06d``."""
        return self.mode == "interpolation"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """A job: its inclusive range of rel frames and who works on it."""

    id: int
    start: int
    stop: int
    updated_at: datetime
    assignee: Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectInfo:
    """A project as the files describe it."""

    id: int
    name: str
    created_at: datetime
    updated_at: datetime
    bug_tracker: str = ""
    owner: Person | None = None
    assignee: Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportContext:
    """What an export is about.

    Attributes:
        tasks: The one task of a task or job export, or all tasks with data of a project, in the order of the stream.
        job: Set for a job export only; its task is ``tasks[0]``.
        host: Scheme and host of this server without a slash at the end, for links.
        save_images: Whether media go into the archive.
        dumped_at: Time written into files that carry one. Pass the update time of the data where equal data must give
            equal bytes.
    """

    kind: ScopeKind
    tasks: tuple[TaskInfo, ...]
    labels: LabelSchema
    dumped_at: datetime
    project: ProjectInfo | None = None
    job: JobInfo | None = None
    host: str = ""
    save_images: bool = False


@dataclass(frozen=True, slots=True)
class FrameMedia:
    """The stored picture of a frame. ``open`` may be called once, when the writer is about to copy the bytes.

    ``extension`` has its dot (``.png``) and is used where the frame's name has none.
    """

    extension: str
    open: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFrame:
    """One frame of the stream with everything visible on it.

    Attributes:
        frame: Rel number in its task.
        number: Abs number, in a project with the offset of the task in its subset (``scope.project_layout``).
        name: Path with extension as files show it, ``frame_%06d.PNG`` for videos; unique in its subset.
        subset: Effective subset, never empty.
        width: Width in pixels, at least 1.
        height: Height in pixels, at least 1.
        media: None when images are not saved.
    """

    task_id: int
    frame: int
    number: int
    name: str
    subset: str
    width: int
    height: int
    annotations: FrameAnnotations
    media: FrameMedia | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportTrack:
    """A stored track of the scope; ``stop`` is the exclusive rel frame where the scope ends (task size or segment end)."""

    task: TaskInfo
    subset: str
    track: Track
    stop: int
    offset: int = 0


FrameSource = Iterable[ExportFrame]
TrackSource = Callable[[], Iterable[ExportTrack]]


@dataclass(slots=True)
class Report:
    """What an export wrote and what it had to leave out.

    ``dropped`` counts by (reason, kind of object); ``examples`` keeps the first few places of each.
    """

    frames: int = 0
    objects: int = 0
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def drop(self, reason: str, kind: str, where: str) -> None:
        """Count an object that the format cannot hold; ``where`` names its frame."""
        key = (reason, kind)
        self.dropped[key] += 1
        places = self.examples.setdefault(key, [])
        if len(places) < _EXAMPLES_PER_REASON:
            places.append(where)

    def as_document(self) -> dict[str, object]:
        """Render for the report file, sorted so that equal exports give equal bytes."""
        rows = [
            {"reason": reason, "object": kind, "count": count, "examples": self.examples[reason, kind]}
            for (reason, kind), count in sorted(self.dropped.items())
        ]
        return {"frames": self.frames, "objects": self.objects, "left_out": rows}
