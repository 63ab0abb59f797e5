"""Tracks rebuilt from objects that name their track."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from limner_exports.formats.track_building import TrackBuilder, TrackedObject
from limner_model.annotations import ShapeType, Track, TrackedShape


def seen(frame: int, *, key: bool = False, outside: bool = False) -> TrackedObject:
    points = [float(frame), 0.0, 1.0, 1.0]
    shape = TrackedShape(type=ShapeType.RECTANGLE, frame=frame, points=points, outside=outside)
    return TrackedObject(label_id=1, group=0, source="manual", fixed=[], shape=shape, is_key=key)


def built(*items: TrackedObject, stop: int = 20) -> Track:
    builder = TrackBuilder()
    assert all(builder.add(item) for item in items)
    return builder.build(stop)


def keys(track: Track) -> list[tuple[int, bool, float]]:
    return [(shape.frame, shape.outside, shape.points[0]) for shape in track.shapes]


def test_frames_between_keyframes_are_forgotten() -> None:
    track = built(seen(0, key=True), seen(1), seen(2), seen(3, key=True), seen(4))
    assert keys(track) == [(0, False, 0), (3, False, 3), (5, True, 4)]
    assert track.frame == 0


def test_a_gap_closes_the_track_and_opens_it_again() -> None:
    assert keys(built(seen(2), seen(3), seen(7), seen(8))) == [(2, False, 2), (4, True, 3), (7, False, 7), (9, True, 8)]


def test_no_closing_after_the_last_frame() -> None:
    assert keys(built(seen(2), seen(3), stop=3)) == [(2, False, 2)]


def test_a_change_of_visibility_is_kept_and_an_outside_end_needs_no_copy() -> None:
    assert keys(built(seen(0), seen(1), seen(2, outside=True))) == [(0, False, 0), (2, True, 2)]


def test_a_frame_that_is_taken_is_refused() -> None:
    builder = TrackBuilder()
    assert [builder.add(seen(frame)) for frame in (0, 1, 1, 0)] == [True, True, False, False]


def test_any_order_gives_the_same_track_up_to_redundant_keyframes() -> None:
    items = [seen(0, key=True), seen(1), seen(2), seen(5), seen(6, key=True)]
    expected = keys(built(*items))
    for order in permutations(items):
        found = keys(built(*order))
        assert set(expected) <= set(found)
        assert [key for key in found if key[1]] == [key for key in expected if key[1]]


@given(st.sets(st.integers(0, 30), min_size=1))
def test_the_track_is_visible_where_it_was_seen(frames: set[int]) -> None:
    track = built(*[seen(frame) for frame in sorted(frames)], stop=30)
    visible = set()
    for frame in range(31):
        last = [shape for shape in track.shapes if shape.frame <= frame]
        if last and not last[-1].outside:
            visible.add(frame)
    assert visible == frames
