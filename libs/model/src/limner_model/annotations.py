"""The wire document of annotations: tags, shapes and tracks of a job or a task.

Coordinates are image pixels (float, origin at the top-left corner of the top-left pixel, x right, y down), angles are
degrees, clockwise on screen. Frame numbers are task-relative, from 0. Field order is the order on the wire.

Layout of ``points`` by type: rectangle ``x0,y0,x1,y1``; polygon, polyline, points ``x,y`` pairs; ellipse
``cx,cy,right_x,top_y``; cuboid 16 numbers; mask run lengths (zeros first, row-major) followed by ``left,top,right,bottom``
inclusive; skeleton empty, its geometry is in ``elements``.
"""

from enum import StrEnum

import msgspec


class ShapeType(StrEnum):
    """Geometry kinds of shapes and tracked shapes."""

    RECTANGLE = "rectangle"
    POLYGON = "polygon"
    POLYLINE = "polyline"
    POINTS = "points"
    ELLIPSE = "ellipse"
    CUBOID = "cuboid"
    MASK = "mask"
    SKELETON = "skeleton"


class AttributeValue(msgspec.Struct, gc=False):
    """One attribute of an object; the value is stored as a string of at most 4096 characters."""

    spec_id: int
    value: str


class Tag(msgspec.Struct, kw_only=True, gc=False):
    """A label of a whole frame."""

    id: int | None = None
    frame: int
    label_id: int
    group: int | None = 0
    source: str = "manual"
    attributes: list[AttributeValue] = []


class Element(msgspec.Struct, kw_only=True, gc=False):
    """One point of a skeleton shape; ``label_id`` is a sublabel of the skeleton's label."""

    type: ShapeType
    occluded: bool = False
    outside: bool = False
    z_order: int = 0
    rotation: float = 0.0
    points: list[float] = []
    id: int | None = None
    frame: int
    label_id: int
    group: int | None = 0
    source: str = "manual"
    attributes: list[AttributeValue] = []
    score: float = 1.0


class Shape(msgspec.Struct, kw_only=True, gc=False):
    """An object on a single frame."""

    type: ShapeType
    occluded: bool = False
    outside: bool = False
    z_order: int = 0
    rotation: float = 0.0
    points: list[float] = []
    id: int | None = None
    frame: int
    label_id: int
    group: int | None = 0
    source: str = "manual"
    attributes: list[AttributeValue] = []
    elements: list[Element] = []
    score: float = 1.0


class TrackedShape(msgspec.Struct, kw_only=True, gc=False):
    """A keyframe of a track; carries mutable attributes only."""

    type: ShapeType
    occluded: bool = False
    outside: bool = False
    z_order: int = 0
    rotation: float = 0.0
    points: list[float] = []
    id: int | None = None
    frame: int
    attributes: list[AttributeValue] = []


class ElementTrack(msgspec.Struct, kw_only=True, gc=False):
    """The track of one skeleton element."""

    id: int | None = None
    frame: int
    label_id: int
    group: int | None = 0
    source: str = "manual"
    shapes: list[TrackedShape] = []
    attributes: list[AttributeValue] = []


class Track(msgspec.Struct, kw_only=True, gc=False):
    """An object over several frames: keyframes with strictly increasing frames, and immutable attributes."""

    id: int | None = None
    frame: int
    label_id: int
    group: int | None = 0
    source: str = "manual"
    shapes: list[TrackedShape] = []
    attributes: list[AttributeValue] = []
    elements: list[ElementTrack] = []


class LabeledData(msgspec.Struct, kw_only=True):
    """All annotations of a job or a task. ``version`` is always 0 on the wire."""

    version: int = 0
    tags: list[Tag] = []
    shapes: list[Shape] = []
    tracks: list[Track] = []
