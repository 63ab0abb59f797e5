"""One document from the documents of the jobs of a task, whose segments may overlap.

Source: the CVAT server's merge of job annotations. Two of its faults are mended: a track that begins before its
counterpart of the earlier job is united like any other, and elements of skeletons are united by their sublabels.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from limner_model.annotations import ElementTrack, LabeledData, Shape, Tag, Track, TrackedShape
from limner_model.keyframes import outside_copy
from limner_model.similarity import TrackWindow, shape_similarity

_MAX_TAG_COST = 0.25
_MAX_SHAPE_COST = 0.25
_MAX_TRACK_COST = 0.5

_FrameObject = TypeVar("_FrameObject", Tag, Shape)
_T = TypeVar("_T", Track, ElementTrack)


class JobPart(NamedTuple):
    """The annotations of one job and the first frame of its segment."""

    start: int
    data: LabeledData


class _Pairing(NamedTuple):
    """Accepted pairs of (old index, candidate index), and what was left over."""

    pairs: list[tuple[int, int]]
    unmatched_olds: list[int]
    unmatched_candidates: list[int]


def merge_jobs(parts: Sequence[JobPart], *, overlap: int, is_3d: bool = False) -> LabeledData:
    """Merge the annotations of the annotation jobs of a task.

    Objects of an overlap that are alike become one: tags of the same label, rectangles, polygons and 3D cuboids with an
    intersection over union of at least 0.75, and tracks of those types that agree on the overlap by half. Other types
    are never united. A track that does not go on in the next job is closed at the first frame after its segment.

    Args:
        parts: The jobs in ascending order of their segments; never ground truth jobs or replicas.
        overlap: Number of frames that neighbouring segments share.
        is_3d: Cuboids are 3D.

    Returns:
        A new document. Unchanged objects are shared with the parts, which are not changed.

    Raises:
        InvalidTrack: Keyframes of a track do not fit together.
    """
    tags: list[Tag] = []
    shapes: list[Shape] = []
    tracks: list[Track] = []
    for part in parts:
        border = part.start + overlap
        _merge_frame_objects(tags, part.data.tags, part.start, border, _tag_similarity, _MAX_TAG_COST)
        _merge_frame_objects(
            shapes, part.data.shapes, part.start, border, lambda a, b: shape_similarity(a, b, is_3d=is_3d), _MAX_SHAPE_COST
        )
        _merge_tracks(tracks, part.data.tracks, part.start, border, is_3d=is_3d)
    return LabeledData(tags=tags, shapes=shapes, tracks=tracks)


def _merge_frame_objects(
    merged: list[_FrameObject],
    incoming: Sequence[_FrameObject],
    start: int,
    border: int,
    similarity: Callable[[_FrameObject, _FrameObject], float],
    max_cost: float,
) -> None:
    """Add the tags or shapes of a job, leaving out those that an earlier job has already on the same frame."""
    olds_by_frame: defaultdict[int, list[_FrameObject]] = defaultdict(list)
    candidates_by_frame: defaultdict[int, list[_FrameObject]] = defaultdict(list)
    if start < border:
        for old in merged:
            if old.frame >= start:
                olds_by_frame[old.frame].append(old)
    for new in incoming:
        if new.frame < border:
            candidates_by_frame[new.frame].append(new)
        else:
            merged.append(new)
    for frame, candidates in candidates_by_frame.items():
        olds = olds_by_frame.get(frame, [])
        costs = [[1 - similarity(old, new) for new in candidates] for old in olds]
        pairing = _pair(costs, len(candidates), max_cost)
        merged.extend(candidates[index] for index in pairing.unmatched_candidates)


def _merge_tracks(merged: list[Track], incoming: Sequence[Track], start: int, border: int, *, is_3d: bool) -> None:
    olds = [index for index, track in enumerate(merged) if _reaches(track, start)]
    candidates = [track for track in incoming if track.frame < border]
    fresh = [track for track in incoming if track.frame >= border]
    old_windows = [TrackWindow(merged[index], start, border, is_3d=is_3d) for index in olds] if candidates else []
    new_windows = [TrackWindow(track, start, border, is_3d=is_3d) for track in candidates] if olds else []
    costs = [[1 - old.similarity(new) for new in new_windows] for old in old_windows]
    pairing = _pair(costs, len(candidates), _MAX_TRACK_COST)
    for old_index, new_index in pairing.pairs:
        merged[olds[old_index]] = _unite(merged[olds[old_index]], candidates[new_index])
    united = {olds[old_index] for old_index, _ in pairing.pairs}
    for index, track in enumerate(merged):
        if index not in united and not _has_ended(track):
            merged[index] = _close(track, border)
    merged.extend(fresh)
    merged.extend(candidates[index] for index in pairing.unmatched_candidates)


def _reaches(track: Track, start: int) -> bool:
    return bool(track.shapes) and (track.shapes[-1].frame >= start or not track.shapes[-1].outside)


def _has_ended(track: Track) -> bool:
    return not track.shapes or track.shapes[-1].outside


def _close(track: Track, frame: int) -> Track:
    """End a track and its elements before a frame, unless they have ended already."""
    elements = [msgspec.structs.replace(element, shapes=_closed(element.shapes, frame)) for element in track.elements]
    return msgspec.structs.replace(track, shapes=_closed(track.shapes, frame), elements=elements)


def _closed(shapes: list[TrackedShape], frame: int) -> list[TrackedShape]:
    if not shapes or shapes[-1].outside or shapes[-1].frame >= frame:
        return shapes
    return [*shapes, outside_copy(shapes[-1], frame)]


def _unite(old: Track, new: Track) -> Track:
    """Return one track with the keyframes of both; on equal frames those of the old track count."""
    base = new if new.frame < old.frame else old
    elements = {element.label_id: element for element in old.elements}
    for element in new.elements:
        mine = elements.get(element.label_id)
        elements[element.label_id] = element if mine is None else _unite_keyframes(mine, mine, element)
    return msgspec.structs.replace(_unite_keyframes(base, old, new), elements=list(elements.values()))


def _unite_keyframes(base: _T, old: _T, new: _T) -> _T:
    shapes = {shape.frame: shape for shape in new.shapes}
    shapes.update((shape.frame, shape) for shape in old.shapes)
    ordered = [shapes[frame] for frame in sorted(shapes)]
    return msgspec.structs.replace(base, frame=min(old.frame, new.frame), shapes=ordered)


def _tag_similarity(first: Tag, second: Tag) -> float:
    return 1.0 if first.label_id == second.label_id else 0.0


def _pair(costs: list[list[float]], candidate_count: int, max_cost: float) -> _Pairing:
    """Assign candidates (columns) to olds (rows) with the least total cost, then refuse pairs that cost too much."""
    everyone = list(range(candidate_count))
    if not costs or not candidate_count:
        return _Pairing([], list(range(len(costs))), everyone)
    # Imported here because most reads of a task have no overlap to resolve.
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(costs)
    assigned = zip(rows.tolist(), columns.tolist(), strict=True)
    pairs = [(row, column) for row, column in assigned if costs[row][column] <= max_cost]
    taken_olds, taken = {row for row, _ in pairs}, {column for _, column in pairs}
    return _Pairing(
        pairs,
        [row for row in range(len(costs)) if row not in taken_olds],
        [column for column in everyone if column not in taken],
    )
