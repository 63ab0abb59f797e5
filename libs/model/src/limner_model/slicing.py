"""The part of a document that belongs to the segment of a job.

Source: the CVAT server's split of task annotations over jobs; keyframes that it would store twice are stored once.
"""

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from limner_model.annotations import ElementTrack, LabeledData, Track, TrackedShape
from limner_model.attributes import carry_values
from limner_model.interpolation import interpolate_keyframes
from limner_model.keyframes import outside_copy


def slice_data(data: LabeledData, start: int, stop: int, *, is_3d: bool = False) -> LabeledData:
    """Return the annotations of the frames ``start`` to ``stop``, both inclusive.

    Objects that need no change are shared with the input. Cut tracks keep their ids and those of their keyframes; an
    inserted keyframe has none.

    Raises:
        InvalidTrack: Keyframes around a border do not fit together.
    """
    return LabeledData(
        version=data.version,
        tags=[tag for tag in data.tags if start <= tag.frame <= stop],
        shapes=[shape for shape in data.shapes if start <= shape.frame <= stop],
        tracks=[part for track in data.tracks if (part := slice_track(track, start, stop, is_3d=is_3d)) is not None],
    )


def slice_track(track: Track, start: int, stop: int, *, is_3d: bool = False) -> Track | None:
    """Return the part of a track on the frames ``start`` to ``stop``, both inclusive; None if there is none.

    The part begins with a keyframe where the object is visible, at ``start`` or later; it has a keyframe at ``stop``
    where the motion goes on beyond it. Nothing is added after ``stop``.

    Args:
        track: A track in normal form (see ``limner_model.keyframes``).
        start: First frame of the segment.
        stop: Last frame of the segment.
        is_3d: Cuboids are 3D.

    Raises:
        InvalidTrack: Keyframes around a border do not fit together.
    """
    shapes = _slice_keyframes(track.shapes, start, stop, is_3d=is_3d)
    if not shapes:
        return None
    if shapes is track.shapes and not track.elements:
        return track
    first = shapes[0].frame
    elements = [_slice_element(element, first, stop) for element in track.elements if element.shapes]
    return msgspec.structs.replace(track, frame=first, shapes=shapes, elements=elements)


def _slice_element(track: ElementTrack, start: int, stop: int) -> ElementTrack:
    """Return the part of an element's track; it begins at ``start`` with an outside keyframe where it is absent."""
    shapes = _slice_keyframes(track.shapes, start, stop, is_3d=False)
    if not shapes:
        before = [shape for shape in track.shapes if shape.frame <= start]
        absent = before[-1] if before else track.shapes[0]
        shapes = [absent if absent.frame == start else outside_copy(absent, start)]
    elif shapes[0].frame > start:
        shapes = [outside_copy(shapes[0], start), *shapes]
    return msgspec.structs.replace(track, frame=start, shapes=shapes)


def _slice_keyframes(shapes: list[TrackedShape], start: int, stop: int, *, is_3d: bool) -> list[TrackedShape]:
    if not shapes or not _is_seen_between(shapes, start, stop):
        return []
    if start <= shapes[0].frame and shapes[-1].frame <= stop and not shapes[0].outside:
        return shapes
    kept = _without_leading_outside(shape for shape in shapes if start <= shape.frame <= stop)
    visible = _without_leading_outside(
        shape for shape, _ in interpolate_keyframes(shapes, start_frame=start, end_frame=stop + 1, is_3d=is_3d)
    )
    if not visible:
        return kept
    if not kept or kept[0].frame != visible[0].frame:
        kept.insert(0, visible[0])
    else:
        kept[0] = _with_values_in_force(kept[0], visible[0])
    last = visible[-1]
    if last.frame > kept[-1].frame and _ends_with(last, kept[-1], shapes[-1], stop):
        kept.append(last)
    return kept


def _ends_with(last: TrackedShape, kept: TrackedShape, very_last: TrackedShape, stop: int) -> bool:
    """Say whether the last visible shape has to become a keyframe."""
    return last.outside or (very_last.frame >= stop and last.points != kept.points)


def _is_seen_between(shapes: list[TrackedShape], start: int, stop: int) -> bool:
    last = shapes[-1]
    if not last.outside and last.frame <= stop:
        return True
    return any(not left.outside and left.frame <= stop and right.frame >= start for left, right in pairwise(shapes))


def _without_leading_outside(shapes: Iterable[TrackedShape]) -> list[TrackedShape]:
    found: list[TrackedShape] = []
    for shape in shapes:
        if found or not shape.outside:
            found.append(shape)
    return found


def _with_values_in_force(keyframe: TrackedShape, read: TrackedShape) -> TrackedShape:
    """Give the first kept keyframe the attribute values that it took from keyframes cut away."""
    values = carry_values(read.attributes, keyframe.attributes)
    return keyframe if len(values) == len(keyframe.attributes) else msgspec.structs.replace(keyframe, attributes=values)
