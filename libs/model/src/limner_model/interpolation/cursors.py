"""Reading a track frame by frame, in increasing order of frames."""

import sys
from collections.abc import Container, Iterator, Sequence

from limner_model.annotations import AttributeValue, ElementTrack, ShapeType, Track, TrackedShape
from limner_model.attributes import AttributeDefaults, carry_values
from limner_model.frames import FrameElement, FrameShape
from limner_model.interpolation.motions import PointsMotion, points_motion, rotate_by, rotation_step

_NEVER = sys.maxsize
_NO_DEFAULTS = AttributeDefaults(None)


class InvalidTrack(ValueError):
    """A track that cannot be interpolated: types or numbers of points change between keyframes."""


class KeyframeCursor:
    """A position in the keyframes of one track; moves forward only.

    ``left`` is the last keyframe at or before the position, or None before the first one.
    """

    __slots__ = (
        "_first_frame",
        "_index",
        "_motion",
        "_shapes",
        "_span",
        "_step",
        "attributes",
        "is_3d",
        "left",
        "next_frame",
    )

    def __init__(self, shapes: Sequence[TrackedShape], first_frame: int, *, is_3d: bool) -> None:
        """Start before the first keyframe; ``shapes`` are sorted by strictly increasing frame."""
        self._shapes = shapes
        self._first_frame = first_frame
        self._index = -1
        self._motion: PointsMotion | None = None
        self._step = 0.0
        self._span = 0
        self.is_3d = is_3d
        self.left: TrackedShape | None = None
        self.attributes: list[AttributeValue] = []
        self.next_frame = shapes[0].frame if shapes else _NEVER

    def seek(self, frame: int) -> TrackedShape | None:
        """Move to a frame, not before the last one asked, and return the keyframe that governs it.

        The result is None before the object begins; an outside keyframe is returned too.
        """
        while frame >= self.next_frame:
            self._index += 1
            self.left = self._shapes[self._index]
            self.attributes = carry_values(self.attributes, self.left.attributes)
            self._span = 0
            following = self._index + 1
            self.next_frame = self._shapes[following].frame if following < len(self._shapes) else _NEVER
        return self.left if frame >= self._first_frame else None

    def is_over(self, frame: int) -> bool:
        """Say whether the object is not visible at this frame or after it; ``frame`` is the last one asked."""
        return self.next_frame == _NEVER and (self.left is None or (self.left.outside and frame >= self.left.frame))

    def geometry(self, left: TrackedShape, frame: int) -> tuple[list[float], float]:
        """Return points and rotation at the position; ``left`` and ``frame`` are those of the last ``seek``.

        Raises:
            InvalidTrack: The keyframes around the position do not fit together.
        """
        if frame == left.frame or self.next_frame == _NEVER:
            return left.points, left.rotation
        if not self._span:
            self._enter_interval(left)
        offset = (frame - left.frame) / self._span
        points = left.points if self._motion is None else self._motion(offset)
        rotation = rotate_by(left.rotation, self._step * offset) if self._step else left.rotation
        return points, rotation

    def _enter_interval(self, left: TrackedShape) -> None:
        right = self._shapes[self._index + 1]
        try:
            self._motion = points_motion(left, right, is_3d=self.is_3d)
        except ValueError as error:
            raise InvalidTrack(str(error)) from error
        self._step = rotation_step(left, right)
        self._span = right.frame - left.frame


class ElementCursor:
    """Reads one element of a skeleton track; absent elements are returned with ``outside`` set."""

    __slots__ = ("_attributes", "_defaults", "_filled", "_filled_at", "_keyframes", "_track")

    def __init__(self, track: ElementTrack, *, defaults: AttributeDefaults = _NO_DEFAULTS, is_3d: bool = False) -> None:
        """Start before the first keyframe."""
        self._track = track
        self._defaults = defaults
        self._keyframes = KeyframeCursor(track.shapes, track.frame, is_3d=is_3d)
        self._filled: list[AttributeValue] = []
        self._filled_at: TrackedShape | None = None

    def at(self, frame: int) -> FrameElement | None:
        """Return the element on a frame, not before the last one asked; None before its first keyframe."""
        left = self._keyframes.seek(frame)
        if left is None:
            return None
        if left is not self._filled_at:
            values = self._track.attributes + self._keyframes.attributes
            self._filled = self._defaults.fill(self._track.label_id, values)
            self._filled_at = left
        points, rotation = self._keyframes.geometry(left, frame)
        return FrameElement(
            type=left.type,
            label_id=self._track.label_id,
            points=points,
            occluded=left.occluded,
            outside=left.outside,
            rotation=rotation,
            source=self._track.source,
            keyframe=frame == left.frame,
            attributes=self._filled,
        )


