"""Polygons of boxes and ellipses; ``x, y`` pairs in pixels, clockwise on screen, the first point not repeated."""

import math
from collections.abc import Sequence

from limner_model.annotations import ShapeType

ELLIPSE_VERTICES = 64


def rotated_box_polygon(points: Sequence[float], rotation: float = 0.0) -> list[float]:
    """Return the corners of a box turned about its centre.

    Args:
        points: ``x0, y0, x1, y1`` of the box before rotation.
        rotation: Degrees, clockwise on screen.

    Returns:
        Eight numbers: the corners that were top-left, top-right, bottom-right and bottom-left.
    """
    x0, y0, x1, y1 = points
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    if rotation:
        corners = _turned(corners, ((x0 + x1) / 2, (y0 + y1) / 2), rotation)
    return [value for corner in corners for value in corner]


def ellipse_polygon(points: Sequence[float], rotation: float = 0.0, *, vertices: int = ELLIPSE_VERTICES) -> list[float]:
    """Return a polygon inscribed in an ellipse.

    Args:
        points: ``cx, cy, right_x, top_y`` before rotation.
        rotation: Degrees about the centre, clockwise on screen.
        vertices: Number of points, >= 3, spaced evenly in the parameter angle from the right-most point on.
    """
    cx, cy, right, top = points
    radius_x, radius_y = right - cx, cy - top
    angles = [math.tau * index / vertices for index in range(vertices)]
    around = [(cx + radius_x * math.cos(angle), cy + radius_y * math.sin(angle)) for angle in angles]
    return [value for point in _turned(around, (cx, cy), rotation) for value in point]


def shape_polygon(shape_type: ShapeType, points: Sequence[float], rotation: float = 0.0) -> list[float]:
    """Return the polygon of a shape that is an area without a bitmap.

    Raises:
        ValueError: The type is not rectangle, ellipse or polygon.
    """
    if shape_type == ShapeType.RECTANGLE:
        return rotated_box_polygon(points, rotation)
    if shape_type == ShapeType.ELLIPSE:
        return ellipse_polygon(points, rotation)
    if shape_type == ShapeType.POLYGON:
        return list(points)
    raise ValueError(f"a {shape_type} has no polygon")


def _turned(points: list[tuple[float, float]], center: tuple[float, float], degrees: float) -> list[tuple[float, float]]:
    cx, cy = center
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return [(cx + (x - cx) * cosine - (y - cy) * sine, cy + (x - cx) * sine + (y - cy) * cosine) for x, y in points]
