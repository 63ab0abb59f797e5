"""Conversions between kinds of geometry, as exporters, importers and analytics need them.

pycocotools rasterises everything with edges, on a crop of the image; cv2 draws ellipses and approximates outlines.
Source: docs of the formats; COCO's ``maskApi.c``.
"""

from limner_model.conversions.boxes import BoxXYXY, bounding_box, shape_area
from limner_model.conversions.contours import approximate_outlines
from limner_model.conversions.outlines import outlines_from_mask
from limner_model.conversions.polygons import ellipse_polygon, rotated_box_polygon, shape_polygon
from limner_model.conversions.rasters import mask_from_ellipse, mask_from_polygons, shape_mask, unite_masks
from limner_model.conversions.tracks import shapes_from_track, track_from_shape

__all__ = [
    "BoxXYXY",
    "approximate_outlines",
    "bounding_box",
    "ellipse_polygon",
    "mask_from_ellipse",
    "mask_from_polygons",
    "outlines_from_mask",
    "rotated_box_polygon",
    "shape_area",
    "shape_mask",
    "shape_polygon",
    "shapes_from_track",
    "track_from_shape",
    "unite_masks",
]
