import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner_model.annotations import ShapeType, Track
from limner_model.attributes import AttributeDefaults
from limner_model.frames import FrameShape
from limner_model.interpolation import InvalidTrack, interpolate_keyframes, interpolate_track, track_rows
from tests.unit.model.builders import (
    SCHEMA,
    box,
    boxes_track,
    element_track,
    keyframe,
    point,
    skeleton_key,
    skeleton_track,
    track,
    values,
    values_of,
)


def frames_of(parsed: Track, end_frame: int, *, include_outside: bool = False) -> dict[int, FrameShape]:
    return dict(interpolate_track(parsed, end_frame=end_frame, include_outside=include_outside))


def halves(points: str) -> list[float]:
    """Read "x,y x,y" as a list of points."""
    return [float(value) for pair in points.split() for value in pair.split(",")]


def test_object_is_absent_from_an_outside_keyframe_until_the_next_one() -> None:
    parsed = boxes_track((0, 0.0), (3, 3.0, True), (6, 6.0))
    assert {frame: shape.points[0] for frame, shape in interpolate_track(parsed, end_frame=9)} == {
        0: 0.0,
        1: 1.0,
        2: 2.0,
        6: 6.0,
        7: 6.0,
        8: 6.0,
    }


def test_rows_also_list_the_outside_keyframe() -> None:
    rows = track_rows(boxes_track((0, 0.0), (3, 3.0, True), (6, 6.0)), end_frame=9)
    assert [(frame, shape.outside, shape.keyframe) for frame, shape in rows] == [
        (0, False, True),
        (1, False, False),
        (2, False, False),
        (3, True, True),
        (6, False, True),
        (7, False, False),
        (8, False, False),
    ]


def test_outside_shapes_are_listed_when_asked() -> None:
    shapes = frames_of(boxes_track((0, 0.0), (2, 2.0, True), (4, 6.0)), 5, include_outside=True)
    assert {frame: (shape.points[0], shape.outside) for frame, shape in shapes.items()} == {
        0: (0.0, False),
        1: (1.0, False),
        2: (2.0, True),
        3: (4.0, True),
        4: (6.0, False),
    }


def test_a_keyframe_beyond_the_end_still_shapes_the_motion() -> None:
    assert [shape.points[0] for _, shape in interpolate_track(boxes_track((0, 0.0), (10, 10.0)), end_frame=3)] == [0, 1, 2]


def test_nothing_exists_before_the_first_keyframe_and_after_the_end() -> None:
    assert sorted(frames_of(boxes_track((4, 0.0)), 7)) == [4, 5, 6]
    assert frames_of(boxes_track((4, 0.0)), 4) == {}


def test_skipped_frames_do_not_change_the_motion() -> None:
    parsed = boxes_track((0, 0.0), (2, 9.0), (4, 4.0))
    found = dict(interpolate_track(parsed, end_frame=5, skip_frames={2}))
    assert {frame: shape.points[0] for frame, shape in found.items()} == {0: 0.0, 1: 4.5, 3: 6.5, 4: 4.0}


def test_rows_interpolate_across_keyframes_on_deleted_frames() -> None:
    rows = track_rows(boxes_track((0, 0.0), (2, 9.0), (4, 4.0)), end_frame=5, deleted_frames={2})
    assert {frame: shape.points[0] for frame, shape in rows} == {0: 0.0, 1: 1.0, 3: 3.0, 4: 4.0}


def test_other_properties_are_those_of_the_keyframe_before() -> None:
    parsed = track(keyframe(0, box(0), occluded=True, z_order=3), keyframe(2, box(2), z_order=5))
    middle = frames_of(parsed, 3)[1]
    assert (middle.occluded, middle.z_order, middle.keyframe) == (True, 3, False)


