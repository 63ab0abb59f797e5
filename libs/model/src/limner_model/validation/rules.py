"""Rules about single values: what each type of shape needs, and which labels and attributes a schema has."""

from collections.abc import Sequence
from math import isfinite

from limner_model.annotations import AttributeValue, ShapeType
from limner_model.labels import LabelSchema, LabelSpec
from limner_model.rle import mask_points_error

MAX_ATTRIBUTE_LENGTH = 4096
MAX_INTEGER = 2**31 - 1
MAX_ID = 2**63 - 1
MAX_ROTATION_DEGREES = 360.0
KNOWN_SOURCES = frozenset({"manual", "semi-auto", "auto", "file", "consensus"})
TURNING_TYPES = frozenset({ShapeType.RECTANGLE, ShapeType.ELLIPSE})

_EXACT_POINTS = {ShapeType.RECTANGLE: 4, ShapeType.ELLIPSE: 4, ShapeType.CUBOID: 16, ShapeType.SKELETON: 0}
_LEAST_POINTS = {ShapeType.POLYGON: 6, ShapeType.POLYLINE: 4, ShapeType.POINTS: 2}


class LabelRules:
    """What annotations of one label may refer to: ids of attributes by slot, and rules of sublabels by id."""

    __slots__ = ("all_ids", "immutable_ids", "mutable_ids", "sublabels")

    def __init__(self, label: LabelSpec) -> None:
        """Index a label; O(attributes)."""
        self.all_ids = frozenset(spec.id for spec in label.attributes)
        self.mutable_ids = frozenset(spec.id for spec in label.attributes if spec.mutable)
        self.immutable_ids = self.all_ids - self.mutable_ids
        self.sublabels = {sublabel.id: LabelRules(sublabel) for sublabel in label.sublabels}


def label_rules(schema: LabelSchema) -> dict[int, LabelRules]:
    """Index the labels of a schema by id; sublabels are found under their labels only."""
    return {label.id: LabelRules(label) for label in schema.labels if label.parent_id is None}


def points_error(shape_type: ShapeType, points: Sequence[float]) -> str | None:
    """Say what is wrong with the points of a shape, or None.

    Counts: rectangle and ellipse 4, cuboid 16, skeleton 0, polygon at least 6, polyline 4, points 2, these even; masks
    by their run lengths. The order of corners is not checked. Source: later CVAT servers.
    """
    if not all(map(isfinite, points)):
        return "coordinates must be finite numbers"
    if shape_type == ShapeType.MASK:
        return mask_points_error(points)
    count = len(points)
    exact = _EXACT_POINTS.get(shape_type)
    if exact is not None:
        return None if count == exact else f"a {shape_type} needs exactly {exact} numbers, not {count}"
    least = _LEAST_POINTS[shape_type]
    if count < least or count % 2:
        return f"a {shape_type} needs an even count of at least {least} numbers, not {count}"
    return None


def rotation_error(rotation: float) -> str | None:
    """Say what is wrong with a rotation in degrees, or None; the limits are part of the range."""
    if rotation < 0:
        return "Ensure this value is greater than or equal to 0."
    return None if rotation <= MAX_ROTATION_DEGREES else "Ensure this value is less than or equal to 360."


def attribute_error(attribute: AttributeValue, allowed_ids: frozenset[int]) -> tuple[str, str] | None:
    """Return field and message of what is wrong with an attribute, or None; values are free text."""
    if attribute.spec_id not in allowed_ids:
        return "spec_id", f"spec_id `{attribute.spec_id}` is invalid"
    if len(attribute.value) > MAX_ATTRIBUTE_LENGTH:
        return "value", f"Ensure this field has no more than {MAX_ATTRIBUTE_LENGTH} characters."
    return ("value", "Null characters are not allowed.") if "\0" in attribute.value else None
