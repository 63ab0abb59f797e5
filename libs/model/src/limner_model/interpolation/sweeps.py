"""Documents frame by frame, keeping only the tracks that are visible."""

from collections.abc import Container, Iterable, Iterator
from operator import attrgetter, itemgetter
from typing import Generic, TypeVar

from limner_model.annotations import LabeledData, Shape, Tag, Track
from limner_model.attributes import AttributeDefaults
from limner_model.frames import FrameAnnotations, FrameElement, FrameShape
from limner_model.interpolation.cursors import TrackCursor
from limner_model.labels import LabelSchema

_T = TypeVar("_T", Tag, Shape, Track)
_by_frame = attrgetter("frame")
_by_z_order = attrgetter("z_order")


class FrameSweeper:
    """Puts frames together one by one, for callers that fetch tags, shapes and tracks themselves.

    Add each track at the latest before the first frame where it is visible; frames are asked in increasing order.
    Memory is that of the tracks still to be seen.
    """

    def __init__(self, schema: LabelSchema | None = None, *, is_3d: bool = False) -> None:
        """Start without tracks; a schema fills absent attributes with defaults."""
        self._defaults = AttributeDefaults(schema)
        self._is_3d = is_3d
        # Sorted by track id, so that a frame's shapes need sorting by z-order only.
        self._active: list[tuple[int, int, TrackCursor]] = []
        self._added = 0

    def add_tracks(self, tracks: Iterable[Track]) -> None:
        """Take tracks in normal form into the sweep."""
        added = self._added
        for track in tracks:
            cursor = TrackCursor(track, defaults=self._defaults, is_3d=self._is_3d)
            self._active.append((track.id or 0, self._added, cursor))
            self._added += 1
        if self._added != added:
            self._active.sort(key=itemgetter(0, 1))

    def frame(self, frame: int, tags: Iterable[Tag] = (), shapes: Iterable[Shape] = ()) -> FrameAnnotations:
        """Return what is visible on a frame, later than any asked before.

        Args:
            frame: The frame.
            tags: The tags of this frame.
            shapes: The shapes of this frame.

        Raises:
            InvalidTrack: Keyframes of a track do not fit together.
        """
        found = [self._from_shape(shape) for shape in sorted(shapes, key=_shape_id)]
        is_any_over = False
        for _, _, cursor in self._active:
            tracked = cursor.at(frame)
            if tracked is not None:
                found.append(tracked)
            elif cursor.is_over(frame):
                is_any_over = True
        if is_any_over:
            self._active = [entry for entry in self._active if not entry[2].is_over(frame)]
        found.sort(key=_by_z_order)
        return FrameAnnotations(frame=frame, tags=[self._from_tag(tag) for tag in tags], shapes=found)

    def _from_tag(self, tag: Tag) -> Tag:
        return Tag(
            id=tag.id,
            frame=tag.frame,
            label_id=tag.label_id,
            group=tag.group or 0,
            source=tag.source,
            attributes=self._defaults.fill(tag.label_id, tag.attributes),
        )

    def _from_shape(self, shape: Shape) -> FrameShape:
        return frame_shape(shape, defaults=self._defaults)


def frame_shape(shape: Shape, *, defaults: AttributeDefaults) -> FrameShape:
    """Return a stored shape in the per-frame form; a shape is never outside, only its elements are."""
    elements = [
        FrameElement(
            type=element.type,
            label_id=element.label_id,
            points=element.points,
            occluded=element.occluded,
            outside=element.outside,
            rotation=element.rotation,
            source=element.source,
            attributes=defaults.fill(element.label_id, element.attributes),
        )
        for element in shape.elements
    ]
    return FrameShape(
        type=shape.type,
        label_id=shape.label_id,
        points=shape.points,
        occluded=shape.occluded,
        z_order=shape.z_order,
        rotation=shape.rotation,
        group=shape.group or 0,
        source=shape.source,
        score=shape.score,
        id=shape.id,
        attributes=defaults.fill(shape.label_id, shape.attributes),
        elements=elements,
    )


def sweep(
    data: LabeledData,
    schema: LabelSchema | None = None,
    *,
    frames: Iterable[int],
    deleted_frames: Container[int] = frozenset(),
    is_3d: bool = False,
) -> Iterator[FrameAnnotations]:
    """Yield a document frame by frame.

    Args:
        data: The document; tracks are in normal form. It may be in any order and is not changed.
        schema: Fills absent attributes with defaults; None fills nothing.
        frames: Frames asked, in increasing order, for example ``range(start, stop + 1)``.
        deleted_frames: Frames that are left out although asked; keyframes on them still shape the motion.
        is_3d: Cuboids are 3D.

    Yields:
        One entry per frame, also for frames without annotations. Shapes are sorted by z-order, then shapes before
        tracks, then by id; outside shapes of tracks are left out.

    Raises:
        InvalidTrack: Keyframes of a track do not fit together.
    """
    return sweep_stream(
        frames,
        tags=sorted(data.tags, key=_by_frame),
        shapes=sorted(data.shapes, key=_by_frame),
        tracks=sorted(data.tracks, key=_by_frame),
        schema=schema,
        deleted_frames=deleted_frames,
        is_3d=is_3d,
    )


def sweep_stream(
    frames: Iterable[int],
    *,
    tags: Iterable[Tag] = (),
    shapes: Iterable[Shape] = (),
    tracks: Iterable[Track] = (),
    schema: LabelSchema | None = None,
    deleted_frames: Container[int] = frozenset(),
    is_3d: bool = False,
) -> Iterator[FrameAnnotations]:
    """Yield frames from streams of tags, shapes and tracks, each sorted by ``frame`` and read only as far as needed.

    Memory is that of the tracks that are visible. Otherwise as ``sweep``.
    """
    sweeper = FrameSweeper(schema, is_3d=is_3d)
    tags_of, shapes_of, tracks_from = _FrameReader(tags), _FrameReader(shapes), _FrameReader(tracks)
    for frame in frames:
        if frame in deleted_frames:
            continue
        sweeper.add_tracks(tracks_from.up_to(frame))
        tags_here = [tag for tag in tags_of.up_to(frame) if tag.frame == frame]
        shapes_here = [shape for shape in shapes_of.up_to(frame) if shape.frame == frame]
        yield sweeper.frame(frame, tags_here, shapes_here)


class _FrameReader(Generic[_T]):
    """Takes objects off a stream that is sorted by frame."""

    def __init__(self, objects: Iterable[_T]) -> None:
        self._objects: Iterator[_T] = iter(objects)
        self._pending: _T | None = next(self._objects, None)

    def up_to(self, frame: int) -> Iterator[_T]:
        """Yield the objects not yet taken whose frame is at or before this one."""
        while self._pending is not None and self._pending.frame <= frame:
            yield self._pending
            self._pending = next(self._objects, None)


def _shape_id(shape: Shape) -> int:
    return shape.id or 0
