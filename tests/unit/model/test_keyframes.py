import pytest

from limner_model.annotations import Track
from limner_model.keyframes import normalise_skeleton_track, normalise_track
from tests.unit.model.builders import (
    box,
    boxes_track,
    element_track,
    keyframe,
    keys_of,
    point,
    skeleton_key,
    skeleton_track,
    track,
)


def test_keyframes_are_sorted_and_the_last_of_a_frame_is_kept() -> None:
    parsed = normalise_track(track(keyframe(5, box(5)), keyframe(1, box(1)), keyframe(5, box(6)), frame=1))
    assert keys_of(parsed) == [(1, 1.0), (5, 6.0)]


def test_a_track_that_begins_before_its_first_keyframe_gets_an_outside_one() -> None:
    parsed = normalise_track(boxes_track((4, 4.0), frame=2))
    assert (parsed.frame, keys_of(parsed)) == (2, [(2, 4.0, "out"), (4, 4.0)])


def test_a_track_that_begins_after_its_first_keyframe_begins_there() -> None:
    parsed = normalise_track(boxes_track((1, 1.0), (4, 4.0), frame=3))
    assert (parsed.frame, keys_of(parsed)) == (1, [(1, 1.0), (4, 4.0)])


@pytest.mark.parametrize(
    ("parent_frame", "first", "second", "expected"),
    [
        pytest.param(3, 3, 3, ([3], ["3"], ["3"]), id="in step"),
        pytest.param(3, 5, 3, ([3], ["3out", "5"], ["3"]), id="an element begins later"),
        pytest.param(3, 1, 3, ([1], ["1"], ["1out", "3"]), id="an element begins earlier"),
        pytest.param(0, 4, 6, ([0], ["0out", "4"], ["0out", "6"]), id="both begin later"),
    ],
)
def test_parts_of_a_skeleton_begin_together(
    parent_frame: int, first: int, second: int, expected: tuple[list[int], list[str], list[str]]
) -> None:
    parsed = normalise_skeleton_track(
        skeleton_track(
            skeleton_key(parent_frame), elements=[element_track(3, point(first, 1)), element_track(4, point(second, 2))]
        )
    )
    written = [[f"{key[0]}{'out' if len(key) > 2 else ''}" for key in keys_of(part)] for part in parsed.elements]
    assert ([shape.frame for shape in parsed.shapes], *written) == expected
    assert {part.frame for part in parsed.elements} == {parsed.frame}


def test_the_first_keyframe_of_a_skeleton_moves_to_the_frame_of_the_track() -> None:
    parsed = normalise_track(skeleton_track(skeleton_key(5), frame=2, elements=[element_track(3, point(5, 1))]))
    assert (parsed.frame, [(shape.frame, shape.outside) for shape in parsed.shapes]) == (2, [(2, False)])
    assert keys_of(parsed.elements[0]) == [(2, 1.0, "out"), (5, 1.0)]


def test_normal_form_stays_as_it_is() -> None:
    parsed = skeleton_track(
        skeleton_key(3), elements=[element_track(3, point(1, 1)), element_track(4, point(6, 2), point(4, 2))]
    )
    once = [keys_of(normalise_track(parsed)), *map(keys_of, parsed.elements)]
    twice = [keys_of(normalise_track(parsed)), *map(keys_of, parsed.elements)]
    assert once == twice


@pytest.mark.parametrize(
    "parsed",
    [
        pytest.param(track(frame=0), id="track"),
        pytest.param(skeleton_track(skeleton_key(0), elements=[element_track(3, frame=0)]), id="element"),
    ],
)
def test_a_track_without_keyframes_is_refused(parsed: Track) -> None:
    with pytest.raises(ValueError, match="at least one keyframe"):
        normalise_track(parsed)
