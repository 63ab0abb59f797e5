"""Tracks as the per-track export forms list them: every visible shape, and the keyframes where the object leaves."""

from collections.abc import Container, Iterator
from typing import TypeVar

import msgspec

from limner_model.annotations import ElementTrack, Track
from limner_model.attributes import AttributeDefaults
from limner_model.frames import FrameElement, FrameShape
from limner_model.interpolation.cursors import ElementCursor, TrackCursor

_NO_DEFAULTS = AttributeDefaults(None)
_T = TypeVar("_T", Track, ElementTrack)


def track_rows(
    track: Track,
    *,
    end_frame: int,
    deleted_frames: Container[int] = frozenset(),
    defaults: AttributeDefaults = _NO_DEFAULTS,
    is_3d: bool = False,
) -> Iterator[tuple[int, FrameShape]]:
    """Yield the rows of a track as CVAT XML for video lists them.

    These are the visible shapes of every frame and the outside keyframes. Keyframes on deleted frames are removed before
    interpolation, so that the geometry runs across them, and no row lies on a deleted frame. A skeleton's row holds the
    elements that have a row of their own on that frame; without any there is no row.

    Args:
        track: A track in normal form (see ``limner_model.keyframes``).
        end_frame: First frame after the task or job.
        deleted_frames: Deleted frames of the task.
        defaults: Fills absent attributes.
        is_3d: Cuboids are 3D.

    Yields:
        Frame and shape, in order of frames.

    Raises:
        InvalidTrack: Keyframes do not fit together.
    """
    kept = _without_frames(track, deleted_frames)
    cursor = TrackCursor(msgspec.structs.replace(kept, elements=[]), defaults=defaults, is_3d=is_3d)
    elements = [
        ElementCursor(_without_frames(element, deleted_frames), defaults=defaults, is_3d=is_3d) for element in track.elements
    ]
    for frame in range(track.frame, end_frame):
        if frame in deleted_frames:
            continue
        shape = cursor.at_with_outside(frame)
        if shape is None or (shape.outside and not shape.keyframe):
            if cursor.is_over(frame):
                return
            continue
        if elements:
            shape.elements = [row for element in elements if (row := _element_row(element, frame)) is not None]
            if not shape.elements:
                continue
        yield frame, shape


def _element_row(cursor: ElementCursor, frame: int) -> FrameElement | None:
    element = cursor.at(frame)
    return None if element is None or (element.outside and not element.keyframe) else element


def _without_frames(track: _T, frames: Container[int]) -> _T:
    return msgspec.structs.replace(track, shapes=[shape for shape in track.shapes if shape.frame not in frames])
