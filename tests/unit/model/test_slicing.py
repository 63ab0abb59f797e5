import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner_model.annotations import LabeledData, Tag, Track
from limner_model.interpolation import interpolate_track
from limner_model.keyframes import normalise_track
from limner_model.merging import JobPart, merge_jobs
from limner_model.segments import plan_segments
from limner_model.slicing import slice_data, slice_track
from tests.unit.model.builders import (
    box,
    boxes_track,
    element_track,
    keyframe,
    keys_of,
    point,
    rectangle,
    skeleton_key,
    skeleton_track,
    track,
    values,
    values_of,
)

MOVING = boxes_track((0, 0.0), (10, 10.0), (20, 10.0, True))
SHORT = boxes_track((0, 0.0), (4, 4.0), (6, 4.0, True))
OPEN = boxes_track((0, 0.0))
GAP = boxes_track((2, 10.0), (15, 20.0, True), (35, 60.0), (50, 70.0, True))


@pytest.mark.parametrize(
    ("parsed", "start", "stop", "expected"),
    [
        pytest.param(MOVING, 0, 9, [(0, 0.0), (9, 9.0)], id="cut at the end"),
        pytest.param(MOVING, 5, 14, [(5, 5.0), (10, 10.0)], id="cut at both ends"),
        pytest.param(MOVING, 10, 19, [(10, 10.0)], id="begins with a keyframe"),
        pytest.param(MOVING, 15, 25, [(15, 10.0), (20, 10.0, "out")], id="ends inside"),
        pytest.param(MOVING, 20, 29, None, id="gone"),
        # The reference repeats the keyframe of frame 6.
        pytest.param(SHORT, 3, 10, [(3, 3.0), (4, 4.0), (6, 4.0, "out")], id="ends inside after a keyframe"),
        pytest.param(OPEN, 5, 9, [(5, 0.0)], id="standing still"),
        pytest.param(OPEN, 0, 9, [(0, 0.0)], id="whole"),
        # The reference repeats the keyframe of frame 15.
        pytest.param(GAP, 0, 24, [(2, 10.0), (15, 20.0, "out")], id="a gap that goes on after the segment"),
        pytest.param(GAP, 16, 34, None, id="inside a gap"),
        pytest.param(GAP, 20, 44, [(35, 60.0), (44, 66.0)], id="begins in a gap"),
    ],
)
def test_slice_of_a_track(parsed: Track, start: int, stop: int, expected: list[tuple[object, ...]] | None) -> None:
    part = slice_track(parsed, start, stop)
    assert (None if part is None else keys_of(part)) == expected
    assert part is None or part.frame == part.shapes[0].frame


def test_a_track_inside_the_segment_is_shared() -> None:
    assert slice_track(SHORT, 0, 6) is SHORT


def test_inserted_keyframes_have_no_id_and_the_others_keep_theirs() -> None:
    parsed = track(keyframe(0, box(0), id=1), keyframe(4, box(4), id=2), keyframe(8, box(8), id=3), id=9)
    part = slice_track(parsed, 2, 6)
    assert part is not None
    assert (part.id, [(shape.frame, shape.id) for shape in part.shapes]) == (9, [(2, None), (4, 2), (6, None)])


@pytest.mark.parametrize("start", [pytest.param(4, id="at a keyframe"), pytest.param(6, id="between keyframes")])
def test_values_carried_over_the_border_are_kept(start: int) -> None:
    parsed = track(keyframe(0, box(0), attributes={5: "red"}), keyframe(4, box(4)), keyframe(8, box(8)))
    part = slice_track(parsed, start, 9)
    assert part is not None
    assert values_of(part.shapes[0].attributes) == {5: "red"}


def test_elements_of_a_skeleton_are_cut_with_their_own_keyframes() -> None:
    parsed = skeleton_track(
        skeleton_key(1),
        skeleton_key(50, outside=True),
        elements=[
            element_track(3, point(1, 10), point(21, 50), point(50, 50, outside=True)),
            element_track(4, point(1, 20), point(50, 69, outside=True)),
        ],
    )
    part = slice_track(parsed, 11, 30)
    assert part is not None
    assert [shape.frame for shape in part.shapes] == [11]
    assert [keys_of(element) for element in part.elements] == [[(11, 30.0), (21, 50.0)], [(11, 30.0), (30, 49.0)]]


