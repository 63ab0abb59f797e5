"""One document from the documents of the jobs of a task, whose segments may overlap.

Source: the CVAT server's merge of job annotations. Two of its faults are mended: a track that begins before its
counterpart of the earlier job is united like any other, and elements of skeletons are united by their sublabels.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from limner_model.annotations import ElementTrack, LabeledData, Shape, Tag, Track, TrackedShape
from limner_model.assignment import assign
from limner_model.keyframes import outside_copy
from limner_model.similarity import Similarities, shape_similarities, track_similarities

_MIN_SHAPE_SIMILARITY = 0.75
_MIN_TRACK_SIMILARITY = 0.5

_FrameObject = TypeVar("_FrameObject", Tag, Shape)
_T = TypeVar("_T", Track, ElementTrack)


class JobPart(NamedTuple):
    """The annotations of one job and the first frame of its segment."""

    start: int
    data: LabeledData


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
        _merge_frame_objects(tags, part.data.tags, part.start, border, _tag_similarities)
        _merge_frame_objects(
            shapes, part.data.shapes, part.start, border, lambda olds, news: shape_similarities(olds, news, is_3d=is_3d)
        )
        _merge_tracks(tracks, part.data.tracks, part.start, border, is_3d=is_3d)
    return LabeledData(tags=tags, shapes=shapes, tracks=tracks)


def _merge_frame_objects(
    merged: list[_FrameObject],
    incoming: Sequence[_FrameObject],
    start: int,
    border: int,
    compare: Callable[[Sequence[_FrameObject], Sequence[_FrameObject]], Similarities],
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
        similarities = compare(olds_by_frame.get(frame, []), candidates)
        absorbed = {second for _, second in assign(similarities, min_similarity=_MIN_SHAPE_SIMILARITY)}
        merged.extend(candidate for index, candidate in enumerate(candidates) if index not in absorbed)


def _merge_tracks(merged: list[Track], incoming: Sequence[Track], start: int, border: int, *, is_3d: bool) -> None:
    olds = [index for index, track in enumerate(merged) if _reaches(track, start)]
    candidates = [track for track in incoming if track.frame < border]
    fresh = [track for track in incoming if track.frame >= border]
    similarities: Similarities = {}
    if olds and candidates:
        similarities = track_similarities([merged[index] for index in olds], candidates, start, border, is_3d=is_3d)
    pairs = assign(similarities, min_similarity=_MIN_TRACK_SIMILARITY)
    for old, new in pairs:
        merged[olds[old]] = _unite(merged[olds[old]], candidates[new])
    united, joined = {olds[old] for old, _ in pairs}, {new for _, new in pairs}
    for index, track in enumerate(merged):
        if index not in united and not _has_ended(track):
            merged[index] = _close(track, border)
    merged.extend(fresh)
    merged.extend(candidate for index, candidate in enumerate(candidates) if index not in joined)


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


def _tag_similarities(first: Sequence[Tag], second: Sequence[Tag]) -> Similarities:
    return {
        (row, column): 1.0
        for row, old in enumerate(first)
        for column, new in enumerate(second)
        if old.label_id == new.label_id
    }
