"""The normal form of tracks: keyframes sorted, one per frame, the first one at the frame of the track.

Source: what the CVAT server does when it saves tracks; repeated frames, which it stores and then cannot export, keep the
last keyframe.
"""

from operator import attrgetter

import msgspec

from limner_model.annotations import ElementTrack, Track, TrackedShape

_by_frame = attrgetter("frame")


def normalise_track(track: Track) -> Track:
    """Bring a track into normal form in place, its elements too; idempotent.

    Keyframes are sorted and of several on one frame the last is kept. The track begins at its first keyframe; if it
    claims to begin earlier, an outside copy of the first keyframe is put there. Skeletons are treated as
    ``normalise_skeleton_track`` says.

    Returns:
        The same track.

    Raises:
        ValueError: The track or one of its elements has no keyframe.
    """
    _sort_keyframes(track)
    if track.elements:
        return normalise_skeleton_track(track)
    _start_at_first_keyframe(track)
    return track


def normalise_skeleton_track(track: Track) -> Track:
    """Let a skeleton track and all its elements begin at the same frame, in place; idempotent.

    That frame is the earliest one that the parent or an element claims or has a keyframe on. Elements that begin later
    get an outside copy of their first keyframe there; the first keyframe of the parent is moved there.

    Returns:
        The same track.

    Raises:
        ValueError: The track or one of its elements has no keyframe.
    """
    _sort_keyframes(track)
    for element in track.elements:
        _sort_keyframes(element)
    parts: list[Track | ElementTrack] = [track, *track.elements]
    start = min(min(part.frame, part.shapes[0].frame) for part in parts)
    for element in track.elements:
        element.frame = start
        _start_at_first_keyframe(element)
    track.frame = start
    track.shapes[0].frame = start
    return track


def _sort_keyframes(track: Track | ElementTrack) -> None:
    shapes = track.shapes
    if not shapes:
        raise ValueError("a track needs at least one keyframe")
    if any(shapes[index].frame >= shapes[index + 1].frame for index in range(len(shapes) - 1)):
        # Sorting is stable, so that the last of equal frames is the last one given.
        track.shapes = list({shape.frame: shape for shape in sorted(shapes, key=_by_frame)}.values())


def _start_at_first_keyframe(track: Track | ElementTrack) -> None:
    first = track.shapes[0]
    if track.frame < first.frame:
        track.shapes.insert(0, outside_copy(first, track.frame))
    else:
        track.frame = first.frame


def outside_copy(shape: TrackedShape, frame: int) -> TrackedShape:
    """Return a new keyframe that ends, or delays, the object: a shape as it is, at another frame and outside."""
    return msgspec.structs.replace(shape, id=None, frame=frame, outside=True)
