"""What COCO, VOC and Datumaro share: attributes of an object in one dictionary, and how they are read back.

Source: FORMATS.md §3.1-3.2.
"""

from limner_exports.formats.items import AttributeInput, ImportShape
from limner_exports.formats.label_table import LabelTable, PlainValue
from limner_exports.formats.resolving import read_bool
from limner_model.annotations import ShapeType
from limner_model.frames import FrameShape

GenericValue = PlainValue | int


class TrackNumbers:
    """Numbers tracks from 0 in the order in which an export meets them; O(tracks) memory."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int], int] = {}

    def number(self, task_id: int, track_id: int) -> int:
        """The number of a track."""
        return self._numbers.setdefault((task_id, track_id), len(self._numbers))


def object_attributes(shape: FrameShape, labels: LabelTable, tracks: TrackNumbers, task_id: int) -> dict[str, GenericValue]:
    """All attributes of the label, then ``occluded``, ``rotation`` of boxes in degrees, and the track."""
    values: dict[str, GenericValue] = dict(labels.values(labels.by_id[shape.label_id], shape.attributes))
    values["occluded"] = shape.occluded
    if shape.type is ShapeType.RECTANGLE:
        values["rotation"] = shape.rotation
    if shape.track_id is not None:
        values["track_id"] = tracks.number(task_id, shape.track_id)
        values["keyframe"] = shape.keyframe
    return values


def lift_special(shape: ImportShape) -> ImportShape:
    """Set occluded, rotation, outside, source, track and keyframe of an object from its attributes, in place."""
    attributes = shape.attributes
    if "occluded" in attributes:
        shape.occluded = bool(read_bool(attributes["occluded"]))
    if "outside" in attributes:
        shape.outside = bool(read_bool(attributes["outside"]))
    if "rotation" in attributes and shape.type is ShapeType.RECTANGLE:
        shape.rotation = _degrees(attributes["rotation"])
    if "track_id" in attributes:
        shape.track_id = str(attributes["track_id"])
    if "keyframe" in attributes:
        shape.keyframe = bool(read_bool(attributes["keyframe"]))
    source = attributes.get("source")
    if isinstance(source, str):
        shape.source = source
    return shape


def round_points(points: list[float]) -> list[float]:
    """Coordinates with two decimals, as every generic format writes them."""
    return [round(value, 2) for value in points]


def box_from_xywh(x: float, y: float, width: float, height: float) -> list[float]:
    """Corners of a box; sums are rounded to six decimals so that 25.48 + 81.26 is 106.74."""
    return [x, y, round(x + width, 6), round(y + height, 6)]


def _degrees(value: AttributeInput) -> float:
    try:
        return float(value) % 360
    except ValueError:
        return 0.0
