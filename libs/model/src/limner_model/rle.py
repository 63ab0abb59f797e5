"""Run-length codes of masks: the wire form of annotations and COCO's, through bitmaps cropped to the object.

The wire form (``Shape.points`` of a mask) is run lengths of alternating background and object, row-major over the tight
box, first run background, followed by ``left, top, right, bottom`` of the box, inclusive. COCO's form is column-major
over the whole image. No function here ever builds a bitmap of the whole image.

Source: CVAT's mask format; pycocotools ``maskApi.c`` for the compressed string.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

MIN_MASK_POINTS = 5
"""One run and the box."""

_MAX_DIGITS = 8


class InvalidMask(ValueError):
    """A run-length code that does not describe a bitmap."""


class CroppedMask(NamedTuple):
    """A bitmap of shape (height, width) whose pixel [0, 0] is the image pixel (x=left, y=top)."""

    bitmap: NDArray[np.bool_]
    left: int
    top: int


class COCORLE(TypedDict):
    """COCO's compressed run lengths; ``size`` is [height, width] of the image in pixels."""

    counts: str
    size: list[int]


def mask_points_error(points: Sequence[float]) -> str | None:
    """Say what is wrong with the points of a mask, or None if nothing is; O(runs).

    Checked: at least one run and the box, whole non-negative runs, an ordered non-negative box of whole numbers, and that
    the runs fill the box exactly.
    """
    if len(points) < MIN_MASK_POINTS:
        return "a mask needs at least one run length and the four numbers of its box"
    values = np.asarray(points, dtype=np.float64)
    # The bound keeps sums exact in float64 and rejects infinities.
    if not (np.abs(values) < 2.0**31).all() or not (values == np.floor(values)).all():
        return "run lengths and box of a mask must be whole numbers"
    if values.min() < 0:
        return "run lengths and box of a mask must not be negative"
    left, top, right, bottom = values[-4:]
    if right < left or bottom < top:
        return "the box of a mask must be left, top, right, bottom"
    if values[:-4].sum() != (right - left + 1) * (bottom - top + 1):
        return "the run lengths of a mask must fill its box"
    return None


def mask_from_points(points: Sequence[float]) -> CroppedMask:
    """Expand the points of a mask into the bitmap of its box; new memory, O(box).

    Raises:
        InvalidMask: The points are not a valid run-length code.
    """
    problem = mask_points_error(points)
    if problem is not None:
        raise InvalidMask(problem)
    values = np.asarray(points, dtype=np.float64).astype(np.int64)
    left, top, right, bottom = values[-4:].tolist()
    bitmap = _expand(values[:-4]).reshape(bottom - top + 1, right - left + 1)
    return CroppedMask(bitmap, left, top)


def points_from_mask(mask: CroppedMask) -> list[float]:
    """Encode a bitmap as the points of a mask; the box is tightened to the set pixels first.

    Returns:
        Run lengths and box as floats, or an empty list if no pixel is set.
    """
    tight = tighten_mask(mask)
    if tight is None:
        return []
    height, width = tight.bitmap.shape
    runs = run_lengths(tight.bitmap.ravel())
    box = (tight.left, tight.top, tight.left + width - 1, tight.top + height - 1)
    return [*runs.astype(np.float64).tolist(), *map(float, box)]


