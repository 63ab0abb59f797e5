import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pycocotools import mask as coco

from limner_model.annotations import Shape, ShapeType
from limner_model.conversions import (
    approximate_outlines,
    bounding_box,
    ellipse_polygon,
    mask_from_ellipse,
    mask_from_polygons,
    outlines_from_mask,
    rotated_box_polygon,
    shape_area,
    shape_mask,
    shape_polygon,
    shapes_from_track,
    track_from_shape,
    unite_masks,
)
from limner_model.frames import FrameShape
from limner_model.rle import CroppedMask, tighten_mask
from tests.unit.model.builders import (
    box,
    boxes_track,
    element,
    keys_of,
    rectangle,
    skeleton,
    values,
    values_of,
)


def whole(mask: CroppedMask | None, width: int, height: int) -> NDArray[np.bool_]:
    """Put a cropped mask into its image."""
    image = np.zeros((height, width), dtype=np.bool_)
    if mask is not None:
        rows, columns = mask.bitmap.shape
        image[mask.top : mask.top + rows, mask.left : mask.left + columns] = mask.bitmap
    return image


def bitmap_of(*rows: str) -> CroppedMask:
    return CroppedMask(np.array([[char == "#" for char in row] for row in rows], dtype=np.bool_), 0, 0)


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        pytest.param(0, [0, 0, 4, 0, 4, 2, 0, 2], id="not turned"),
        pytest.param(90, [3, -1, 3, 3, 1, 3, 1, -1], id="top left goes to the top right"),
        pytest.param(180, [4, 2, 0, 2, 0, 0, 4, 0], id="upside down"),
    ],
)
def test_corners_of_a_turned_box(rotation: float, expected: list[float]) -> None:
    assert rotated_box_polygon([0, 0, 4, 2], rotation) == pytest.approx(expected)


def test_an_ellipse_polygon_begins_at_the_right_and_goes_clockwise() -> None:
    assert ellipse_polygon([10, 10, 14, 8], vertices=4) == pytest.approx([14, 10, 10, 12, 6, 10, 10, 8])
    assert ellipse_polygon([10, 10, 14, 8], 90, vertices=4) == pytest.approx([10, 14, 8, 10, 10, 6, 12, 10])


def test_types_without_area_have_no_polygon_and_no_mask() -> None:
    with pytest.raises(ValueError, match="polyline"):
        shape_polygon(ShapeType.POLYLINE, [0, 0, 1, 1])
    with pytest.raises(ValueError, match="points"):
        shape_mask(ShapeType.POINTS, [0, 0], width=5, height=5)


@pytest.mark.parametrize(
    ("kind", "points", "rotation", "expected"),
    [
        pytest.param("rectangle", [1, 2, 5, 4], 0, (1, 2, 5, 4), id="box"),
        pytest.param("rectangle", [5, 4, 1, 2], 0, (1, 2, 5, 4), id="reversed box"),
        pytest.param("rectangle", [0, 0, 4, 2], 90, (1, -1, 3, 3), id="turned box"),
        pytest.param("ellipse", [10, 10, 14, 8], 0, (6, 8, 14, 12), id="ellipse"),
        pytest.param("ellipse", [10, 10, 14, 8], 90, (8, 6, 12, 14), id="turned ellipse"),
        pytest.param(
            "ellipse",
            [0, 0, 3, -4],
            45,
            (-math.sqrt(12.5), -math.sqrt(12.5), math.sqrt(12.5), math.sqrt(12.5)),
            id="slanting ellipse",
        ),
        pytest.param("polygon", [3, 1, 0, 5, -2, 2], 0, (-2, 1, 3, 5), id="polygon"),
        pytest.param("points", [3, 1], 0, (3, 1, 3, 1), id="point"),
        pytest.param("mask", [0, 4, 5, 7, 6, 8], 0, (5, 7, 7, 9), id="mask covers its last pixel"),
        pytest.param("cuboid", [1, 1, 1, 5, 4, 1, 4, 5, 6, 0, 6, 4, 3, 0, 3, 4], 0, (1, 0, 6, 5), id="cuboid"),
    ],
)
def test_bounding_box(kind: str, points: list[float], rotation: float, expected: tuple[float, ...]) -> None:
    found = bounding_box(FrameShape(type=ShapeType(kind), label_id=1, points=points, rotation=rotation))
    assert found == pytest.approx(expected)


def test_bounding_box_of_a_skeleton_is_that_of_its_present_points() -> None:
    parts = [element(3, 1, 2), element(4, 5, 9), element(8, 50, 90, outside=True)]
    assert bounding_box(skeleton(0, parts), parts) == (1, 2, 5, 9)
    assert bounding_box(skeleton(0, []), parts[2:]) is None


