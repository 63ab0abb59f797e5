from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner_model.annotations import LabeledData, Shape, Tag
from limner_model.frames import FrameAnnotations
from limner_model.interpolation import FrameSweeper, interpolate_track, sweep, sweep_stream
from limner_model.keyframes import normalise_track
from tests.unit.model.builders import (
    SCHEMA,
    boxes_track,
    element,
    golden_document,
    golden_schema,
    read_golden,
    rectangle,
    skeleton,
    values,
    values_of,
)


def ids(frame: FrameAnnotations) -> list[tuple[str, int | None]]:
    return [("track", shape.track_id) if shape.id is None else ("shape", shape.id) for shape in frame.shapes]


def test_every_asked_frame_is_yielded_in_order_even_when_empty() -> None:
    data = LabeledData(shapes=[rectangle(3, 0, id=1)])
    frames = list(sweep(data, frames=range(1, 5)))
    assert [(frame.frame, len(frame.shapes)) for frame in frames] == [(1, 0), (2, 0), (3, 1), (4, 0)]


def test_shapes_are_sorted_by_z_order_then_shapes_before_tracks_then_id() -> None:
    data = LabeledData(
        shapes=[rectangle(0, 0, id=9), rectangle(0, 0, id=2), rectangle(0, 0, id=1, z_order=3)],
        tracks=[boxes_track((0, 0.0), id=8), boxes_track((0, 0.0), id=4)],
    )
    (frame,) = sweep(data, frames=[0])
    assert ids(frame) == [("shape", 2), ("shape", 9), ("track", 4), ("track", 8), ("shape", 1)]


def test_tracks_that_begin_later_are_sorted_among_the_others() -> None:
    data = LabeledData(tracks=[boxes_track((0, 0.0), id=8), boxes_track((1, 0.0), id=4)])
    assert [ids(frame) for frame in sweep(data, frames=range(2))] == [[("track", 8)], [("track", 4), ("track", 8)]]


def test_outside_tracks_are_left_out_and_come_back() -> None:
    data = LabeledData(tracks=[boxes_track((0, 0.0), (2, 2.0, True), (4, 4.0), (5, 4.0, True), id=1)])
    assert [len(frame.shapes) for frame in sweep(data, frames=range(8))] == [1, 1, 0, 0, 1, 0, 0, 0]


def test_deleted_frames_are_left_out_but_their_keyframes_count() -> None:
    data = LabeledData(tracks=[boxes_track((0, 0.0), (2, 9.0), (4, 4.0))], tags=[Tag(frame=2, label_id=1)])
    found = {frame.frame: frame.shapes[0].points[0] for frame in sweep(data, frames=range(5), deleted_frames={2})}
    assert found == {0: 0.0, 1: 4.5, 3: 6.5, 4: 4.0}


def test_absent_attributes_are_filled_everywhere() -> None:
    data = LabeledData(
        tags=[Tag(frame=0, label_id=1, attributes=values({6: "acme"}))],
        shapes=[rectangle(0, 0), skeleton(0, [element(3, 1, 2)])],
    )
    (frame,) = sweep(data, SCHEMA, frames=[0])
    assert values_of(frame.tags[0].attributes) == {5: "grey", 6: "acme"}
    assert values_of(frame.shapes[0].attributes) == {5: "grey", 6: ""}
    assert values_of(frame.shapes[1].elements[0].attributes) == {7: ""}


def test_a_single_shape_is_never_outside() -> None:
    (frame,) = sweep(LabeledData(shapes=[rectangle(0, 0, outside=True)]), frames=[0])
    assert [shape.outside for shape in frame.shapes] == [False]


def test_groups_without_number_become_zero() -> None:
    data = LabeledData(shapes=[rectangle(0, 0, group=None)], tags=[Tag(frame=0, label_id=1, group=None)])
    (frame,) = sweep(data, frames=[0])
    assert (frame.shapes[0].group, frame.tags[0].group) == (0, 0)


def test_streams_are_read_only_as_far_as_needed() -> None:
    read: list[int] = []

    def stream() -> Iterator[Shape]:
        for frame in range(10):
            read.append(frame)
            yield rectangle(frame, 0)

    frames = sweep_stream(range(10), shapes=stream())
    assert len(next(frames).shapes) == 1
    assert read == [0, 1]


def test_frames_between_those_asked_are_skipped() -> None:
    data = LabeledData(
        shapes=[rectangle(frame, float(frame)) for frame in range(6)], tracks=[boxes_track((1, 1.0), (5, 5.0))]
    )
    found = {frame.frame: [shape.points[0] for shape in frame.shapes] for frame in sweep(data, frames=[0, 3, 5])}
    assert found == {0: [0.0], 3: [3.0, 3.0], 5: [5.0, 5.0]}


def test_a_sweeper_takes_tracks_when_they_are_known() -> None:
    sweeper = FrameSweeper()
    sweeper.add_tracks([boxes_track((0, 0.0), (2, 0.0, True), id=1)])
    assert len(sweeper.frame(0).shapes) == 1
    sweeper.add_tracks([boxes_track((1, 0.0), id=2)])
    assert [len(sweeper.frame(frame).shapes) for frame in (1, 2, 3)] == [2, 1, 1]


@pytest.mark.parametrize("key", ["a_images", "b_video"])
def test_a_sweep_shows_each_track_as_its_own_interpolation_does(key: str) -> None:
    schema = golden_schema(read_golden(f"objects/{key}/labels.json"))
    data = golden_document(read_golden(f"objects/{key}/annotations.json"))
    size = read_golden(f"objects/{key}/task.json")["size"]
    swept = {
        (frame.frame, shape.track_id): (shape.points, shape.rotation, [part.points for part in shape.elements])
        for frame in sweep(data, schema, frames=range(size))
        for shape in frame.shapes
        if shape.track_id is not None
    }
    alone = {
        (frame, track.id): (shape.points, shape.rotation, [part.points for part in shape.elements])
        for track in data.tracks
        for frame, shape in interpolate_track(track, end_frame=size)
    }
    assert swept == alone
    assert swept


@given(st.lists(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=5), max_size=5))
def test_sweeping_finds_what_each_track_shows(keys: list[list[tuple[int, bool]]]) -> None:
    tracks = []
    for index, entries in enumerate(keys):
        shapes = [(frame, float(frame), True) if outside else (frame, float(frame)) for frame, outside in entries]
        tracks.append(normalise_track(boxes_track(*shapes, id=index + 1)))
    visible = {(track.id, frame) for track in tracks for frame, _ in interpolate_track(track, end_frame=15)}
    swept = {
        (shape.track_id, frame.frame)
        for frame in sweep(LabeledData(tracks=tracks), frames=range(15))
        for shape in frame.shapes
    }
    assert swept == visible
