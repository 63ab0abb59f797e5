"""How alike the objects of overlapping jobs are, from 0 (nothing in common) to 1 (the same).

Only pairs that have something in common are listed, which keeps crowded frames cheap. Source: the CVAT server's merge of
job annotations.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from limner_model.annotations import Shape, ShapeType, Track, TrackedShape
from limner_model.interpolation import interpolate_keyframes

Similarities = dict[tuple[int, int], float]
"""Similarity > 0 by (index of the first, index of the second)."""

_Boxes = NDArray[np.float64]
_Points = Sequence[Sequence[float]]

_BLOCK_ROWS = 256
"""Rows compared at once with all columns; bounds the memory of a comparison."""


def shape_similarities(first: Sequence[Shape], second: Sequence[Shape], *, is_3d: bool = False) -> Similarities:
    """Compare the shapes of one frame; shapes of different labels or types have nothing in common."""
    found: Similarities = {}
    mine, theirs = _by_kind(first), _by_kind(second)
    for kind, rows in mine.items():
        columns = theirs.get(kind, [])
        points, other_points = [first[row].points for row in rows], [second[column].points for column in columns]
        for row, column, value in geometry_similarities(kind[1], points, other_points, is_3d=is_3d):
            found[rows[row], columns[column]] = value
    return found


def track_similarities(
    first: Sequence[Track], second: Sequence[Track], start: int, end: int, *, is_3d: bool = False
) -> Similarities:
    """Compare tracks on the frames ``start`` to ``end - 1``, where two jobs overlap.

    The similarity is the mean of that of the shapes, over the frames where either track has one; shapes of which one is
    outside, and tracks of different labels, have nothing in common.

    Raises:
        InvalidTrack: Keyframes of a track do not fit together.
    """
    mine, theirs = _Window(first, start, end, is_3d=is_3d), _Window(second, start, end, is_3d=is_3d)
    totals: defaultdict[tuple[int, int], float] = defaultdict(float)
    for kind, rows in mine.shapes.items():
        columns = theirs.shapes.get(kind, [])
        points, other_points = [shape.points for _, shape in rows], [shape.points for _, shape in columns]
        for row, column, value in geometry_similarities(kind[2], points, other_points, is_3d=is_3d):
            totals[rows[row][0], columns[column][0]] += value
    return {
        (row, column): total / (mine.frames[row] | theirs.frames[column]).bit_count()
        for (row, column), total in totals.items()
    }


def geometry_similarities(
    shape_type: ShapeType, first: _Points, second: _Points, *, is_3d: bool = False
) -> Iterator[tuple[int, int, float]]:
    """Yield the intersections over union, where above 0, of shapes of one type as (first, second, value).

    Rotation is ignored. Of 3D cuboids the products of the top and the side views are taken. Ellipses, polylines, points,
    masks, 2D cuboids and skeletons are never alike.
    """
    if not first or not second:
        return
    if shape_type == ShapeType.RECTANGLE:
        yield from _positive(_corner_boxes(first), _corner_boxes(second))
    elif shape_type == ShapeType.POLYGON:
        yield from _alike_polygons(first, second)
    elif shape_type == ShapeType.CUBOID and is_3d:
        sides = {(row, column): value for row, column, value in _positive(_views(first, 2), _views(second, 2))}
        for row, column, value in _positive(_views(first, 1), _views(second, 1)):
            if (row, column) in sides:
                yield row, column, value * sides[row, column]


class _Window:
    """The shapes of tracks on some frames, by (frame, label, type, outside), and their frames as bits of a number."""

    def __init__(self, tracks: Sequence[Track], start: int, end: int, *, is_3d: bool) -> None:
        self.shapes: defaultdict[tuple[int, int, ShapeType, bool], list[tuple[int, TrackedShape]]] = defaultdict(list)
        self.frames = [0] * len(tracks)
        for index, track in enumerate(tracks):
            for shape, _ in interpolate_keyframes(track.shapes, start_frame=start, end_frame=end, is_3d=is_3d):
                self.shapes[shape.frame, track.label_id, shape.type, shape.outside].append((index, shape))
                self.frames[index] |= 1 << (shape.frame - start)


def _by_kind(shapes: Sequence[Shape]) -> dict[tuple[int, ShapeType], list[int]]:
    found: defaultdict[tuple[int, ShapeType], list[int]] = defaultdict(list)
    for index, shape in enumerate(shapes):
        found[shape.label_id, shape.type].append(index)
    return found


def _corner_boxes(points: _Points) -> _Boxes:
    """Return boxes as rows ``x0, y0, x1, y1``; the corners may be stored in any order."""
    corners = np.array(points, dtype=np.float64).reshape(-1, 2, 2)
    return np.concatenate((corners.min(axis=1), corners.max(axis=1)), axis=1)


def _views(points: _Points, axis: int) -> _Boxes:
    """Return the rectangles of 3D cuboids over x and another axis (1 for y, 2 for z)."""
    values = np.array(points, dtype=np.float64)
    center, half = values[:, [0, axis]], values[:, [6, 6 + axis]] / 2
    return np.concatenate((center - half, center + half), axis=1)


def _positive(first: _Boxes, second: _Boxes) -> Iterator[tuple[int, int, float]]:
    """Yield the intersections over union of boxes where above 0; boxes without area have none."""
    areas, other_areas = _areas(first), _areas(second)
    for top in range(0, len(first), _BLOCK_ROWS):
        block = slice(top, top + _BLOCK_ROWS)
        shared = _overlaps(first[block], second)
        rows, columns = np.nonzero(shared)
        common = shared[rows, columns]
        values = common / (areas[block][rows] + other_areas[columns] - common)
        yield from zip((rows + top).tolist(), columns.tolist(), values.tolist(), strict=True)


def _areas(boxes: _Boxes) -> _Boxes:
    sides = boxes[:, 2:] - boxes[:, :2]
    return sides[:, 0] * sides[:, 1]


def _overlaps(first: _Boxes, second: _Boxes) -> _Boxes:
    """Return the areas that boxes (rows) share with boxes (columns)."""
    width = np.minimum(first[:, None, 2], second[None, :, 2]) - np.maximum(first[:, None, 0], second[None, :, 0])
    height = np.minimum(first[:, None, 3], second[None, :, 3]) - np.maximum(first[:, None, 1], second[None, :, 1])
    shared: _Boxes = np.clip(width, 0, None) * np.clip(height, 0, None)
    return shared


def _alike_polygons(first: _Points, second: _Points) -> Iterator[tuple[int, int, float]]:
    # Imported here because only overlapping jobs with polygons need it.
    from shapely.geometry import Polygon

    shapes = [Polygon(list(zip(points[::2], points[1::2], strict=True))) for points in first]
    others = [Polygon(list(zip(points[::2], points[1::2], strict=True))) for points in second]
    # A polygon that crosses itself or has no area is like nothing, as in the reference.
    usable = [shape.is_valid and shape.area > 0 for shape in shapes]
    other_usable = [shape.is_valid and shape.area > 0 for shape in others]
    for row, column, _ in _positive(_hulls(first), _hulls(second)):
        if usable[row] and other_usable[column]:
            shared = float(shapes[row].intersection(others[column]).area)
            if shared > 0:
                yield row, column, shared / (float(shapes[row].area) + float(others[column].area) - shared)


def _hulls(points: _Points) -> _Boxes:
    return np.array(
        [(min(each[::2]), min(each[1::2]), max(each[::2]), max(each[1::2])) for each in points], dtype=np.float64
    )
