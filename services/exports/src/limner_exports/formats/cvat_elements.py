"""Shapes as elements of CVAT XML, shared by the two CVAT writers.

Source: FORMATS.md §4.2-4.3.
"""

from collections.abc import Sequence
from functools import lru_cache

from limner_model.annotations import ShapeType

ELEMENT_NAMES = {
    ShapeType.RECTANGLE: "box",
    ShapeType.POLYGON: "polygon",
    ShapeType.POLYLINE: "polyline",
    ShapeType.POINTS: "points",
    ShapeType.ELLIPSE: "ellipse",
    ShapeType.CUBOID: "cuboid",
    ShapeType.MASK: "mask",
    ShapeType.SKELETON: "skeleton",
}
CUBOID_CORNERS = ("tl1", "bl1", "tr1", "br1", "tl2", "bl2", "tr2", "br2")
"""Names of the eight vertices in the order of ``points``."""

_CUBOID = " ".join(f'x{corner}="%.2f" y{corner}="%.2f"' for corner in CUBOID_CORNERS)


def geometry_attributes(kind: ShapeType, points: Sequence[float], rotation: float) -> str:
    """Render the geometry of a shape as attributes, with a space in front; empty for skeletons.

    Coordinates have two decimals; runs and boxes of masks are whole numbers.
    """
    match kind:
        case ShapeType.RECTANGLE:
            x0, y0, x1, y1 = points
            return f' xtl="{x0:.2f}" ytl="{y0:.2f}" xbr="{x1:.2f}" ybr="{y1:.2f}"{_rotation(rotation)}'
        case ShapeType.ELLIPSE:
            cx, cy, right, top = points
            return f' cx="{cx:.2f}" cy="{cy:.2f}" rx="{right - cx:.2f}" ry="{cy - top:.2f}"{_rotation(rotation)}'
        case ShapeType.CUBOID:
            return " " + _CUBOID % tuple(points)
        case ShapeType.MASK:
            return _mask(points)
        case ShapeType.SKELETON:
            return ""
        case _:
            return _pairs_format(len(points) // 2) % tuple(points)


def _rotation(rotation: float) -> str:
    return f' rotation="{rotation:.2f}"' if rotation else ""


def _mask(points: Sequence[float]) -> str:
    left, top, right, bottom = (int(value) for value in points[-4:])
    runs = ", ".join([str(int(run)) for run in points[:-4]])
    return f' rle="{runs}" left="{left}" top="{top}" width="{right - left + 1}" height="{bottom - top + 1}"'


@lru_cache(maxsize=512)
def _pairs_format(count: int) -> str:
    return ' points="' + ";".join(["%.2f,%.2f"] * count) + '"'