def test_an_absent_element_stays_absent_in_the_slice() -> None:
    parsed = skeleton_track(
        skeleton_key(0),
        elements=[
            element_track(3, point(0, 1)),
            element_track(4, point(0, 2), point(3, 2, outside=True), point(30, 5)),
        ],
    )
    part = slice_track(parsed, 10, 20)
    assert part is not None
    assert keys_of(part.elements[1]) == [(10, 2.0, "out")]
    later = slice_track(parsed, 25, 35)
    assert later is not None
    assert keys_of(later.elements[1]) == [(25, 5.0, "out"), (30, 5.0)]


def test_slicing_does_not_change_the_document() -> None:
    parsed = track(keyframe(0, box(0), attributes={5: "red"}), keyframe(9, box(9)), attributes=values({6: "acme"}))
    before = keys_of(parsed)
    slice_track(parsed, 3, 6)
    assert keys_of(parsed) == before


def test_an_object_that_only_turns_keeps_its_turn() -> None:
    # The reference compares points only and stops the turn at the last keyframe of the segment.
    parsed = track(keyframe(0, box(0)), keyframe(8, box(0), rotation=80))
    part = slice_track(parsed, 2, 5)
    assert part is not None
    assert [(shape.frame, shape.rotation) for shape in part.shapes] == [(2, 20), (5, 50)]


def test_a_gap_right_after_the_border_stays_a_gap() -> None:
    # The reference drops the outside keyframe of frame 2 and shows the object there.
    part = slice_track(boxes_track((0, 0.0), (2, 2.0, True), (3, 3.0)), 1, 3)
    assert part is not None
    assert keys_of(part) == [(1, 1.0), (2, 2.0, "out"), (3, 3.0)]


def test_tags_and_shapes_of_the_frames_are_taken() -> None:
    data = LabeledData(
        tags=[Tag(frame=frame, label_id=1) for frame in range(6)], shapes=[rectangle(frame, 0) for frame in range(6)]
    )
    part = slice_data(data, 2, 4)
    assert [tag.frame for tag in part.tags] == [2, 3, 4]
    assert [shape.frame for shape in part.shapes] == [2, 3, 4]


keys = st.dictionaries(st.integers(0, 29), st.tuples(st.integers(0, 40).map(float), st.booleans()), min_size=1, max_size=6)


def random_track(entries: dict[int, tuple[float, bool]]) -> Track:
    shapes = [keyframe(frame, box(x), outside=out) for frame, (x, out) in sorted(entries.items())]
    return normalise_track(track(*shapes))


def visible(parsed: Track | None, start: int, stop: int) -> dict[int, list[float]]:
    if parsed is None:
        return {}
    shapes = interpolate_track(parsed, end_frame=stop + 1)
    return {frame: [round(value, 6) for value in shape.points] for frame, shape in shapes if frame >= start}


@given(keys, st.integers(0, 29), st.integers(0, 29))
def test_a_slice_shows_what_the_track_shows(entries: dict[int, tuple[float, bool]], one: int, other: int) -> None:
    start, stop = sorted((one, other))
    parsed = random_track(entries)
    part = slice_track(parsed, start, stop)
    assert visible(part, start, stop) == visible(parsed, start, stop)
    if part is not None:
        frames = [shape.frame for shape in part.shapes]
        assert frames == sorted(set(frames))
        assert start <= frames[0] <= frames[-1] <= stop


@given(keys, st.integers(4, 12), st.integers(0, 4))
def test_slices_merged_again_show_what_the_track_showed(
    entries: dict[int, tuple[float, bool]], segment_size: int, overlap: int
) -> None:
    parsed = random_track(entries)
    plan = plan_segments(30, segment_size=segment_size, overlap=overlap)
    parts = [
        JobPart(segment.start, slice_data(LabeledData(tracks=[parsed]), segment.start, segment.stop))
        for segment in plan.segments
    ]
    merged = merge_jobs(parts, overlap=plan.overlap)
    seen: dict[int, list[float]] = {}
    for piece in merged.tracks:
        for frame, points in visible(piece, 0, 29).items():
            assert seen.setdefault(frame, points) == points
    assert seen == visible(parsed, 0, 29)
