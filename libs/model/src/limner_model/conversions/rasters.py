"""Bitmaps of shapes, cropped to the part of the shape inside the image."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limner_model.annotations import ShapeType
from limner_model.conversions.polygons import rotated_box_polygon
from limner_model.rle import CroppedMask, clip_mask, mask_from_coco_string, mask_from_points, tighten_mask

_MARGIN_PX = 2
_MIN_POLYGON_NUMBERS = 6


class _Crop(NamedTuple):
    left: int
    top: int
    width: int
    height: int


def mask_from_polygons(polygons: Sequence[Sequence[float]], *, width: int, height: int) -> CroppedMask | None:
    """Rasterise the union of polygons as pycocotools does on the whole image; cost follows the polygons' box.

    Args:
        polygons: Each a list of ``x, y`` pairs in pixels, closed or not; those of fewer than three points cover nothing.
        width: Width of the image in pixels.
        height: Height of the image in pixels.

    Returns:
        The tight mask, or None if no pixel of the image is covered.
    """
    drawn = [list(polygon) for polygon in polygons if len(polygon) >= _MIN_POLYGON_NUMBERS]
    if not drawn:
        return None
    # Imported here: only what rasterises needs it.
    from pycocotools import mask as coco

    # The runs are made for the whole image, which costs no bitmap and keeps the rounding of its coordinates.
    code = coco.merge(coco.frPyObjects(drawn, height, width))
    return mask_from_coco_string(code["counts"], width=width, height=height)


def mask_from_ellipse(points: Sequence[float], rotation: float = 0.0, *, width: int, height: int) -> CroppedMask | None:
    """Rasterise a filled ellipse: centre and radii are rounded to whole pixels, as CVAT exports them.

    Args:
        points: ``cx, cy, right_x, top_y`` in pixels.
        rotation: Degrees, clockwise on screen.
        width: Width of the image in pixels.
        height: Height of the image in pixels.

    Returns:
        The tight mask, or None if no pixel of the image is covered.
    """
    cx, cy, right, top = points
    center_x, center_y, radius_x, radius_y = round(cx), round(cy), abs(round(right - cx)), abs(round(cy - top))
    reach = max(radius_x, radius_y)
    crop = _crop(center_x - reach, center_y - reach, center_x + reach, center_y + reach, width, height)
    if crop is None:
        return None
    # Imported here: only ellipses need it.
    import cv2

    bitmap = np.zeros((crop.height, crop.width), dtype=np.uint8)
    center = (center_x - crop.left, center_y - crop.top)
    cv2.ellipse(bitmap, center, (radius_x, radius_y), rotation, 0, 360, 1, thickness=-1)
    return tighten_mask(CroppedMask(bitmap.astype(np.bool_), crop.left, crop.top))


def shape_mask(
    shape_type: ShapeType, points: Sequence[float], rotation: float = 0.0, *, width: int, height: int
) -> CroppedMask | None:
    """Rasterise a rectangle, polygon, ellipse or mask inside an image of width x height pixels.

    Returns:
        The tight mask, or None if no pixel of the image is covered.

    Raises:
        ValueError: The type is no area.
        InvalidMask: The points of a mask are wrong.
    """
    if shape_type == ShapeType.MASK:
        return clip_mask(mask_from_points(points), width=width, height=height)
    if shape_type == ShapeType.ELLIPSE:
        return mask_from_ellipse(points, rotation, width=width, height=height)
    if shape_type == ShapeType.POLYGON:
        return mask_from_polygons([points], width=width, height=height)
    if shape_type == ShapeType.RECTANGLE:
        return mask_from_polygons([rotated_box_polygon(points, rotation)], width=width, height=height)
    raise ValueError(f"a {shape_type} covers no area")


def unite_masks(masks: Sequence[CroppedMask]) -> CroppedMask | None:
    """Return the union of masks, tightened; None if no pixel is set. Cost follows the box around all of them."""
    if not masks:
        return None
    left, top = min(mask.left for mask in masks), min(mask.top for mask in masks)
    right = max(mask.left + mask.bitmap.shape[1] for mask in masks)
    bottom = max(mask.top + mask.bitmap.shape[0] for mask in masks)
    union = np.zeros((bottom - top, right - left), dtype=np.bool_)
    for mask in masks:
        rows, columns = mask.bitmap.shape
        y, x = mask.top - top, mask.left - left
        union[y : y + rows, x : x + columns] |= mask.bitmap
    return tighten_mask(CroppedMask(union, left, top))


def _crop(x0: float, y0: float, x1: float, y1: float, width: int, height: int) -> _Crop | None:
    """Return the part of the image around a box, or None if there is none."""
    left, top = max(0, math.floor(x0) - _MARGIN_PX), max(0, math.floor(y0) - _MARGIN_PX)
    right, bottom = min(width, math.ceil(x1) + _MARGIN_PX), min(height, math.ceil(y1) + _MARGIN_PX)
    return _Crop(left, top, right - left, bottom - top) if right > left and bottom > top else None
