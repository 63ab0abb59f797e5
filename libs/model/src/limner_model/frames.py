"""Frames as exporters, inference and analytics see them: the annotations visible on one frame.

A ``FrameShape`` is a shape of this frame, stored or interpolated from a track. ``FrameAnnotations`` is what the sweep in
``limner_model.interpolation`` yields per frame.
"""

import msgspec

from limner_model.annotations import AttributeValue, ShapeType, Tag


class FrameElement(msgspec.Struct, kw_only=True, gc=False):
    """One skeleton element on a frame; ``outside`` means absent."""

    type: ShapeType
    label_id: int
    points: list[float]
    occluded: bool = False
    outside: bool = False
    rotation: float = 0.0
    source: str = "manual"
    keyframe: bool = True
    attributes: list[AttributeValue] = []


class FrameShape(msgspec.Struct, kw_only=True, gc=False):
    """One object on one frame; attributes hold immutable and mutable values together, defaults filled.

    ``track_id`` is the id of the track it came from or None for a shape; ``keyframe`` is True for stored keyframes.
    """

    type: ShapeType
    label_id: int
    points: list[float]
    occluded: bool = False
    outside: bool = False
    z_order: int = 0
    rotation: float = 0.0
    group: int = 0
    source: str = "manual"
    score: float = 1.0
    id: int | None = None
    track_id: int | None = None
    keyframe: bool = True
    attributes: list[AttributeValue] = []
    elements: list[FrameElement] = []


class FrameAnnotations(msgspec.Struct, kw_only=True):
    """Everything visible on one task-relative frame: tags, then shapes sorted by (z_order, id)."""

    frame: int
    tags: list[Tag] = []
    shapes: list[FrameShape] = []
