import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco

from limner_model.rle import (
    CroppedMask,
    InvalidMask,
    clip_mask,
    coco_counts_from_mask,
    coco_rle_from_mask,
    expand_coco_counts,
    mask_from_coco_counts,
    mask_from_coco_string,
    mask_from_points,
    mask_points_error,
    points_from_mask,
    tighten_mask,
)

VECTORS = [
    pytest.param([[0, 0, 0, 1], [0, 0, 0, 0]], 0, 0, [0, 1, 3, 0, 3, 0], id="tightened to the one set pixel"),
    pytest.param([[1, 1], [1, 1]], 5, 7, [0, 4, 5, 7, 6, 8], id="full box begins with a run of zero"),
    pytest.param([[1, 0], [0, 1]], 0, 0, [0, 1, 2, 1, 0, 0, 1, 1], id="diagonal"),
    pytest.param([[1, 1, 0, 0], [0, 0, 0, 1]], 0, 0, [0, 2, 5, 1, 0, 0, 3, 1], id="runs go on from row to row"),
    pytest.param([[0, 1], [1, 0]], 2, 3, [1, 2, 1, 2, 3, 3, 4], id="trailing background is written"),
    pytest.param([[1]], 9, 8, [0, 1, 9, 8, 9, 8], id="one pixel"),
]


@pytest.mark.parametrize(("bitmap", "left", "top", "points"), VECTORS)
def test_bitmap_encodes_to_the_known_points(bitmap: list[list[int]], left: int, top: int, points: list[int]) -> None:
    assert points_from_mask(CroppedMask(np.array(bitmap, dtype=bool), left, top)) == points


@pytest.mark.parametrize(("bitmap", "left", "top", "points"), VECTORS)
def test_known_points_decode_to_the_tight_bitmap(bitmap: list[list[int]], left: int, top: int, points: list[int]) -> None:
    tight = tighten_mask(CroppedMask(np.array(bitmap, dtype=bool), left, top))
    decoded = mask_from_points(points)
    assert tight is not None
    assert decoded.bitmap.tolist() == tight.bitmap.tolist()
    assert (decoded.left, decoded.top) == (tight.left, tight.top)


def test_zero_length_runs_inside_are_allowed() -> None:
    assert mask_from_points([1, 0, 1, 2, 0, 0, 3, 0]).bitmap.tolist() == [[False, False, True, True]]


def test_an_empty_bitmap_has_no_points() -> None:
    assert points_from_mask(CroppedMask(np.zeros((3, 2), dtype=bool), 0, 0)) == []


@pytest.mark.parametrize(
    ("points", "words"),
    [
        pytest.param([1, 2, 3], "at least one run", id="too short"),
        pytest.param([0, 0, 9, 9], "at least one run", id="box only"),
        pytest.param([0, 4, 0, 0, 9, 9], "fill its box", id="too few pixels"),
        pytest.param([0, 101, 0, 0, 9, 9], "fill its box", id="too many pixels"),
        pytest.param([-1, 5, 0, 0, 1, 1], "negative", id="negative run"),
        pytest.param([0, 4, -1, 0, 0, 1], "negative", id="negative box"),
        pytest.param([0, 2.5, 1.5, 0, 0, 1, 1], "whole numbers", id="fraction"),
        pytest.param([0, 4, 6, 8, 5, 7], "left, top, right, bottom", id="reversed box"),
        pytest.param([0, float("nan"), 0, 0, 1, 1], "whole numbers", id="not a number"),
        pytest.param([0, float("inf"), 0, 0, 1, 1], "whole numbers", id="infinite"),
        pytest.param([0, 2.0**62, 0, 0, 2.0**31 - 1, 2.0**31 - 1], "whole numbers", id="far too large"),
    ],
)
def test_wrong_points_are_refused(points: list[float], words: str) -> None:
    problem = mask_points_error(points)
    assert problem is not None
    assert words in problem
    with pytest.raises(InvalidMask, match=words):
        mask_from_points(points)


