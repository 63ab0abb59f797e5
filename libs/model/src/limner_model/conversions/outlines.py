"""Outlines of bitmaps along the edges of their pixels, which rasterise back to the same bitmap.

Rings keep the object on their right-hand side on screen: outer rings run clockwise, holes counter-clockwise. Pixels that
touch at a corner only belong to different rings. A hole is joined to the ring on its left by a horizontal bridge that is
walked both ways, so that it covers nothing.
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from limner_model.rle import CroppedMask

_RIGHT, _DOWN, _LEFT, _UP = range(4)
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))

_Vertex = tuple[int, int]
_Ring = list[_Vertex]


def outlines_from_mask(mask: CroppedMask) -> list[list[float]]:
    """Return one polygon per 4-connected part of a mask, holes joined into it.

    The union of the polygons, rasterised by pycocotools (``mask_from_polygons``), is the mask again, exactly.

    Returns:
        Lists of ``x, y`` pairs in image pixels, whole numbers, the first point not repeated; from top to bottom.
    """
    rings = _trace(mask.bitmap)
    children, roots = _attach_holes(rings, mask.bitmap)
    outlines: list[list[float]] = []
    for root in roots:
        corners = _corners(list(_walk(root, rings, children)))
        outlines.append([float(value) for x, y in corners for value in (x + mask.left, y + mask.top)])
    return outlines


def _trace(bitmap: NDArray[np.bool_]) -> list[_Ring]:
    """Return all rings as lists of neighbouring grid vertices."""
    height, width = bitmap.shape
    padded = np.zeros((height + 2, width + 2), dtype=np.bool_)
    padded[1:-1, 1:-1] = bitmap
    inner = padded[1:-1, 1:-1]
    leaving = np.zeros((height + 1, width + 1), dtype=np.uint8)
    leaving[:-1, :-1] |= (inner & ~padded[:-2, 1:-1]).astype(np.uint8) << _RIGHT
    leaving[:-1, 1:] |= (inner & ~padded[1:-1, 2:]).astype(np.uint8) << _DOWN
    leaving[1:, 1:] |= (inner & ~padded[2:, 1:-1]).astype(np.uint8) << _LEFT
    leaving[1:, :-1] |= (inner & ~padded[1:-1, :-2]).astype(np.uint8) << _UP
    starts = np.argwhere(leaving & (1 << _RIGHT)).tolist()
    edges = bytearray(leaving.tobytes())
    stride = width + 1
    # Every ring has an edge to the right: an outer ring its top, a hole its bottom.
    return [_follow(edges, stride, (x, y)) for y, x in starts if edges[y * stride + x] & (1 << _RIGHT)]


def _follow(leaving: bytearray, stride: int, start: _Vertex) -> _Ring:
    """Walk one ring and take its edges away; where two rings touch, turn right to stay with the pixel."""
    ring: _Ring = []
    (x, y), direction = start, _RIGHT
    place = y * stride + x
    while True:
        ring.append((x, y))
        leaving[place] &= ~(1 << direction)
        dx, dy = _STEPS[direction]
        x, y = x + dx, y + dy
        place = y * stride + x
        edges = leaving[place]
        for turn in (1, 0, 3):
            following = (direction + turn) % 4
            if edges & (1 << following):
                direction = following
                break
        else:
            return ring


def _attach_holes(
    rings: list[_Ring], bitmap: NDArray[np.bool_]
) -> tuple[dict[tuple[int, int], list[tuple[int, int]]], list[int]]:
    """Join each hole to the ring that lies to its left.

    Returns:
        For a vertex (ring, index) the holes (ring, index of their first vertex) that hang on it; the outer rings.
    """
    holes = [index for index, ring in enumerate(rings) if _is_hole(ring)]
    children: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    if not holes:
        return children, list(range(len(rings)))
    uprights = {
        (x, min(y, rings[which][(index + 1) % len(rings[which])][1])): (which, index)
        for which, ring in enumerate(rings)
        for index, (x, y) in enumerate(ring)
        if rings[which][(index + 1) % len(ring)][0] == x
    }
    for hole in holes:
        ring = rings[hole]
        # The left-most upper corner: the pixel to the left of the edge below it is part of the object.
        x, y = min(ring)
        empty = np.flatnonzero(~bitmap[y, :x])
        anchor_x = int(empty[-1]) + 1 if empty.size else 0
        which, index = uprights[(anchor_x, y)]
        if rings[which][index] != (anchor_x, y):
            index = (index + 1) % len(rings[which])
        children[(which, index)].append((hole, ring.index((x, y))))
    return children, sorted(set(range(len(rings))) - set(holes))


def _is_hole(ring: _Ring) -> bool:
    # Rings begin with their first edge to the right, row by row; in a hole that is its bottom, elsewhere the top.
    return min(y for _, y in ring) < ring[0][1]


def _walk(root: int, rings: list[_Ring], children: dict[tuple[int, int], list[tuple[int, int]]]) -> Iterator[_Vertex]:
    """Yield the vertices of a ring, going around each hole where it hangs and back."""
    stack: list[Iterator[tuple[int, int]]] = [iter([(root, index) for index in range(len(rings[root]))])]
    while stack:
        place = next(stack[-1], None)
        if place is None:
            stack.pop()
            continue
        which, index = place
        yield rings[which][index]
        hanging = children.pop(place, [])
        for hole, first in reversed(hanging):
            size = len(rings[hole])
            around = [(hole, (first + step) % size) for step in range(size + 1)]
            stack.append(iter([*around, place]))


def _corners(ring: _Ring) -> _Ring:
    """Drop the vertices where a ring goes straight on."""
    return [
        vertex
        for before, vertex, after in zip(ring[-1:] + ring[:-1], ring, ring[1:] + ring[:1], strict=True)
        if (vertex[0] - before[0], vertex[1] - before[1]) != (after[0] - vertex[0], after[1] - vertex[1])
    ]
