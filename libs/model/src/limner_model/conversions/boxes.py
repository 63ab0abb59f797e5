"""Axis-aligned boxes and areas of shapes, in pixels; pixel i of a mask covers i to i + 1."""

import math
from collections.abc import Sequence
from typing import Protocol

from limner_model.annotations import ShapeType
from limner_model.conversions.polygons import rotated_box_polygon

BoxXYXY = tuple[float, float, float, float]
"""Left, top, right, bottom in image pixels."""


class Positioned(Protocol):
    """What every shape, tracked shape and element has."""

    type: ShapeType
    points: list[float]
    rotation: float


class PositionedElement(Positioned, Protocol):
    """An element of a skeleton."""

    outside: bool


def bounding_box(shape: Positioned, elements: Sequence[PositionedElement] = ()) -> BoxXYXY | None:
    """Return the tight box of a 2D shape with its rotation; not limited to the image.

    Args:
        shape: The shape.
        elements: Of a skeleton, its elements; those outside do not count.

    Returns:
        The box, or None for a skeleton without present elements.
    """
    points = shape.points
    if shape.type == ShapeType.SKELETON:
        points = [value for element in elements if not element.outside for value in element.points]
        if not points:
            return None
    elif shape.type == ShapeType.MASK:
        left, top, right, bottom = points[-4:]
        return left, top, right + 1, bottom + 1
    elif shape.type == ShapeType.ELLIPSE:
        return _ellipse_box(points, shape.rotation)
    elif shape.type == ShapeType.RECTANGLE:
        points = rotated_box_polygon(points, shape.rotation)
    return min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])


def shape_area(shape_type: ShapeType, points: Sequence[float]) -> float:
    """Return the area of a 2D shape in square pixels; 0 for types that have none.

    Rotation does not matter. A cuboid's is that of its box.
    """
    if shape_type == ShapeType.RECTANGLE:
        return abs((points[2] - points[0]) * (points[3] - points[1]))
    if shape_type == ShapeType.ELLIPSE:
        return abs(math.pi * (points[2] - points[0]) * (points[1] - points[3]))
    if shape_type == ShapeType.POLYGON:
        return _polygon_area(points)
    if shape_type == ShapeType.MASK:
        return float(sum(points[1:-4:2]))
    if shape_type == ShapeType.CUBOID:
        return (max(points[::2]) - min(points[::2])) * (max(points[1::2]) - min(points[1::2]))
    return 0.0


def _ellipse_box(points: Sequence[float], rotation: float) -> BoxXYXY:
    cx, cy, right, top = points
    sine, cosine = math.sin(math.radians(rotation)), math.cos(math.radians(rotation))
    half_width = math.hypot((right - cx) * cosine, (cy - top) * sine)
    half_height = math.hypot((right - cx) * sine, (cy - top) * cosine)
    return cx - half_width, cy - half_height, cx + half_width, cy + half_height


def _polygon_area(points: Sequence[float]) -> float:
    xs, ys = points[::2], points[1::2]
    return abs(sum(xs[index - 1] * ys[index] - xs[index] * ys[index - 1] for index in range(len(xs)))) / 2