def test_a_mask_without_set_pixels_is_a_valid_code() -> None:
    assert mask_points_error([100, 0, 0, 9, 9]) is None


def test_clipping_keeps_what_is_inside_the_image() -> None:
    clipped = clip_mask(CroppedMask(np.ones((4, 4), dtype=bool), -2, 3), width=10, height=5)
    assert clipped is not None
    assert (clipped.bitmap.shape, clipped.left, clipped.top) == ((2, 2), 0, 3)


def test_clipping_a_mask_outside_the_image_leaves_nothing() -> None:
    assert clip_mask(CroppedMask(np.ones((2, 2), dtype=bool), 10, 0), width=10, height=5) is None


def test_a_run_over_the_bottom_of_a_column_is_one_run_in_coco() -> None:
    mask = CroppedMask(np.array([[0, 1], [1, 0]], dtype=bool), 0, 0)
    assert coco_counts_from_mask(mask, width=2, height=2) == [1, 2, 1]


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param([3, 2], id="does not fill the image"),
        pytest.param([7, -3], id="negative"),
        pytest.param([], id="empty"),
        pytest.param([2**70], id="enormous"),
    ],
)
def test_wrong_coco_counts_are_refused(counts: list[int]) -> None:
    with pytest.raises(InvalidMask):
        mask_from_coco_counts(counts, width=2, height=2)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("PPPPo", id="cut off"),
        pytest.param("!!", id="outside the code"),
        pytest.param("é", id="not ASCII"),
        pytest.param("oooooooooooo0", id="number too large"),
        pytest.param("00", id="does not fill the image"),
    ],
)
def test_a_damaged_coco_string_is_refused(text: str) -> None:
    with pytest.raises(InvalidMask):
        mask_from_coco_string(text, width=7, height=5)


@st.composite
def masks_in_images(draw: st.DrawFn) -> tuple[CroppedMask, int, int]:
    """A mask that lies inside an image, with the size of the image."""
    bitmap = draw(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
    left, top, right, bottom = draw(st.tuples(*[st.integers(0, 4)] * 4))
    height, width = bitmap.shape
    return CroppedMask(bitmap, left, top), left + width + right, top + height + bottom


@given(masks_in_images())
def test_points_round_trip_through_the_bitmap(case: tuple[CroppedMask, int, int]) -> None:
    mask, _, _ = case
    points = points_from_mask(mask)
    assert (mask_from_points(points) if points else None) is None or points_from_mask(mask_from_points(points)) == points


@given(masks_in_images())
def test_coco_string_is_that_of_pycocotools_over_the_whole_image(case: tuple[CroppedMask, int, int]) -> None:
    mask, width, height = case
    image = np.zeros((height, width), dtype=np.uint8, order="F")
    rows, columns = mask.bitmap.shape
    image[mask.top : mask.top + rows, mask.left : mask.left + columns] = mask.bitmap
    expected = coco.encode(image)
    assert coco_rle_from_mask(mask, width=width, height=height) == {
        "counts": expected["counts"].decode(),
        "size": [height, width],
    }


@given(masks_in_images())
def test_coco_forms_round_trip(case: tuple[CroppedMask, int, int]) -> None:
    mask, width, height = case
    points = points_from_mask(mask)
    counts = coco_counts_from_mask(mask, width=width, height=height)
    string = coco_rle_from_mask(mask, width=width, height=height)["counts"]
    assert expand_coco_counts(string) == counts
    for back in (
        mask_from_coco_counts(counts, width=width, height=height),
        mask_from_coco_string(string, width=width, height=height),
    ):
        assert (points_from_mask(back) if back else []) == points


def test_coco_counts_with_empty_runs_are_read() -> None:
    read = mask_from_coco_counts([0, 1, 0, 1, 2], width=2, height=2)
    assert read is not None
    assert read.bitmap.tolist() == [[True], [True]]