class TrackCursor:
    """Reads the shape of one track on frames asked in increasing order; memory does not grow with the frames."""

    __slots__ = ("_defaults", "_elements", "_filled", "_filled_at", "_keyframes", "_track")

    def __init__(self, track: Track, *, defaults: AttributeDefaults = _NO_DEFAULTS, is_3d: bool = False) -> None:
        """Start before the first keyframe of a track in normal form (see ``limner_model.keyframes``)."""
        self._track = track
        self._defaults = defaults
        self._keyframes = KeyframeCursor(track.shapes, track.frame, is_3d=is_3d)
        self._elements = [ElementCursor(element, defaults=defaults, is_3d=is_3d) for element in track.elements]
        self._filled: list[AttributeValue] = []
        self._filled_at: TrackedShape | None = None

    @property
    def track(self) -> Track:
        """The track that is read."""
        return self._track

    def is_over(self, frame: int) -> bool:
        """Say whether the object is not visible after this frame, the last one asked."""
        return self._keyframes.is_over(frame)

    def at(self, frame: int) -> FrameShape | None:
        """Return the visible shape on a frame, not before the last one asked; None where the object is not visible.

        Raises:
            InvalidTrack: Keyframes do not fit together.
        """
        left = self._keyframes.seek(frame)
        return None if left is None or left.outside else self._shape(left, frame)

    def at_with_outside(self, frame: int) -> FrameShape | None:
        """Return the shape on a frame even where it is outside; None before the first keyframe."""
        left = self._keyframes.seek(frame)
        return None if left is None else self._shape(left, frame, keep_outside=True)

    def _shape(self, left: TrackedShape, frame: int, *, keep_outside: bool = False) -> FrameShape | None:
        track = self._track
        elements: list[FrameElement] = []
        if left.type == ShapeType.SKELETON:
            elements = [element for cursor in self._elements if (element := cursor.at(frame)) is not None]
            if not keep_outside and all(element.outside for element in elements):
                return None
        if left is not self._filled_at:
            values = track.attributes + self._keyframes.attributes
            self._filled = self._defaults.fill(track.label_id, values)
            self._filled_at = left
        points, rotation = self._keyframes.geometry(left, frame)
        return FrameShape(
            type=left.type,
            label_id=track.label_id,
            points=points,
            occluded=left.occluded,
            outside=left.outside,
            z_order=left.z_order,
            rotation=rotation,
            group=track.group or 0,
            source=track.source,
            track_id=track.id,
            keyframe=frame == left.frame,
            attributes=self._filled,
            elements=elements,
        )


def interpolate_track(
    track: Track,
    *,
    end_frame: int,
    include_outside: bool = False,
    skip_frames: Container[int] = frozenset(),
    defaults: AttributeDefaults = _NO_DEFAULTS,
    is_3d: bool = False,
) -> Iterator[tuple[int, FrameShape]]:
    """Yield the shapes of a track on every frame where the object is, in order of frames.

    Args:
        track: A track in normal form (see ``limner_model.keyframes``).
        end_frame: First frame after the task or job; the last visible shape is repeated up to it.
        include_outside: Yield outside shapes too, at keyframes and between them.
        skip_frames: Frames that are left out of the result; keyframes on them still shape the motion.
        defaults: Fills absent attributes.
        is_3d: Cuboids are 3D.

    Yields:
        Frame and shape. Attributes hold immutable and mutable values, the latter carried from keyframe to keyframe.
        Skeletons carry their elements, absent ones with ``outside`` set; frames without any present element count as
        outside.

    Raises:
        InvalidTrack: Keyframes do not fit together.
    """
    cursor = TrackCursor(track, defaults=defaults, is_3d=is_3d)
    read = cursor.at_with_outside if include_outside else cursor.at
    for frame in range(track.frame, end_frame):
        if frame in skip_frames:
            continue
        shape = read(frame)
        if shape is not None:
            yield frame, shape
        elif cursor.is_over(frame):
            return


def interpolate_keyframes(
    shapes: Sequence[TrackedShape], *, start_frame: int, end_frame: int, is_3d: bool = False
) -> Iterator[tuple[TrackedShape, bool]]:
    """Yield the shapes of one list of keyframes: the visible ones of every frame, and the outside keyframes.

    Args:
        shapes: Keyframes, sorted by strictly increasing frame.
        start_frame: First frame of the result.
        end_frame: First frame after the result.
        is_3d: Cuboids are 3D.

    Yields:
        The shape, with the attribute values in force, and whether it is a keyframe. Only keyframes keep their ids.

    Raises:
        InvalidTrack: Keyframes do not fit together.
    """
    cursor = KeyframeCursor(shapes, start_frame, is_3d=is_3d)
    for frame in range(max(start_frame, shapes[0].frame if shapes else end_frame), end_frame):
        left = cursor.seek(frame)
        if left is None or (left.outside and frame != left.frame):
            if cursor.is_over(frame):
                return
            continue
        points, rotation = cursor.geometry(left, frame)
        yield (
            TrackedShape(
                type=left.type,
                occluded=left.occluded,
                outside=left.outside,
                z_order=left.z_order,
                rotation=rotation,
                points=points,
                id=left.id if frame == left.frame else None,
                frame=frame,
                attributes=cursor.attributes,
            ),
            frame == left.frame,
        )
