"""Groups of shapes turned into COCO instances: leader, hull, segmentation and area.

Source: FORMATS.md §6.
"""

from dataclasses import dataclass

from limner_exports.formats.generic import GenericValue, round_points
from limner_exports.formats.geometry import frame_mask, hull_of_points, polygons_pixel_area, union_counts
from limner_model.annotations import ShapeType
from limner_model.conversions import outlines_from_mask, shape_area
from limner_model.frames import FrameShape
from limner_model.rle import CroppedMask

Segmentation = list[list[float]] | dict[str, list[int]]


@dataclass(slots=True, kw_only=True)
class Part:
    """One shape of an instance: a box, a polygon with its ``points``, or a ``mask``. Ellipses are masks here.

    ``hull`` is left, top, right, bottom in pixels.
    """

    label_id: int
    attributes: dict[str, GenericValue]
    hull: tuple[float, float, float, float]
    polygon: list[float] | None = None
    mask: CroppedMask | None = None


@dataclass(slots=True, kw_only=True)
class Instance:
    """What one COCO annotation says. Boxes are left, top, width, height in pixels."""

    leader: Part
    segmentation: Segmentation
    area: float
    box_xywh: list[float]
    is_crowd: bool


def part_of(shape: FrameShape, attributes: dict[str, GenericValue], *, width: int, height: int) -> Part | None:
    """Prepare a box, polygon, mask or ellipse of an image of width x height pixels; None for a mask outside of it."""
    if shape.type is ShapeType.RECTANGLE:
        x0, y0, x1, y1 = round_points(shape.points)
        return Part(label_id=shape.label_id, attributes=attributes, hull=(x0, y0, x1, y1))
    if shape.type is ShapeType.POLYGON:
        points = round_points(shape.points)
        return Part(
            label_id=shape.label_id,
            attributes=attributes,
            hull=hull_of_points(points),
            polygon=points,
        )
    mask = frame_mask(shape, width=width, height=height)
    if mask is None:
        return None
    rows, columns = mask.bitmap.shape
    hull = (float(mask.left), float(mask.top), float(mask.left + columns), float(mask.top + rows))
    return Part(label_id=shape.label_id, attributes=attributes, hull=hull, mask=mask)


def segment(parts: list[Part], *, width: int, height: int) -> Instance:
    """Join the parts of a group; ``width`` and ``height`` of the image in pixels.

    The leader is the largest part. The instance is a crowd with a run-length mask when the leader says so by ``is_crowd``,
    or, where it does not say, when a part of the leader's label is a mask.
    """
    if len(parts) == 1 and parts[0].mask is None:
        return _single(parts[0], width=width, height=height)
    leader = max(parts, key=_area)
    polygons = [part.polygon for part in parts if part.polygon is not None]
    masks = [part for part in parts if part.mask is not None]
    says_crowd = leader.attributes.get("is_crowd", any(part.label_id == leader.label_id for part in masks))
    bitmaps = [part.mask for part in masks if part.mask is not None]
    box = _box_xywh(_hull(parts))
    if says_crowd is True and (polygons or bitmaps):
        return _crowd(leader, box, union_counts(polygons, bitmaps, width=width, height=height), [height, width])
    rings = polygons + [round_points(ring) for mask in bitmaps for ring in outlines_from_mask(mask)]
    area = polygons_pixel_area(rings, width=width, height=height) if rings else box[2] * box[3]
    return Instance(leader=leader, segmentation=rings, area=area, box_xywh=box, is_crowd=False)


def _single(part: Part, *, width: int, height: int) -> Instance:
    """The instance of one box or polygon: most instances are of this kind."""
    box = _box_xywh(part.hull)
    if part.polygon is None:
        return Instance(leader=part, segmentation=[], area=box[2] * box[3], box_xywh=box, is_crowd=False)
    rings = [part.polygon]
    if part.attributes.get("is_crowd") is True:
        return _crowd(part, box, union_counts(rings, [], width=width, height=height), [height, width])
    area = polygons_pixel_area(rings, width=width, height=height)
    return Instance(leader=part, segmentation=rings, area=area, box_xywh=box, is_crowd=False)


def _crowd(leader: Part, box: list[float], counts: list[int], size: list[int]) -> Instance:
    rle = {"counts": counts, "size": size}
    return Instance(leader=leader, segmentation=rle, area=float(sum(counts[1::2])), box_xywh=box, is_crowd=True)


def _area(part: Part) -> float:
    """Square pixels of a part, for choosing the leader."""
    if part.polygon is not None:
        return shape_area(ShapeType.POLYGON, part.polygon)
    if part.mask is not None:
        return float(part.mask.bitmap.sum())
    left, top, right, bottom = part.hull
    return (right - left) * (bottom - top)


def _box_xywh(hull: tuple[float, float, float, float]) -> list[float]:
    left, top, right, bottom = hull
    return [left, top, round(right - left, 2), round(bottom - top, 2)]


def _hull(parts: list[Part]) -> tuple[float, float, float, float]:
    if len(parts) == 1:
        return parts[0].hull
    lefts, tops, rights, bottoms = zip(*(part.hull for part in parts), strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
