"""Shapes as tracks, and tracks as shapes."""

from collections.abc import Container, Iterator

from limner_model.annotations import (
    AttributeValue,
    Element,
    ElementTrack,
    Shape,
    ShapeType,
    Track,
    TrackedShape,
)
from limner_model.frames import FrameElement, FrameShape
from limner_model.interpolation import interpolate_track
from limner_model.keyframes import outside_copy


def track_from_shape(shape: Shape, *, stop_frame: int, mutable_ids: Container[int] = frozenset()) -> Track:
    """Return a track that is visible on the frame of a shape only.

    Args:
        shape: Any shape but a mask.
        stop_frame: Last frame of the task or job; on it the track needs no outside keyframe to end.
        mutable_ids: Ids of the mutable attributes, which go to the keyframe; the others go to the track.

    Returns:
        A track without ids.

    Raises:
        ValueError: The shape is a mask.
    """
    if shape.type == ShapeType.MASK:
        raise ValueError("masks cannot be tracked")
    elements = [
        ElementTrack(
            frame=shape.frame,
            label_id=element.label_id,
            group=shape.group,
            source=element.source,
            shapes=_keyframes(element, shape.frame, stop_frame, mutable_ids),
            attributes=_immutable(element.attributes, mutable_ids),
        )
        for element in shape.elements
    ]
    return Track(
        frame=shape.frame,
        label_id=shape.label_id,
        group=shape.group,
        source=shape.source,
        shapes=_keyframes(shape, shape.frame, stop_frame, mutable_ids),
        attributes=_immutable(shape.attributes, mutable_ids),
        elements=elements,
    )


def shapes_from_track(
    track: Track, *, end_frame: int, skip_frames: Container[int] = frozenset(), is_3d: bool = False
) -> Iterator[Shape]:
    """Yield one shape without id for every frame where a track is visible.

    Args:
        track: A track in normal form (see ``limner_model.keyframes``).
        end_frame: First frame after the task or job.
        skip_frames: Frames that are left out.
        is_3d: Cuboids are 3D.

    Raises:
        InvalidTrack: Keyframes do not fit together.
    """
    for frame, shape in interpolate_track(track, end_frame=end_frame, skip_frames=skip_frames, is_3d=is_3d):
        yield _stored(shape, frame)


def _keyframes(shape: Shape | Element, frame: int, stop_frame: int, mutable_ids: Container[int]) -> list[TrackedShape]:
    first = TrackedShape(
        type=shape.type,
        occluded=shape.occluded,
        outside=isinstance(shape, Element) and shape.outside,
        z_order=shape.z_order,
        rotation=shape.rotation,
        points=shape.points,
        frame=frame,
        attributes=[attribute for attribute in shape.attributes if attribute.spec_id in mutable_ids],
    )
    return [first] if frame >= stop_frame else [first, outside_copy(first, frame + 1)]


def _immutable(attributes: list[AttributeValue], mutable_ids: Container[int]) -> list[AttributeValue]:
    return [attribute for attribute in attributes if attribute.spec_id not in mutable_ids]


def _stored(shape: FrameShape, frame: int) -> Shape:
    return Shape(
        type=shape.type,
        occluded=shape.occluded,
        z_order=shape.z_order,
        rotation=shape.rotation,
        points=shape.points,
        frame=frame,
        label_id=shape.label_id,
        group=shape.group,
        source=shape.source,
        attributes=shape.attributes,
        elements=[_stored_element(element, shape, frame) for element in shape.elements],
    )


def _stored_element(element: FrameElement, parent: FrameShape, frame: int) -> Element:
    return Element(
        type=element.type,
        occluded=element.occluded,
        outside=element.outside,
        rotation=element.rotation,
        points=element.points,
        frame=frame,
        label_id=element.label_id,
        group=parent.group,
        source=element.source,
        attributes=element.attributes,
    )