@pytest.mark.parametrize(
    ("kind", "points", "area"),
    [
        pytest.param("rectangle", [1, 2, 5, 4], 8, id="box"),
        pytest.param("rectangle", [5, 4, 1, 2], 8, id="reversed box"),
        pytest.param("ellipse", [10, 10, 14, 8], 8 * math.pi, id="ellipse"),
        pytest.param("polygon", [0, 0, 4, 0, 4, 4], 8, id="polygon"),
        pytest.param("polygon", [4, 4, 4, 0, 0, 0], 8, id="polygon the other way round"),
        pytest.param("mask", [1, 2, 1, 0, 0, 1, 1], 2, id="mask"),
        pytest.param("polyline", [0, 0, 4, 0, 4, 4], 0, id="polyline"),
        pytest.param("points", [0, 0], 0, id="point"),
        pytest.param("skeleton", [], 0, id="skeleton"),
        pytest.param("cuboid", [1, 1, 1, 5, 4, 1, 4, 5, 6, 0, 6, 4, 3, 0, 3, 4], 25, id="cuboid"),
    ],
)
def test_area(kind: str, points: list[float], area: float) -> None:
    assert shape_area(ShapeType(kind), points) == pytest.approx(area)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        pytest.param(bitmap_of("##", "##"), [[0, 0, 2, 0, 2, 2, 0, 2]], id="square"),
        pytest.param(bitmap_of("#.", ".#"), [[0, 0, 1, 0, 1, 1, 0, 1], [1, 1, 2, 1, 2, 2, 1, 2]], id="touching corners"),
        pytest.param(bitmap_of("..", ".."), [], id="nothing"),
        pytest.param(bitmap_of("#.#"), [[0, 0, 1, 0, 1, 1, 0, 1], [2, 0, 3, 0, 3, 1, 2, 1]], id="two parts"),
        pytest.param(bitmap_of("##", "#."), [[0, 0, 2, 0, 2, 1, 1, 1, 1, 2, 0, 2]], id="corner"),
    ],
)
def test_outlines_run_along_pixel_edges(mask: CroppedMask, expected: list[list[float]]) -> None:
    assert outlines_from_mask(mask) == expected


def test_a_hole_is_joined_to_its_ring_by_a_bridge() -> None:
    (outline,) = outlines_from_mask(bitmap_of("###", "#.#", "###"))
    assert shape_area(ShapeType.POLYGON, outline) == 8
    assert (2.0, 2.0) in zip(outline[::2], outline[1::2], strict=True)


bitmaps = arrays(np.bool_, st.tuples(st.integers(1, 10), st.integers(1, 10)))


@given(bitmaps, st.integers(0, 3), st.integers(0, 3), st.integers(0, 2))
def test_outlines_rasterise_back_exactly(bitmap: NDArray[np.bool_], left: int, top: int, margin: int) -> None:
    mask = CroppedMask(bitmap, left, top)
    height, width = bitmap.shape[0] + top + margin, bitmap.shape[1] + left + margin
    back = mask_from_polygons(outlines_from_mask(mask), width=width, height=height)
    assert (whole(back, width, height) == whole(mask, width, height)).all()


@given(bitmaps)
def test_the_area_of_outlines_is_the_number_of_pixels(bitmap: NDArray[np.bool_]) -> None:
    outlines = outlines_from_mask(CroppedMask(bitmap, 0, 0))
    assert sum(shape_area(ShapeType.POLYGON, outline) for outline in outlines) == bitmap.sum()


numbers = st.integers(-150, 450).map(lambda value: value / 10)
polygons = st.lists(st.tuples(numbers, numbers), min_size=3, max_size=8).map(lambda ps: [v for p in ps for v in p])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@given(st.lists(polygons, min_size=1, max_size=3), st.integers(1, 40), st.integers(1, 40))
def test_polygons_cover_what_they_cover_in_the_whole_image(drawn: list[list[float]], width: int, height: int) -> None:
    expected = coco.decode(coco.merge(coco.frPyObjects(drawn, height, width))).astype(bool)
    assert (whole(mask_from_polygons(drawn, width=width, height=height), width, height) == expected).all()


@given(numbers, numbers, st.integers(0, 200), st.integers(0, 200), st.integers(0, 359), st.integers(1, 40))
def test_ellipses_cover_what_they_cover_in_the_whole_image(
    cx: float, cy: float, radius_x: int, radius_y: int, rotation: int, size: int
) -> None:
    points = [cx, cy, cx + radius_x / 10, cy - radius_y / 10]
    radii = (round(points[2] - cx), round(cy - points[3]))
    image = np.zeros((size, size), dtype=np.uint8)
    cv2.ellipse(image, (round(cx), round(cy)), radii, rotation, 0, 360, 1, thickness=-1)
    assert (whole(mask_from_ellipse(points, rotation, width=size, height=size), size, size) == (image > 0)).all()


def test_polygons_of_fewer_than_three_points_cover_nothing() -> None:
    assert mask_from_polygons([[1, 1, 5, 5], []], width=9, height=9) is None


def test_a_mask_is_cut_at_the_image() -> None:
    cut = shape_mask(ShapeType.MASK, [0, 4, 5, 7, 6, 8], width=6, height=8)
    assert cut is not None
    assert (cut.bitmap.tolist(), cut.left, cut.top) == ([[True]], 5, 7)