def test_attributes_are_carried_filled_and_joined_with_those_of_the_track() -> None:
    parsed = track(
        keyframe(0, attributes={}),
        keyframe(2, attributes={5: "red"}),
        keyframe(4, attributes={}),
        attributes=values({6: "acme"}),
    )
    shapes = dict(interpolate_track(parsed, end_frame=6, defaults=AttributeDefaults(SCHEMA)))
    assert [values_of(shapes[frame].attributes) for frame in (0, 1, 2, 3, 4, 5)] == [
        {5: "grey", 6: "acme"},
        {5: "grey", 6: "acme"},
        {5: "red", 6: "acme"},
        {5: "red", 6: "acme"},
        {5: "red", 6: "acme"},
        {5: "red", 6: "acme"},
    ]


def test_keyframe_ids_are_kept_on_keyframes_only() -> None:
    shapes = [keyframe(0, box(0), id=7), keyframe(2, box(2), id=8)]
    found = interpolate_keyframes(shapes, start_frame=0, end_frame=4)
    assert [(shape.id, is_keyframe) for shape, is_keyframe in found] == [(7, True), (None, False), (8, True), (None, False)]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param(350, 10, [355, 0, 5], id="over zero"),
        pytest.param(10, 350, [5, 0, 355], id="back over zero"),
        pytest.param(0, 90, [22.5, 45, 67.5], id="quarter turn"),
        # The reference server turns by one degree in total here; its editor turns clockwise.
        pytest.param(0, 180, [45, 90, 135], id="half turn goes clockwise"),
        pytest.param(180, 0, [225, 270, 315], id="half turn back goes clockwise"),
        pytest.param(20, 200, [65, 110, 155], id="half turn from anywhere"),
        pytest.param(0.1, 180.1, [45.1, 90.1, 135.1], id="half turn in spite of rounding"),
        pytest.param(360, 360, [360, 360, 360], id="no turn keeps the stored number"),
    ],
)
def test_rotation_takes_the_shortest_arc(start: float, end: float, expected: list[float]) -> None:
    parsed = track(keyframe(0, box(0), rotation=start), keyframe(4, box(0), rotation=end))
    shapes = frames_of(parsed, 4)
    assert [shapes[frame].rotation for frame in (1, 2, 3)] == pytest.approx(expected)


def test_numbers_of_an_ellipse_move_on_straight_lines() -> None:
    parsed = track(
        keyframe(0, [10, 10, 20, 5], type=ShapeType.ELLIPSE), keyframe(2, [20, 30, 40, 5], type=ShapeType.ELLIPSE)
    )
    assert frames_of(parsed, 2)[1].points == [15, 20, 30, 5]


def test_one_point_moves_and_several_points_stay() -> None:
    one = track(point(0, 0, 0), point(4, 4, 8))
    several = track(keyframe(0, [0, 0, 1, 1], type=ShapeType.POINTS), keyframe(4, [4, 4, 5, 5], type=ShapeType.POINTS))
    uneven = track(keyframe(0, [0, 0], type=ShapeType.POINTS), keyframe(4, [4, 4, 5, 5], type=ShapeType.POINTS))
    assert frames_of(one, 4)[1].points == [1, 2]
    assert frames_of(several, 4)[3].points == [0, 0, 1, 1]
    assert frames_of(uneven, 4)[3].points == [0, 0]


def cuboid(angle: float, x: float = 0.0) -> list[float]:
    return [x, 0, 0, 0, 0, angle, 4, 2, 1, *[0.0] * 7]


@pytest.mark.parametrize(
    ("start", "end", "half"),
    [
        pytest.param(3.0, -3.0, math.pi, id="over pi"),
        pytest.param(-3.0, 3.0, -math.pi, id="back over pi"),
        pytest.param(-0.2, 0.2, 0.0, id="over zero"),
        pytest.param(1.0, 2.0, 1.5, id="plain"),
        pytest.param(-1.5, -1.5, -1.5, id="no turn keeps the stored number"),
    ],
)
def test_angles_of_a_3d_cuboid_take_the_shortest_arc(start: float, end: float, half: float) -> None:
    # The reference server moves angles linearly (3.0 to -3.0 passes 0.0); its editor is followed.
    shapes = [keyframe(0, cuboid(start), type=ShapeType.CUBOID), keyframe(2, cuboid(end, 8), type=ShapeType.CUBOID)]
    middle = dict(interpolate_track(track(*shapes), end_frame=2, is_3d=True))[1].points
    assert math.cos(middle[5]) == pytest.approx(math.cos(half))
    assert math.sin(middle[5]) == pytest.approx(math.sin(half), abs=1e-12)
    assert -math.pi <= middle[5] <= math.pi
    assert [*middle[:5], *middle[6:]] == [4, 0, 0, 0, 0, 4, 2, 1, *[0.0] * 7]


