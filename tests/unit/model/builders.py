"""Short ways to write annotation documents in tests, and golden documents of the reference server."""

import json
from pathlib import Path
from typing import Any

import msgspec

from limner_model.annotations import (
    AttributeValue,
    Element,
    ElementTrack,
    LabeledData,
    Shape,
    ShapeType,
    Track,
    TrackedShape,
)
from limner_model.labels import AttributeSpec, AttributeType, LabelSchema, LabelSpec

GOLDEN = Path(__file__).parents[2] / "golden"

SCHEMA = LabelSchema(
    version=1,
    labels=[
        LabelSpec(
            id=1,
            name="car",
            attributes=[
                AttributeSpec(id=5, name="color", mutable=True, input_type=AttributeType.TEXT, default_value="grey"),
                AttributeSpec(id=6, name="brand", mutable=False, input_type=AttributeType.SELECT, values=["acme", "none"]),
            ],
        ),
        LabelSpec(
            id=2,
            name="body",
            type="skeleton",
            sublabels=[
                LabelSpec(
                    id=3,
                    name="head",
                    type="points",
                    parent_id=2,
                    attributes=[AttributeSpec(id=7, name="hat", mutable=True, input_type=AttributeType.CHECKBOX)],
                ),
                LabelSpec(id=4, name="foot", type="points", parent_id=2),
            ],
        ),
        LabelSpec(id=8, name="sky"),
    ],
)


def box(x: float, y: float = 0.0, size: float = 10.0) -> list[float]:
    return [x, y, x + size, y + size]


def keyframe(
    frame: int,
    points: list[float] | None = None,
    *,
    outside: bool = False,
    type: ShapeType = ShapeType.RECTANGLE,
    rotation: float = 0.0,
    attributes: dict[int, str] | None = None,
    **fields: Any,
) -> TrackedShape:
    return TrackedShape(
        type=type,
        frame=frame,
        points=box(float(frame)) if points is None else points,
        outside=outside,
        rotation=rotation,
        attributes=values(attributes or {}),
        **fields,
    )


def track(*shapes: TrackedShape, label_id: int = 1, frame: int | None = None, **fields: Any) -> Track:
    begin = (shapes[0].frame if shapes else 0) if frame is None else frame
    return Track(label_id=label_id, frame=begin, shapes=list(shapes), **fields)


def boxes_track(*keys: tuple[int, float] | tuple[int, float, bool], **fields: Any) -> Track:
    """A track of 10 x 10 boxes at y = 0 from (frame, x[, outside]) keys."""
    return track(*(keyframe(key[0], box(key[1]), outside=len(key) > 2) for key in keys), **fields)


def point(frame: int, x: float, y: float = 0.0, *, outside: bool = False, **fields: Any) -> TrackedShape:
    return keyframe(frame, [x, y], outside=outside, type=ShapeType.POINTS, **fields)


def element_track(label_id: int, *shapes: TrackedShape, frame: int | None = None) -> ElementTrack:
    return ElementTrack(label_id=label_id, frame=shapes[0].frame if frame is None else frame, shapes=list(shapes))


def skeleton_key(frame: int, *, outside: bool = False) -> TrackedShape:
    return keyframe(frame, [], type=ShapeType.SKELETON, outside=outside)


def skeleton_track(*shapes: TrackedShape, elements: list[ElementTrack], frame: int | None = None) -> Track:
    return track(*shapes, label_id=2, frame=frame, elements=elements)


def rectangle(frame: int, x: float, **fields: Any) -> Shape:
    fields.setdefault("label_id", 1)
    return Shape(type=ShapeType.RECTANGLE, frame=frame, points=box(x), **fields)


def skeleton(frame: int, elements: list[Element], **fields: Any) -> Shape:
    return Shape(type=ShapeType.SKELETON, frame=frame, label_id=2, elements=elements, **fields)


def element(label_id: int, x: float, y: float, *, frame: int = 0, **fields: Any) -> Element:
    return Element(type=ShapeType.POINTS, frame=frame, label_id=label_id, points=[x, y], **fields)


def values(by_id: dict[int, str]) -> list[AttributeValue]:
    return [AttributeValue(spec_id=spec_id, value=value) for spec_id, value in by_id.items()]


def values_of(attributes: list[AttributeValue]) -> dict[int, str]:
    return {attribute.spec_id: attribute.value for attribute in attributes}


def keys_of(parsed: Track | ElementTrack) -> list[tuple[Any, ...]]:
    """Frames with the x of the first point, and "out" where outside."""
    return [
        (shape.frame, shape.points[0] if shape.points else None, *(["out"] if shape.outside else []))
        for shape in parsed.shapes
    ]


def read_golden(path: str) -> Any:
    return json.loads((GOLDEN / path).read_text(encoding="utf-8"))


def golden_schema(labels: Any) -> LabelSchema:
    return msgspec.convert({"version": 1, "labels": labels}, LabelSchema)


def golden_document(document: Any) -> LabeledData:
    return msgspec.convert(document, LabeledData)


def comparable(data: LabeledData) -> Any:
    """A document without ids, in an order that does not depend on the order of objects, coordinates rounded."""
    return _comparable(msgspec.to_builtins(data))


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _comparable(item) for name, item in value.items() if name != "id"}
        if "group" in kept:
            kept["group"] = kept["group"] or 0
        return kept
    if isinstance(value, list):
        items = [_comparable(item) for item in value]
        is_objects = bool(items) and isinstance(items[0], dict)
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if is_objects else items
    return round(value, 6) if isinstance(value, float) else value
