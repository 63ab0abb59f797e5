"""The part of a document that belongs to the segment of a job.

Source: the CVAT server's split of task annotations over jobs; its faults are
mended: keyframes that it would store twice are stored once, gaps right after the border are kept, and a box that only
turns gets its last keyframe too.
"""

import msgspec

from limner_model.annotations import ElementTrack, LabeledData, Track, TrackedShape
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
    inside = [shape for shape in shapes if start <= shape.frame <= stop]
    if inside and len(inside) == len(shapes) and not shapes[0].outside:
        return shapes
    first = _first_visible(shapes, inside, start, is_3d=is_3d)
    if first is None:
        return []
    # The reference also drops outside keyframes between an inserted first one and the next that is visible, which makes
    # the object appear where it is absent; here only those before the first visible frame are dropped.
    kept = [first, *(shape for shape in inside if shape.frame > first.frame)]
    governing = [shape for shape in shapes if shape.frame <= stop][-1]
    if not governing.outside and shapes[-1].frame >= stop:
        last = _shape_at(shapes, stop, is_3d=is_3d)
        if last is not None and last.frame > kept[-1].frame and _has_moved(kept[-1], last):
            kept.append(last)
    return kept


def _first_visible(
    shapes: list[TrackedShape], inside: list[TrackedShape], start: int, *, is_3d: bool
) -> TrackedShape | None:
    """Return the first visible shape of a segment as a keyframe, with the attribute values in force."""
    at_start = _shape_at(shapes, start, is_3d=is_3d)
    if at_start is not None and not at_start.outside:
        return at_start
    later = next((shape.frame for shape in inside if not shape.outside), None)
    return None if later is None else _shape_at(shapes, later, is_3d=is_3d)


def _has_moved(before: TrackedShape, after: TrackedShape) -> bool:
    return before.points != after.points or before.rotation != after.rotation


def _shape_at(shapes: list[TrackedShape], frame: int, *, is_3d: bool) -> TrackedShape | None:
    found = next(interpolate_keyframes(shapes, start_frame=frame, end_frame=frame + 1, is_3d=is_3d), None)
    return None if found is None else found[0]
