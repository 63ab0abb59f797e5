import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner_model.segments import plan_mapped_segments, plan_segments


@pytest.mark.parametrize(
    ("size", "asked", "overlap", "video", "expected"),
    [
        pytest.param(8, 4, 1, False, (4, 1, [(0, 3), (3, 6), (6, 7)]), id="images with overlap"),
        pytest.param(60, 25, 5, True, (25, 5, [(0, 24), (20, 44), (40, 59)]), id="video with overlap"),
        pytest.param(60, 20, 0, True, (20, 0, [(0, 19), (20, 39), (40, 59)]), id="video without overlap"),
        pytest.param(60, 25, None, True, (25, 5, [(0, 24), (20, 44), (40, 59)]), id="default overlap of video"),
        pytest.param(60, 25, None, False, (25, 0, [(0, 24), (25, 49), (50, 59)]), id="default overlap of images"),
        pytest.param(10, 0, None, False, (10, 0, [(0, 9)]), id="zero is one segment"),
        pytest.param(10, 99, None, True, (10, 5, [(0, 9)]), id="larger than the task"),
        pytest.param(10, 4, 9, False, (4, 2, [(0, 3), (2, 5), (4, 7), (6, 9)]), id="overlap at most half"),
        pytest.param(1, 0, None, True, (1, 0, [(0, 0)]), id="one frame"),
    ],
)
def test_segments(size: int, asked: int, overlap: int | None, video: bool, expected: object) -> None:
    plan = plan_segments(size, segment_size=asked, overlap=overlap, is_video=video)
    assert plan == expected


@given(st.integers(1, 200), st.integers(0, 60), st.none() | st.integers(0, 60), st.booleans())
def test_segments_cover_the_task_in_order(size: int, asked: int, overlap: int | None, video: bool) -> None:
    plan = plan_segments(size, segment_size=asked, overlap=overlap, is_video=video)
    assert plan.segments[0].start == 0
    assert plan.segments[-1].stop == size - 1
    for before, after in zip(plan.segments, plan.segments[1:], strict=False):
        assert after.start == before.stop + 1 - plan.overlap


def test_a_file_mapping_gives_one_segment_per_list() -> None:
    assert plan_mapped_segments([2, 3, 1]) == (0, 0, [(0, 1), (2, 4), (5, 5)])


@pytest.mark.parametrize("counts", [[], [2, 0]])
def test_a_file_mapping_without_files_is_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="at least one file"):
        plan_mapped_segments(counts)


@pytest.mark.parametrize(("size", "asked", "overlap"), [(0, 1, 0), (5, -1, 0), (5, 1, -1)])
def test_impossible_sizes_are_refused(size: int, asked: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="cannot cut"):
        plan_segments(size, segment_size=asked, overlap=overlap)