def test_a_2d_cuboid_moves_on_straight_lines() -> None:
    parsed = track(
        keyframe(0, [float(n) for n in range(16)], type=ShapeType.CUBOID), keyframe(2, [8.0] * 16, type=ShapeType.CUBOID)
    )
    assert frames_of(parsed, 2)[1].points == [(n + 8) / 2 for n in range(16)]


SQUARE = "0,0 10,0 10,10 0,10"
CURVES = [
    pytest.param("polygon", 4, "0,0 10,0 10,10", "4,0 14,0 14,10", {1: "1,0 11,0 11,10"}, id="polygon moves"),
    pytest.param(
        "polygon", 2, SQUARE, "0,0 5,0 10,0 10,10 0,10", {1: "0,0 2.5,0 10,0 10,10 0,10"}, id="polygon gains a point"
    ),
    pytest.param("polygon", 2, SQUARE, "0,0 20,0 10,20", {1: "0,0 15,0 10,15 5,15"}, id="polygon loses a point"),
    pytest.param(
        "polygon",
        2,
        "0,0 4,0 10,0 10,10 0,10",
        "0,0 20,0 10,20",
        {1: "0,0 2,0 15,0 10,15 5,15"},
        id="polygon loses two points",
    ),
    pytest.param("polyline", 2, "0,0 30,0", "0,10 10,10 20,10 30,10", {1: "0,5 5,5 25,5 30,5"}, id="polyline gains points"),
    pytest.param("polyline", 2, "0,10 10,10 20,10 30,10", "0,0 30,0", {1: "0,5 5,5 25,5 30,5"}, id="polyline loses points"),
    pytest.param(
        "polyline",
        5,
        "0,0 10,0 10,30",
        "0,0 1,0 2,0 20,0 20,20",
        {
            1: "0.1,0 10.2,0 12,28",
            2: "0,0 0.4,0 6.8,0 14,0 14,26",
            3: "0,0 0.6,0 5.2,0 16,0 16,24",
            4: "0,0 0.8,0 3.6,0 18,0 18,22",
        },
        id="pile-ups collapse near the left curve only",
    ),
]


@pytest.mark.parametrize(("kind", "last", "left", "right", "expected"), CURVES)
def test_curves_move_by_matched_points(kind: str, last: int, left: str, right: str, expected: dict[int, str]) -> None:
    kind_of = ShapeType(kind)
    parsed = track(keyframe(0, halves(left), type=kind_of), keyframe(last, halves(right), type=kind_of))
    shapes = frames_of(parsed, last)
    for frame, points in expected.items():
        assert shapes[frame].points == pytest.approx(halves(points))


def test_a_curve_without_length_does_not_divide_by_zero() -> None:
    parsed = track(
        keyframe(0, halves("1,1 1,1 1,1"), type=ShapeType.POLYGON),
        keyframe(2, halves("0,0 4,0 4,4"), type=ShapeType.POLYGON),
    )
    assert all(math.isfinite(value) for value in frames_of(parsed, 2)[1].points)


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(keyframe(4, [0, 0, 1, 1, 2, 2], type=ShapeType.POLYGON), id="other type"),
        pytest.param(keyframe(4, [0, 0, 1, 1, 2, 2]), id="other number of points"),
    ],
)
def test_keyframes_that_do_not_fit_together_are_refused(second: object) -> None:
    with pytest.raises(InvalidTrack):
        frames_of(track(keyframe(0), second), 4)  # type: ignore[arg-type]