def test_a_box_covers_its_pixels() -> None:
    drawn = shape_mask(ShapeType.RECTANGLE, [2, 1, 5, 3], width=9, height=9)
    assert drawn is not None
    assert (drawn.bitmap.shape, bool(drawn.bitmap.all()), drawn.left, drawn.top) == ((2, 3), True, 2, 1)


def test_united_masks_cover_what_either_covers() -> None:
    union = unite_masks([CroppedMask(np.ones((1, 2), dtype=bool), 4, 3), CroppedMask(np.ones((2, 1), dtype=bool), 3, 3)])
    assert union is not None
    assert (union.bitmap.tolist(), union.left, union.top) == ([[True, True, True], [True, False, False]], 3, 3)
    assert unite_masks([]) is None


def test_approximate_outlines_are_those_of_the_reference() -> None:
    # The outline that the reference made of this ellipse of the recorded objects when it imported masks as polygons.
    mask = mask_from_ellipse([76.8, 102.4, 86.4, 89.6], width=200, height=200)
    assert mask is not None
    (outline,) = approximate_outlines(mask)
    left_half = [75, 89, 73, 90, 71, 91, 70, 92, 69, 94, 67, 98, 67, 106, 69, 110, 70, 112, 71, 113, 73, 114, 75, 115]
    right_half = [79, 115, 81, 114, 83, 113, 84, 112, 85, 110, 87, 106, 87, 98, 85, 94, 84, 92, 83, 91, 81, 90, 79, 89]
    assert outline == [*left_half, *right_half, 75, 89]


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        pytest.param(["#####", "#####", "#####"], 1, id="box"),
        pytest.param(["#..", "...", "..."], 0, id="a pixel is too small"),
        pytest.param(["###", "...", "..."], 0, id="a line has no area"),
        pytest.param(["###.....", "###.....", "###..###", ".....###", ".....###"], 2, id="two parts"),
    ],
)
def test_small_parts_are_left_out_of_approximate_outlines(rows: list[str], count: int) -> None:
    assert len(approximate_outlines(bitmap_of(*rows))) == count


def test_an_approximate_outline_goes_around_its_hole() -> None:
    bitmap = np.ones((20, 20), dtype=np.bool_)
    bitmap[6:14, 6:14] = False
    (outline,) = approximate_outlines(CroppedMask(bitmap, 10, 0))
    inner = [pair for pair in zip(outline[::2], outline[1::2], strict=True) if 12 < pair[0] < 27 and 2 < pair[1] < 17]
    assert len(inner) >= 4


def test_a_shape_becomes_a_track_of_one_frame() -> None:
    made = track_from_shape(
        rectangle(3, 2.0, id=7, group=4, attributes=values({5: "red", 6: "acme"})), stop_frame=9, mutable_ids={5}
    )
    assert (keys_of(made), made.group, made.id) == ([(3, 2.0), (4, 2.0, "out")], 4, None)
    assert values_of(made.attributes) == {6: "acme"}
    assert values_of(made.shapes[0].attributes) == {5: "red"}


def test_a_shape_on_the_last_frame_needs_no_end() -> None:
    assert keys_of(track_from_shape(rectangle(9, 2.0), stop_frame=9)) == [(9, 2.0)]


def test_a_skeleton_becomes_a_track_with_elements() -> None:
    made = track_from_shape(skeleton(3, [element(3, 1, 2), element(4, 5, 6, outside=True)]), stop_frame=9)
    assert [keys_of(part) for part in made.elements] == [[(3, 1.0), (4, 1.0, "out")], [(3, 5.0, "out"), (4, 5.0, "out")]]


def test_a_mask_does_not_become_a_track() -> None:
    with pytest.raises(ValueError, match="masks cannot be tracked"):
        track_from_shape(Shape(type=ShapeType.MASK, frame=0, label_id=1, points=[0, 1, 0, 0, 0, 0]), stop_frame=9)


def test_a_track_becomes_a_shape_per_visible_frame() -> None:
    made = list(shapes_from_track(boxes_track((0, 0.0), (2, 2.0, True), (4, 4.0)), end_frame=6, skip_frames={5}))
    assert [(shape.frame, shape.points, shape.id) for shape in made] == [
        (0, box(0), None),
        (1, box(1), None),
        (4, box(4), None),
    ]


def test_shapes_made_tracks_and_back_are_the_same() -> None:
    shapes = [rectangle(3, 2.0, rotation=30, z_order=4, occluded=True), skeleton(4, [element(3, 1, 2, frame=4)])]
    for shape in shapes:
        assert list(shapes_from_track(track_from_shape(shape, stop_frame=9), end_frame=10)) == [shape]


def test_tightening_keeps_the_place_of_pixels() -> None:
    tight = tighten_mask(CroppedMask(bitmap_of("....", "..#.").bitmap, 3, 4))
    assert tight is not None
    assert (tight.left, tight.top, tight.bitmap.tolist()) == (5, 5, [[True]])
