"""Geometry of files: what writers compute from shapes, and what readers must check before they trust it."""

import math
from collections.abc import Sequence

import numpy as np

from limner_exports.formats.base import FormatError
from limner_exports.formats.checks import points_problem
from limner_exports.formats.items import ImportShape
from limner_exports.formats.json_stream import as_int, as_list
from limner_model.annotations import ShapeType
from limner_model.conversions import approximate_outlines, mask_from_polygons, shape_mask, unite_masks
from limner_model.frames import FrameShape
from limner_model.rle import (
    CroppedMask,
    InvalidMask,
    coco_counts_from_mask,
    expand_coco_counts,
    mask_from_coco_counts,
    mask_from_points,
    points_from_mask,
)

MAX_MASK_PIXELS = 1 << 26
"""Largest box of a mask that is expanded."""
_MAX_IMAGE_PIXELS = 1 << 40


def frame_mask(shape: FrameShape, *, width: int, height: int) -> CroppedMask | None:
    """Bitmap of a mask or ellipse inside its frame of width x height pixels, None when nothing of it is inside."""
    return shape_mask(shape.type, shape.points, shape.rotation, width=width, height=height)


def hull_of_points(points: Sequence[float]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of ``x, y`` pairs."""
    xs, ys = points[::2], points[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def polygons_pixel_area(polygons: list[list[float]], *, width: int, height: int) -> float:
    """Number of pixels that the union of polygons covers in an image of width x height pixels, as COCO counts them."""
    # Imported here: only what rasterises needs it.
    from pycocotools import mask as coco_mask

    codes = coco_mask.frPyObjects(polygons, height, width)
    return float(coco_mask.area(codes[0] if len(codes) == 1 else coco_mask.merge(codes)))


def union_counts(polygons: list[list[float]], masks: list[CroppedMask], *, width: int, height: int) -> list[int]:
    """COCO's uncompressed run lengths of the union of polygons and masks in an image of width x height pixels."""
    drawn = mask_from_polygons(polygons, width=width, height=height)
    union = unite_masks(masks if drawn is None else [*masks, drawn])
    return [width * height] if union is None else coco_counts_from_mask(union, width=width, height=height)


def points_of_coco_rle(counts: object, size: object, where: str) -> list[float]:
    """Points of a mask from COCO's run lengths, a list or the compressed string; empty when no pixel is set.

    Args:
        counts: The run lengths.
        size: Height and width of the image in pixels.
        where: Place for messages.

    Raises:
        FormatError: The runs do not fill the image, the size is not usable, or the image is too large.
    """
    height, width = _image_size(size, where)
    try:
        runs = (
            expand_coco_counts(counts) if isinstance(counts, str) else [as_int(run, where) for run in as_list(counts, where)]
        )
        _require_small_box(runs, height, where)
        mask = mask_from_coco_counts(runs, width=width, height=height)
    except (InvalidMask, OverflowError) as error:
        raise FormatError(str(error), where) from error
    return [] if mask is None else points_from_mask(mask)


def mask_polygons(points: list[float], where: str) -> list[list[float]]:
    """Polygons around a mask as an import with "convert masks" makes them; closed, one per part, holes joined.

    Raises:
        FormatError: The box is too large.
    """
    left, top, right, bottom = points[-4:]
    if (right - left + 1) * (bottom - top + 1) > MAX_MASK_PIXELS:
        raise FormatError("the mask is too large", where)
    return approximate_outlines(mask_from_points(points))


def require_valid_points(shape: ImportShape) -> None:
    """Check the coordinates of a read shape and of its elements.

    Raises:
        FormatError: Their number is wrong, one is not finite, or the runs of a mask do not fill its box.
    """
    for item in (shape, *shape.elements):
        problem = None
        if item.type is not ShapeType.SKELETON:
            problem = points_problem(item.type, item.points, item.rotation)
        if problem is not None:
            raise FormatError(problem, item.where or shape.where)


def pixels_from_fractions(points: list[float], size: tuple[int, int]) -> list[float]:
    """Scale ``x, y`` pairs in fractions of an image to pixels with two decimals; ``size`` is width, height in pixels."""
    if not all(map(math.isfinite, points)):
        return points
    # The sum makes 0.0 of the -0.0 that is left of a corner a hair outside the image.
    return [round(value * size[index % 2], 2) + 0.0 for index, value in enumerate(points)]


def _require_small_box(runs: list[int], height: int, where: str) -> None:
    """Refuse column-major runs whose object has a box that is too large to expand, before it is expanded."""
    lengths = np.asarray(runs, dtype=np.int64)
    stops = np.cumsum(lengths)[1::2]
    starts = stops - lengths[1::2]
    starts, stops = starts[stops > starts], stops[stops > starts]
    if not starts.size:
        return
    columns = int((stops[-1] - 1) // height - starts[0] // height) + 1
    crosses = bool((starts // height != (stops - 1) // height).any())
    rows = height if crosses else int(((stops - 1) % height).max() - (starts % height).min()) + 1
    if columns * rows > MAX_MASK_PIXELS:
        raise FormatError("the mask is too large", where)


def _image_size(size: object, where: str) -> tuple[int, int]:
    values = [as_int(value, where) for value in as_list(size, where)]
    if len(values) != 2 or min(values) < 1 or values[0] * values[1] > _MAX_IMAGE_PIXELS:
        raise FormatError("the size of the mask's image must be height and width in pixels and not too large", where)
    return values[0], values[1]