def tighten_mask(mask: CroppedMask) -> CroppedMask | None:
    """Crop a bitmap to its set pixels; None if there are none. The result is a view where possible."""
    bitmap = np.asarray(mask.bitmap, dtype=np.bool_)
    rows = np.flatnonzero(bitmap.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(bitmap.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
    return CroppedMask(bitmap[top : bottom + 1, left : right + 1], mask.left + left, mask.top + top)


def clip_mask(mask: CroppedMask, *, width: int, height: int) -> CroppedMask | None:
    """Keep the part of a mask inside an image of width x height pixels, tightened; None if nothing is left."""
    x0, y0 = max(0, -mask.left), max(0, -mask.top)
    x1, y1 = max(x0, width - mask.left), max(y0, height - mask.top)
    return tighten_mask(CroppedMask(mask.bitmap[y0:y1, x0:x1], mask.left + x0, mask.top + y0))


def run_lengths(pixels: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the alternating run lengths of a flat, non-empty array, beginning with a run of False (may be 0)."""
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    head = [0, 0] if pixels[0] else [0]
    edges = np.concatenate((head, changes, [pixels.size]))
    return np.diff(edges).astype(np.int64)


def coco_counts_from_mask(mask: CroppedMask, *, width: int, height: int) -> list[int]:
    """Encode a mask as COCO's uncompressed run lengths over an image of width x height pixels.

    Pixels outside the image are left out. Cost and memory follow the crop, not the image.
    """
    inside = clip_mask(mask, width=width, height=height)
    if inside is None:
        return [width * height]
    rows, columns = inside.bitmap.shape
    padded = np.zeros((columns, rows + 2), dtype=np.int8)
    padded[:, 1:-1] = inside.bitmap.T
    column, row = np.nonzero(np.diff(padded, axis=1))
    # Edges alternate between the start and the end of a run; an end that is the next start (a run that goes on from
    # the bottom of one column at the top of the next) cancels.
    edges = (column + inside.left) * height + row + inside.top
    joined = np.flatnonzero(edges[1:-1:2] == edges[2::2]) * 2 + 1
    edges = np.delete(edges, np.concatenate((joined, joined + 1)))
    total = width * height
    bounds = np.concatenate(([0], edges, [] if edges[-1] == total else [total])).astype(np.int64)
    return [int(count) for count in np.diff(bounds)]


def mask_from_coco_counts(counts: Sequence[int], *, width: int, height: int) -> CroppedMask | None:
    """Read COCO's uncompressed run lengths; None if no pixel is set. Cost and memory follow the object's box.

    Raises:
        InvalidMask: A run is negative or the runs do not fill the image.
    """
    if sum(counts) != width * height or min(counts, default=0) < 0:
        raise InvalidMask(f"the run lengths do not fill an image of {width} x {height} pixels")
    return _mask_from_runs(np.asarray(counts, dtype=np.int64), height)


def mask_from_coco_string(text: str | bytes, *, width: int, height: int) -> CroppedMask | None:
    """Read COCO's compressed run lengths; None if no pixel is set. Cost and memory follow the object's box.

    Raises:
        InvalidMask: The string is damaged, a run is negative or the runs do not fill the image.
    """
    runs = _expand_string(text)
    if runs.size == 0 or runs.min() < 0 or runs.max() > width * height or runs.sum() != width * height:
        raise InvalidMask(f"the run lengths do not fill an image of {width} x {height} pixels")
    return _mask_from_runs(runs, height)


def _mask_from_runs(runs: NDArray[np.int64], height: int) -> CroppedMask | None:
    ends = np.cumsum(runs)
    stops = ends[1::2]
    starts = stops - runs[1::2]
    filled = stops > starts
    starts, stops = starts[filled], stops[filled]
    return None if starts.size == 0 else _fill_columns(starts, stops, height)


def coco_rle_from_mask(mask: CroppedMask, *, width: int, height: int) -> COCORLE:
    """Encode a mask as COCO's compressed run lengths over an image of width x height pixels."""
    # Imported here: most users of run lengths never write COCO's string.
    from pycocotools import mask as coco

    counts = coco_counts_from_mask(mask, width=width, height=height)
    code = coco.frPyObjects({"counts": counts, "size": [height, width]}, height, width)
    return {"counts": code["counts"].decode("ascii"), "size": [height, width]}


def expand_coco_counts(text: str | bytes) -> list[int]:
    """Read run lengths from COCO's ASCII string (``rleFrString`` of maskApi.c).

    Raises:
        InvalidMask: The string is cut off or has characters outside the code.
    """
    return [int(count) for count in _expand_string(text)]


def _expand_string(text: str | bytes) -> NDArray[np.int64]:
    # Numbers are sequences of five-bit digits, lowest first, with a continuation bit and the sign in the last digit;
    # from the fourth on they are differences to the number two places before.
    raw = text.encode("ascii", "replace") if isinstance(text, str) else text
    digits = np.frombuffer(raw, dtype=np.uint8).astype(np.int64) - 48
    if digits.size == 0:
        return digits
    if digits.min() < 0 or digits.max() > 63 or digits[-1] & 0x20:
        raise InvalidMask("the compressed run lengths are cut off or have a character outside the code")
    ends = np.flatnonzero((digits & 0x20) == 0)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > _MAX_DIGITS:
        raise InvalidMask("the compressed run lengths have a number that is too large")
    shifts = 5 * (np.arange(digits.size) - np.repeat(starts, lengths))
    values = np.add.reduceat((digits & 0x1F) << shifts, starts)
    values -= np.where(digits[ends] & 0x10, np.int64(1) << (5 * lengths), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def _expand(runs: NDArray[np.int64]) -> NDArray[np.bool_]:
    values = np.zeros(runs.size, dtype=np.bool_)
    values[1::2] = True
    return np.repeat(values, runs)


def _fill_columns(starts: NDArray[np.int64], stops: NDArray[np.int64], height: int) -> CroppedMask:
    """Paint column-major runs [start, stop) of an image of the given height into their tight box."""
    first, last = starts // height, (stops - 1) // height
    pieces = last - first + 1
    run = np.repeat(np.arange(starts.size), pieces)
    column = first[run] + np.arange(run.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    row0 = np.where(column == first[run], starts[run] % height, 0)
    row1 = np.where(column == last[run], (stops[run] - 1) % height, height - 1) + 1
    left, top = int(column.min()), int(row0.min())
    width, rows = int(column.max()) - left + 1, int(row1.max()) - top
    # A pixel is set where one more piece of its column has begun than ended. No two pieces begin, or end, at one place.
    edges = np.zeros((rows + 1) * width, dtype=np.int8)
    edges[(row0 - top) * width + column - left] += 1
    edges[(row1 - top) * width + column - left] -= 1
    bitmap = np.cumsum(edges.reshape(rows + 1, width), axis=0, dtype=np.int8)[:-1].astype(np.bool_)
    return CroppedMask(bitmap, left, top)
