import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner_model.numbering import FrameNumbering, number_frames, parse_frame_step


@pytest.mark.parametrize(("text", "step"), [("", 1), ("  ", 1), ("step=3", 3), ("step = 10", 10), ("step=1", 1)])
def test_frame_filter_gives_the_step(text: str, step: int) -> None:
    assert parse_frame_step(text) == step


@pytest.mark.parametrize("text", ["step=0", "every 3", "step=", "step=-2"])
def test_other_filters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="step=N"):
        parse_frame_step(text)


@pytest.mark.parametrize(
    ("media", "start", "stop", "step", "size", "last"),
    [
        pytest.param(60, 0, None, 1, 60, 59, id="everything"),
        pytest.param(60, 5, 52, 3, 16, 50, id="start, stop and step"),
        pytest.param(10, 0, 99, 1, 10, 9, id="stop beyond the media"),
        pytest.param(10, 9, None, 5, 1, 9, id="last frame only"),
        pytest.param(10, 20, None, 1, 0, 19, id="start beyond the media"),
    ],
)
def test_frames_of_a_task(media: int, start: int, stop: int | None, step: int, size: int, last: int) -> None:
    numbering = number_frames(media, start_frame=start, stop_frame=stop, step=step)
    assert (numbering.size, numbering.stop_frame) == (size, last)


@pytest.mark.parametrize(("source", "frame"), [(5, 0), (8, 1), (6, None), (2, None), (50, 15), (53, None)])
def test_source_frames_have_a_number_only_where_the_task_has_them(source: int, frame: int | None) -> None:
    assert FrameNumbering(size=16, start_frame=5, step=3).relative(source) == frame


@given(st.integers(1, 50), st.integers(0, 50), st.integers(1, 7))
def test_relative_undoes_absolute(size: int, start: int, step: int) -> None:
    numbering = FrameNumbering(size=size, start_frame=start, step=step)
    assert [numbering.relative(numbering.absolute(frame)) for frame in range(size)] == list(range(size))
