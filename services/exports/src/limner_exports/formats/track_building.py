"""Tracks rebuilt from objects that name their track on every frame.

Source: FORMATS.md §3.2. An object stays visible over frames that follow each other; where it is missing, the track has an
outside copy one frame after the last visible one.
"""

from bisect import bisect_right

import msgspec

from limner_model.annotations import AttributeValue, ElementTrack, Track, TrackedShape


class TrackedPoint(msgspec.Struct, kw_only=True, gc=False):
    """One skeleton point on one frame."""

    label_id: int
    fixed: list[AttributeValue]
    shape: TrackedShape


class TrackedObject(msgspec.Struct, kw_only=True):
    """One object of a track on one frame; ``is_key`` says that the file marks it as a keyframe."""

    label_id: int
    group: int
    source: str
    fixed: list[AttributeValue]
    shape: TrackedShape
    is_key: bool
    points: list[TrackedPoint] = []


class _Run(msgspec.Struct):
    """Frames on which the object is seen without a gap, and what it looks like on the last of them."""

    start: int
    end: int
    last: TrackedObject


class TrackBuilder:
    """Collects the objects of one track in any order of frames.

    Memory is O(keyframes + gaps) while frames ascend: frames between keyframes are forgotten. Frames that come out of order
    are all kept as keyframes, which is always right.
    """

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._kept: dict[int, TrackedObject] = {}

    def add(self, item: TrackedObject) -> bool:
        """Take an object; False when its frame is taken already."""
        frame = item.shape.frame
        index = bisect_right(self._runs, frame, key=_run_start) - 1
        before = self._runs[index] if index >= 0 else None
        if before is not None and frame <= before.end:
            return False
        is_last = index == len(self._runs) - 1
        follows = before is not None and before.end + 1 == frame
        if not (is_last and follows and before is not None and _looks_alike(before.last, item)) or item.is_key:
            self._kept[frame] = item
        if follows and before is not None:
            before.end, before.last = frame, item
        else:
            self._runs.insert(index + 1, _Run(frame, frame, item))
            index += 1
        self._join(index)
        return True

    def build(self, stop: int) -> Track:
        """Make the track; ``stop`` is the last frame of the target, after which no outside copy is needed."""
        keys: dict[int, TrackedObject] = dict(self._kept)
        for run in self._runs:
            if run.end + 1 <= stop and not run.last.shape.outside:
                keys[run.end + 1] = _outside_copy(run.last, run.end + 1)
        ordered = [keys[frame] for frame in sorted(keys)]
        first = ordered[0]
        return Track(
            frame=first.shape.frame,
            label_id=first.label_id,
            group=first.group,
            source=first.source,
            shapes=[item.shape for item in ordered],
            attributes=first.fixed,
            elements=_element_tracks(ordered),
        )

    def _join(self, index: int) -> None:
        if index + 1 < len(self._runs) and self._runs[index].end + 1 == self._runs[index + 1].start:
            after = self._runs.pop(index + 1)
            self._runs[index].end, self._runs[index].last = after.end, after.last


def _run_start(run: _Run) -> int:
    return run.start


def _looks_alike(one: TrackedObject, other: TrackedObject) -> bool:
    return one.shape.outside == other.shape.outside


def _outside_copy(item: TrackedObject, frame: int) -> TrackedObject:
    return TrackedObject(
        label_id=item.label_id,
        group=item.group,
        source=item.source,
        fixed=item.fixed,
        shape=msgspec.structs.replace(item.shape, frame=frame, outside=True),
        is_key=True,
        points=[
            TrackedPoint(
                label_id=point.label_id,
                fixed=point.fixed,
                shape=msgspec.structs.replace(point.shape, frame=frame, outside=True),
            )
            for point in item.points
        ],
    )


def _element_tracks(items: list[TrackedObject]) -> list[ElementTrack]:
    tracks: dict[int, ElementTrack] = {}
    for item in items:
        for point in item.points:
            track = tracks.get(point.label_id)
            if track is None:
                track = ElementTrack(
                    frame=point.shape.frame,
                    label_id=point.label_id,
                    group=item.group,
                    source=item.source,
                    attributes=point.fixed,
                )
                tracks[point.label_id] = track
            track.shapes.append(point.shape)
    return list(tracks.values())
