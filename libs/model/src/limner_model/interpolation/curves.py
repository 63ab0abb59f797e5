"""Interpolation between two polygons or two polylines with any numbers of points.

Points of both curves are matched by their relative position along the curve, every matched pair moves on a straight
line, and pile-ups (many points that become one, or one that becomes many) are thinned by the mean step of the curve.
The matching does not depend on time and is done once per pair of curves. Source: CVAT's polyshape interpolation.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

_Point = tuple[float, float]


class CurveMorph:
    """The motion from one curve to another."""

    def __init__(self, left: Sequence[float], right: Sequence[float], *, is_closed: bool) -> None:
        """Match the points of two curves; O((n + m) log(n + m)).

        Args:
            left: ``x, y`` pairs of the earlier curve in pixels, at least one pair.
            right: ``x, y`` pairs of the later curve.
            is_closed: The curves are polygons; the first point is not repeated.
        """
        self._is_closed = is_closed
        start, end = _pairs(left, is_closed), _pairs(right, is_closed)
        matches = _match(start, end)
        self._moves = [(x, y, end[j][0] - x, end[j][1] - y) for (x, y), row in zip(start, matches, strict=True) for j in row]
        self._steps = _thinning_steps(start, end, matches)

    def at(self, offset: float) -> list[float]:
        """Return the ``x, y`` pairs at an offset from 0 (the left curve) to 1 (the right curve)."""
        raw = [(x + dx * offset, y + dy * offset) for x, y, dx, dy in self._moves]
        out: list[_Point] = []
        for first, last, threshold in self._steps:
            if first == last:
                out.append(raw[first])
            else:
                out.extend(_thin(raw, first, last, threshold))
        if self._is_closed:
            out.pop()
        return [value for point in out for value in point]


def _pairs(points: Sequence[float], is_closed: bool) -> list[_Point]:
    pairs = list(zip(points[::2], points[1::2], strict=True))
    return [*pairs, pairs[0]] if is_closed else pairs


def _positions(curve: list[_Point]) -> list[float]:
    """Return the relative position of each point along the curve, 0 to 1; even steps on a curve without length."""
    lengths = [0.0]
    for before, after in pairwise(curve):
        lengths.append(lengths[-1] + math.dist(before, after))
    total = lengths[-1]
    if total == 0:
        last = max(len(curve) - 1, 1)
        return [index / last for index in range(len(curve))]
    return [length / total for length in lengths]


def _nearest(value: float, ascending: list[float]) -> int:
    """Return the lowest index of the entry nearest to a value."""
    above = bisect_left(ascending, value)
    if above == len(ascending):
        return bisect_left(ascending, ascending[-1])
    if above and value - ascending[above - 1] <= ascending[above] - value:
        return bisect_left(ascending, ascending[above - 1])
    return above


def _match(start: list[_Point], end: list[_Point]) -> list[list[int]]:
    """List for each point of the start curve the indices of its partners, ascending; every end point has a partner."""
    start_positions, end_positions = _positions(start), _positions(end)
    matches = [[_nearest(position, end_positions)] for position in start_positions]
    matched = {row[0] for row in matches}
    for j, position in enumerate(end_positions):
        if j not in matched:
            matches[_nearest(position, start_positions)].append(j)
    for row in matches:
        row.sort()
    return matches


def _thinning_steps(start: list[_Point], end: list[_Point], matches: list[list[int]]) -> list[tuple[int, int, float]]:
    """Group the raw points into runs (first raw index, last raw index, least distance in pixels)."""
    first_raw = [0]
    for row in matches:
        first_raw.append(first_raw[-1] + len(row))
    steps: list[tuple[int, int, float]] = []

    def many_to_one(first: int, last: int) -> None:
        steps.append((first_raw[first], first_raw[last], _mean_step(start, first, last) / 2))

    opened: int | None = None
    for index, row in enumerate(matches):
        if len(row) == 1:
            if opened is not None and row[0] != matches[opened][0]:
                many_to_one(opened, index - 1)
                opened = index
            elif opened is None:
                opened = index
            continue
        if opened is not None:
            many_to_one(opened, index - 1)
            opened = None
        steps.append((first_raw[index], first_raw[index + 1] - 1, _mean_step(end, row[0], row[-1]) / 2))
    if opened is not None:
        many_to_one(opened, len(matches) - 1)
    return steps


def _mean_step(curve: list[_Point], first: int, last: int) -> float:
    length = sum(math.dist(curve[index], curve[index + 1]) for index in range(first, last))
    return length / (last - first + 1)


def _thin(raw: list[_Point], first: int, last: int, threshold: float) -> list[_Point]:
    """Drop points nearer than a threshold to the one kept before; two ends nearer than it become their mean."""
    kept = [raw[first]]
    for point in raw[first + 1 : last]:
        if math.dist(kept[-1], point) >= threshold:
            kept.append(point)
    kept.append(raw[last])
    if len(kept) == 2 and math.dist(kept[0], kept[1]) < threshold:
        return [((kept[0][0] + kept[1][0]) / 2, (kept[0][1] + kept[1][1]) / 2)]
    return kept