def test_elements_of_a_skeleton_move_with_keyframes_of_their_own() -> None:
    parsed = skeleton_track(
        skeleton_key(1),
        elements=[
            element_track(3, point(1, 10, 10), point(21, 40, 14)),
            element_track(4, point(1, 20, 30), point(11, 30, 30, outside=True)),
        ],
    )
    shapes = frames_of(parsed, 30)
    at_six, at_twenty = shapes[6].elements, shapes[20].elements
    assert [(part.label_id, part.points, part.outside) for part in at_six] == [
        (3, [17.5, 11.0], False),
        (4, [25.0, 30.0], False),
    ]
    assert [part.outside for part in at_twenty] == [False, True]
    assert shapes[6].points == []


def test_a_skeleton_without_any_present_element_is_not_visible() -> None:
    parsed = skeleton_track(
        skeleton_key(0),
        elements=[
            element_track(3, point(0, 1), point(3, 1, outside=True)),
            element_track(4, point(0, 2), point(5, 2, outside=True)),
        ],
    )
    assert sorted(frames_of(parsed, 9)) == [0, 1, 2, 3, 4]
    assert sorted(frames_of(parsed, 9, include_outside=True)) == list(range(9))


def test_frames_of_a_skeleton_are_those_of_its_parent() -> None:
    parsed = skeleton_track(skeleton_key(0), skeleton_key(2, outside=True), elements=[element_track(3, point(0, 1))])
    assert sorted(frames_of(parsed, 9)) == [0, 1]


def test_rows_of_a_skeleton_hold_only_elements_with_rows_of_their_own() -> None:
    parsed = skeleton_track(
        skeleton_key(0),
        elements=[
            element_track(3, point(0, 1), point(2, 1, outside=True)),
            element_track(4, point(0, 2), point(1, 2, outside=True)),
        ],
    )
    rows = dict(track_rows(parsed, end_frame=9))
    assert {frame: [(part.label_id, part.outside) for part in row.elements] for frame, row in rows.items()} == {
        0: [(3, False), (4, False)],
        1: [(3, False), (4, True)],
        2: [(3, True)],
    }


coordinates = st.integers(-50, 50).map(float)
curves = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=12).map(lambda ps: [v for p in ps for v in p])


@given(st.lists(curves, min_size=1, max_size=4), st.sampled_from([ShapeType.POLYGON, ShapeType.POLYLINE]))
def test_stored_points_are_used_as_they_are_at_keyframes(keys: list[list[float]], kind: ShapeType) -> None:
    parsed = track(*(keyframe(index * 3, points, type=kind) for index, points in enumerate(keys)))
    shapes = frames_of(parsed, len(keys) * 3)
    assert sorted(shapes) == list(range(len(keys) * 3))
    for index, points in enumerate(keys):
        assert shapes[index * 3].points == points


@given(curves, curves, st.sampled_from([ShapeType.POLYGON, ShapeType.POLYLINE]))
def test_a_moving_curve_stays_in_the_hull_of_both_ends(left: list[float], right: list[float], kind: ShapeType) -> None:
    shapes = frames_of(track(keyframe(0, left, type=kind), keyframe(4, right, type=kind)), 4)
    for frame in (1, 2, 3):
        for axis in (0, 1):
            both = left[axis::2] + right[axis::2]
            assert all(min(both) - 1e-9 <= value <= max(both) + 1e-9 for value in shapes[frame].points[axis::2])
        assert len(shapes[frame].points) % 2 == 0


@given(curves, st.integers(1, 40).map(float))
def test_a_curve_that_only_shifts_keeps_its_points(points: list[float], shift: float) -> None:
    pairs = list(zip(points[::2], points[1::2], strict=True))
    if len(set(pairs)) < len(pairs):
        return
    moved = [value + shift for value in points]
    parsed = track(keyframe(0, points, type=ShapeType.POLYLINE), keyframe(2, moved, type=ShapeType.POLYLINE))
    assert frames_of(parsed, 2)[1].points == pytest.approx([value + shift / 2 for value in points])
