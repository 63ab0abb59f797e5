"""Approximate outlines of bitmaps through the centres of their border pixels, as imports with "convert masks" make them.

Source: CVAT's option ``conv_mask_to_poly``: external contours by Suzuki's algorithm with the Teh-Chin approximation
(KCOS), holes joined to the outer ring at the nearest points. For outlines that rasterise back exactly use
``outlines_from_mask``.
"""

import numpy as np
from numpy.typing import NDArray

from limner_model.conversions.rasters import mask_from_polygons
from limner_model.rle import CroppedMask

MIN_AREA_PX = 1

_Contour = NDArray[np.int32]


def approximate_outlines(mask: CroppedMask) -> list[list[float]]:
    """Return one polygon per 8-connected part of a mask, holes joined into it.

    Parts that become fewer than three points or cover less than one pixel are left out.

    Returns:
        Lists of ``x, y`` pairs in image pixels; the first point is repeated at the end.
    """
    # Imported here: only this conversion needs it.
    import cv2

    padded = np.pad(mask.bitmap.astype(np.uint8), 1)
    found, hierarchy = cv2.findContours(padded, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_TC89_KCOS)
    if hierarchy is None:
        return []
    contours = [np.asarray(contour, dtype=np.int32).reshape(-1, 2) - 1 for contour in found]
    parents = hierarchy.reshape(-1, 4)[:, 3].tolist()
    polygons: list[list[float]] = []
    for index, parent in enumerate(parents):
        if parent != -1:
            continue
        ring = contours[index]
        for hole, its_parent in zip(contours, parents, strict=True):
            if its_parent == index:
                ring = _joined(ring, hole)
        if _is_large_enough(ring, mask):
            closed = np.add(np.vstack((ring, ring[:1])), (mask.left, mask.top))
            polygons.append(closed.astype(np.float64).ravel().tolist())
    return polygons


def _joined(ring: _Contour, hole: _Contour) -> _Contour:
    """Cut a ring and a hole at their nearest points and join the ends."""
    squares = ((ring[:, None, :] - hole[None, :, :]).astype(np.int64) ** 2).sum(axis=2)
    at, into = np.unravel_index(int(squares.argmin()), squares.shape)
    return np.vstack((ring[: at + 1], hole[into:], hole[: into + 1], ring[at:]))


def _is_large_enough(ring: _Contour, mask: CroppedMask) -> bool:
    if len(ring) <= 2:
        return False
    height, width = mask.bitmap.shape
    drawn = mask_from_polygons([ring.astype(np.float64).ravel().tolist()], width=width, height=height)
    return drawn is not None and int(drawn.bitmap.sum()) >= MIN_AREA_PX
