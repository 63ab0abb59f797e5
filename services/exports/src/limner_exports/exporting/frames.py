"""The frames of a scope with all that is on them, read while the archive is written. Runs in the writer's thread."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from limner_clients.annotations import AnnotationsClient, Kind, ObjectStream
from limner_clients.media import FrameFacts, MediaClient
from limner_exports.bridging import LoopBridge
from limner_exports.exporting.pictures import TaskPictures
from limner_exports.exporting.pinning import PinnedScope, PinnedTask
from limner_exports.formats import ExportContext, ExportFrame, ExportTrack, FrameMedia, TaskInfo, TaskPlace, project_layout
from limner_model.annotations import LabeledData, Shape, Tag, Track
from limner_model.interpolation import FrameSweeper

_LISTED_AT_ONCE = 500
_VIDEO_EXTENSION = ".png"
_T = TypeVar("_T", Tag, Shape, Track)


class ScopeReader:
    """Reads the frames and tracks of a scope at its pins.

    Args:
        scope: What is exported.
        context: The same as the formats describe it.
        annotations: Where objects come from.
        media: Where frames come from.
        bridge: The way to the event loop.
        on_frame: Called after each frame; may raise to stop.
    """

    def __init__(
        self,
        scope: PinnedScope,
        context: ExportContext,
        *,
        annotations: AnnotationsClient,
        media: MediaClient,
        bridge: LoopBridge,
        on_frame: Callable[[], None],
    ) -> None:
        self._scope = scope
        self._context = context
        self._annotations = annotations
        self._media = media
        self._bridge = bridge
        self._on_frame = on_frame

    def frames(self, kinds: tuple[Kind, ...]) -> Iterator[ExportFrame]:
        """Yield the frames in (task, frame) order, deleted ones and those outside of the job left out.

        Args:
            kinds: Kinds of objects to read; tracks are shown on all their frames.
        """
        for task, info, place in self._tasks():
            yield from self._frames_of(task, info, place, kinds)

    def tracks(self) -> Iterator[ExportTrack]:
        """Yield the tracks as they are stored, in the order of their first frames."""
        job = self._context.job
        for task, info, place in self._tasks():
            stop = info.size if job is None else job.stop + 1
            for batch in self._batches(task, ("tracks",)):
                for track in batch.tracks:
                    yield ExportTrack(task=info, subset=place.subset, track=track, stop=stop, offset=place.offset)

    def _tasks(self) -> Iterator[tuple[PinnedTask, TaskInfo, TaskPlace]]:
        places = project_layout(self._context.tasks)
        for task, info in zip(self._scope.tasks, self._context.tasks, strict=True):
            yield task, info, places[info.id]

    def _frames_of(
        self, task: PinnedTask, info: TaskInfo, place: TaskPlace, kinds: tuple[Kind, ...]
    ) -> Iterator[ExportFrame]:
        sweeper = FrameSweeper(self._context.labels, is_3d=task.media.dimension == "3d")
        extension = _VIDEO_EXTENSION if info.is_video else ""
        objects = _ObjectsByFrame(self._batches(task, kinds))
        wanted = _wanted_frames(self._scope, info)
        pictures = None
        if self._context.save_images:
            pictures = TaskPictures(self._media, self._bridge, info.id, wanted)
        if not wanted:
            return
        included = wanted if isinstance(wanted, range) else frozenset(wanted)
        for frame, listed in enumerate(self._listing(info.id)):
            if frame not in included:
                if frame > wanted[-1]:
                    return
                continue
            tracks, tags, shapes = objects.up_to(frame)
            sweeper.add_tracks(tracks)
            number = info.start_frame + frame * info.step + place.offset
            name = f"frame_{number:06d}.PNG" if info.is_video else listed.name
            yield ExportFrame(
                task_id=info.id,
                frame=frame,
                number=number,
                name=place.frame_name(name),
                subset=place.subset,
                width=max(listed.width, 1),
                height=max(listed.height, 1),
                annotations=sweeper.frame(frame, tags, shapes),
                media=None if pictures is None else FrameMedia(extension, partial(pictures.open, frame)),
            )
            self._on_frame()

    def _batches(self, task: PinnedTask, kinds: tuple[Kind, ...]) -> Iterator[LabeledData]:
        def open_stream() -> ObjectStream:
            job = self._scope.job
            if job is not None:
                return self._annotations.stream_job(job.id, revision=task.revisions[job.id], kinds=kinds)
            return self._annotations.stream_task(task.facts.id, version=task.facts.version, pins=task.revisions, kinds=kinds)

        return self._bridge.iterate(open_stream)

    def _listing(self, task_id: int) -> Iterator[FrameFacts]:
        for listed in self._bridge.iterate(partial(self._listed, task_id)):
            yield from listed

    async def _listed(self, task_id: int) -> AsyncIterator[list[FrameFacts]]:
        async with self._media.open_listing(task_id) as listing:
            frames: list[FrameFacts] = []
            async for frame in listing.frames():
                frames.append(frame)
                if len(frames) == _LISTED_AT_ONCE:
                    yield frames
                    frames = []
            yield frames


class _ObjectsByFrame:
    """Takes objects off batches whose frames grow, keeping one batch."""

    def __init__(self, batches: Iterator[LabeledData]) -> None:
        self._batches = batches
        self._tracks: deque[Track] = deque()
        self._tags: deque[Tag] = deque()
        self._shapes: deque[Shape] = deque()

    def up_to(self, frame: int) -> tuple[list[Track], list[Tag], list[Shape]]:
        """Return the tracks that begin at or before a frame, and the tags and shapes of just this frame."""
        tracks: list[Track] = []
        tags: list[Tag] = []
        shapes: list[Shape] = []
        while True:
            tracks += _take(self._tracks, frame)
            tags += [tag for tag in _take(self._tags, frame) if tag.frame == frame]
            shapes += [shape for shape in _take(self._shapes, frame) if shape.frame == frame]
            if self._tracks or self._tags or self._shapes or not self._load():
                return tracks, tags, shapes

    def _load(self) -> bool:
        batch = next(self._batches, None)
        if batch is None:
            return False
        self._tracks.extend(batch.tracks)
        self._tags.extend(batch.tags)
        self._shapes.extend(batch.shapes)
        return True


def _take(waiting: "deque[_T]", frame: int) -> Iterable[_T]:
    taken: list[_T] = []
    while waiting and waiting[0].frame <= frame:
        taken.append(waiting.popleft())
    return taken


def _wanted_frames(scope: PinnedScope, info: TaskInfo) -> Sequence[int]:
    """Return the frames to export in order, deleted ones left out."""
    job = scope.job
    frames: Sequence[int] = range(info.size)
    if job is not None:
        frames = range(job.start_frame, job.stop_frame + 1) if job.frames is None else sorted(job.frames)
    return [frame for frame in frames if frame not in info.deleted_frames] if info.deleted_frames else frames


def count_frames(scope: PinnedScope) -> int:
    """Return about how many frames an export has, for its progress; deleted ones are counted too."""
    job = scope.job
    if job is None:
        return sum(task.media.size for task in scope.tasks)
    return job.stop_frame - job.start_frame + 1 if job.frames is None else len(job.frames)
