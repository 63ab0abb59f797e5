"""How the numbers of a shape change between two keyframes, by type.

A motion is a function of the offset t, 0 < t < 1, between the keyframes. Source: CVAT's interpolation, of which the
editor's form is taken for angles.
"""

import math
from collections.abc import Callable, Sequence

from limner_model.annotations import ShapeType, TrackedShape
from limner_model.interpolation.curves import CurveMorph

PointsMotion = Callable[[float], list[float]]

_FULL_TURN_DEGREES = 360.0
_CURVES = frozenset({ShapeType.POLYGON, ShapeType.POLYLINE})
_TURNING = frozenset({ShapeType.RECTANGLE, ShapeType.ELLIPSE})
_ANGLES_3D = range(3, 6)


def points_motion(left: TrackedShape, right: TrackedShape, *, is_3d: bool = False) -> PointsMotion | None:
    """Return how the points move from one keyframe to the next, or None where they stay.

    Args:
        left: The earlier keyframe.
        right: The later keyframe, of the same type.
        is_3d: Cuboids are 3D: centre, Euler angles in radians, size, padding.

    Raises:
        ValueError: The types differ, or the numbers of points differ where they must not.
    """
    if left.type != right.type:
        raise ValueError(f"a track changes from {left.type} to {right.type} at frame {right.frame}")
    if left.type in _CURVES:
        is_closed = left.type == ShapeType.POLYGON
        return CurveMorph(left.points, right.points, is_closed=is_closed).at
    if left.points == right.points or left.type in (ShapeType.MASK, ShapeType.SKELETON):
        return None
    if left.type == ShapeType.POINTS and not len(left.points) == len(right.points) == 2:
        return None
    if len(left.points) != len(right.points):
        raise ValueError(f"the number of points of a {left.type} changes at frame {right.frame}")
    if is_3d and left.type == ShapeType.CUBOID:
        return _cuboid_motion(left.points, right.points)
    return _linear_motion(left.points, right.points)


def rotation_step(left: TrackedShape, right: TrackedShape) -> float:
    """Return the turn in degrees from one keyframe to the next: the shortest arc, clockwise for a half turn."""
    if left.type not in _TURNING:
        return 0.0
    return shortest_turn(left.rotation, right.rotation, _FULL_TURN_DEGREES)


def rotate_by(rotation: float, step: float) -> float:
    """Return a rotation turned by a step, in [0, 360) degrees."""
    return (rotation + step + _FULL_TURN_DEGREES) % _FULL_TURN_DEGREES


def shortest_turn(start: float, end: float, full_turn: float) -> float:
    """Return the signed turn from one angle to another, in (-half turn, half turn]."""
    half = full_turn / 2
    turn = (end - start + half) % full_turn - half
    # Rounding must not decide about the direction of a half turn.
    return turn + full_turn if turn < -half * (1 - 1e-12) else turn


def _linear_motion(left: Sequence[float], right: Sequence[float]) -> PointsMotion:
    if len(left) == 4:
        x0, y0, x1, y1 = left
        dx0, dy0, dx1, dy1 = (after - before for before, after in zip(left, right, strict=True))
        return lambda t: [x0 + dx0 * t, y0 + dy0 * t, x1 + dx1 * t, y1 + dy1 * t]
    moves = [(before, after - before) for before, after in zip(left, right, strict=True)]
    return lambda t: [value + delta * t for value, delta in moves]


def _cuboid_motion(left: Sequence[float], right: Sequence[float]) -> PointsMotion:
    linear = _linear_motion(left, right)
    turns = [
        (index, left[index] % math.tau, shortest_turn(left[index], right[index], math.tau))
        for index in _ANGLES_3D
        if left[index] != right[index]
    ]

    def move(t: float) -> list[float]:
        points = linear(t)
        for index, start, turn in turns:
            angle = start + turn * t
            points[index] = angle - math.tau if angle > math.pi else angle
        return points

    return move
