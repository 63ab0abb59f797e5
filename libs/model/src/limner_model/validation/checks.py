"""Checking a document against the labels and frames of its task, and bringing it into normal form.

The common case, an object without fault, passes one condition; only for the others the faults are looked for one by one.
Labels and attribute slots are checked, values of attributes are not: existing clients rely on that.
"""

from collections.abc import Container, Sequence
from math import isfinite

from limner_model.annotations import (
    AttributeValue,
    Element,
    ElementTrack,
    LabeledData,
    Shape,
    ShapeType,
    Tag,
    Track,
    TrackedShape,
)
from limner_model.keyframes import normalise_track
from limner_model.labels import LabelSchema
from limner_model.validation.errors import AnnotationError, InvalidAnnotations
from limner_model.validation.rules import (
    KNOWN_SOURCES,
    MAX_ATTRIBUTE_LENGTH,
    MAX_ID,
    MAX_INTEGER,
    MAX_ROTATION_DEGREES,
    TURNING_TYPES,
    LabelRules,
    attribute_error,
    label_rules,
    points_error,
    rotation_error,
)

MAX_ERRORS = 100
"""After so many faults the rest of a document is not checked."""

_DEFAULT_SOURCE = "manual"


def validate_labeled_data(
    data: LabeledData,
    schema: LabelSchema,
    *,
    start_frame: int,
    stop_frame: int,
    included_frames: Container[int] | None = None,
) -> LabeledData:
    """Check a document and bring it into normal form, in place.

    Normal form: a missing group is 0, unknown sources are ``manual``, only rectangles and ellipses are rotated, elements
    of a skeleton are on the frame of their parent, and tracks are as ``limner_model.keyframes`` says.

    Args:
        data: The document; changed even where it is refused.
        schema: Labels of the task.
        start_frame: First frame of the job or task.
        stop_frame: Last frame, inclusive. A track may end with an outside keyframe right after it.
        included_frames: The frames that tags and shapes may lie on, for jobs that have only some frames of the range.

    Returns:
        The same document.

    Raises:
        InvalidAnnotations: At least one object is refused.
    """
    checker = _Checker(label_rules(schema), start_frame, stop_frame, included_frames)
    checker.check_tags(data.tags)
    checker.check_shapes(data.shapes)
    checker.check_tracks(data.tracks)
    if checker.errors:
        raise InvalidAnnotations(checker.errors[:MAX_ERRORS])
    return data


class _Checker:
    """Collects the faults of one document."""

    def __init__(
        self, labels: dict[int, LabelRules], start_frame: int, stop_frame: int, included_frames: Container[int] | None
    ) -> None:
        self.errors: list[AnnotationError] = []
        self._labels = labels
        self._start = start_frame
        self._stop = stop_frame
        self._frames: Container[int] = range(start_frame, stop_frame + 1) if included_frames is None else included_frames

    def check_tags(self, tags: Sequence[Tag]) -> None:
        for index, tag in enumerate(tags):
            if len(self.errors) >= MAX_ERRORS:
                return
            path = f"tags[{index}]"
            self._check_common(tag, path)
            rules = self._labels.get(tag.label_id)
            if rules is None:
                self._unknown_label(tag.label_id, path)
            else:
                self._check_attributes(tag.attributes, rules.all_ids, path)
            if tag.frame not in self._frames:
                self._add(f"{path}.frame", self._frame_error(tag.frame))

    def check_shapes(self, shapes: Sequence[Shape]) -> None:
        labels, frames = self._labels, self._frames
        for index, shape in enumerate(shapes):
            rules = labels.get(shape.label_id)
            # Everything that a plain rectangle needs; written out because documents have hundreds of thousands of them.
            if (
                rules is not None
                and shape.type is ShapeType.RECTANGLE
                and len(shape.points) == 4
                and isfinite(sum(shape.points))
                and shape.frame in frames
                and 0.0 <= shape.rotation <= MAX_ROTATION_DEGREES
                and shape.source in KNOWN_SOURCES
                and shape.group is not None
                and 0 <= shape.group <= MAX_INTEGER
                and -MAX_INTEGER <= shape.z_order <= MAX_INTEGER
                and 0.0 <= shape.score <= 1.0
                and shape.id is None
                and not shape.elements
            ):
                for attribute in shape.attributes:
                    value = attribute.value
                    if attribute.spec_id not in rules.all_ids or len(value) > MAX_ATTRIBUTE_LENGTH or "\0" in value:
                        break
                else:
                    continue
            self._check_shape(shape, rules, f"shapes[{index}]")
            if len(self.errors) >= MAX_ERRORS:
                return

    def check_tracks(self, tracks: Sequence[Track]) -> None:
        for index, track in enumerate(tracks):
            if len(self.errors) >= MAX_ERRORS:
                return
            before = len(self.errors)
            self._check_track(track, f"tracks[{index}]")
            if len(self.errors) == before:
                normalise_track(track)

    def _check_shape(self, shape: Shape, rules: LabelRules | None, path: str) -> None:
        self._check_common(shape, path)
        self._check_geometry(shape, path)
        if not 0.0 <= shape.score <= 1.0:
            self._add(f"{path}.score", "Ensure this value is between 0 and 1.")
        if shape.frame not in self._frames:
            self._add(f"{path}.frame", self._frame_error(shape.frame))
        if rules is None:
            self._unknown_label(shape.label_id, path)
            return
        self._check_attributes(shape.attributes, rules.all_ids, path)
        self._check_has_elements(shape.type, shape.elements, path)
        seen: set[int] = set()
        for index, element in enumerate(shape.elements):
            self._check_element(element, shape, rules, seen, f"{path}.elements[{index}]")

    def _check_element(self, element: Element, parent: Shape, rules: LabelRules, seen: set[int], path: str) -> None:
        element.frame = parent.frame
        self._check_common(element, path)
        self._check_geometry(element, path)
        self._check_element_type(element, path)
        sublabel = self._check_sublabel(element.label_id, rules, seen, path)
        if sublabel is not None:
            self._check_attributes(element.attributes, sublabel.all_ids, path)

    def _check_track(self, track: Track, path: str) -> None:
        self._check_common(track, path)
        rules = self._labels.get(track.label_id)
        if rules is None:
            self._unknown_label(track.label_id, path)
            return
        if not self._start <= track.frame <= self._stop:
            self._add(f"{path}.frame", self._frame_error(track.frame))
        self._check_keyframes(track, rules, path)
        if not track.shapes:
            return
        self._check_has_elements(track.shapes[0].type, track.elements, path)
        seen: set[int] = set()
        for index, element in enumerate(track.elements):
            element_path = f"{path}.elements[{index}]"
            self._check_common(element, element_path)
            sublabel = self._check_sublabel(element.label_id, rules, seen, element_path)
            if sublabel is not None:
                self._check_keyframes(element, sublabel, element_path)
                for position, shape in enumerate(element.shapes):
                    self._check_element_type(shape, f"{element_path}.shapes[{position}]")

    def _check_keyframes(self, track: Track | ElementTrack, rules: LabelRules, path: str) -> None:
        self._check_attributes(track.attributes, rules.immutable_ids, path)
        if not track.shapes:
            self._add(f"{path}.shapes", "a track needs at least one keyframe")
            return
        shape_type = track.shapes[0].type
        if shape_type == ShapeType.MASK:
            self._add(f"{path}.shapes[0].type", "masks cannot be tracked")
            return
        for index, shape in enumerate(track.shapes):
            if len(self.errors) >= MAX_ERRORS:
                return
            shape_path = f"{path}.shapes[{index}]"
            if shape.type != shape_type:
                self._add(f"{shape_path}.type", "all keyframes of a track must have the same type")
            self._check_geometry(shape, shape_path)
            self._check_attributes(shape.attributes, rules.mutable_ids, shape_path)
            is_closing = shape.outside and shape.frame == self._stop + 1
            if not (self._start <= shape.frame <= self._stop or is_closing):
                self._add(f"{shape_path}.frame", self._frame_error(shape.frame))

    def _check_common(self, item: Tag | Shape | Element | Track | ElementTrack, path: str) -> None:
        if item.group is None:
            item.group = 0
        elif not 0 <= item.group <= MAX_INTEGER:
            self._add(f"{path}.group", _bound_error(item.group, 0))
        if item.source not in KNOWN_SOURCES:
            item.source = _DEFAULT_SOURCE
        if item.id is not None and not 0 <= item.id <= MAX_ID:
            self._add(f"{path}.id", "A valid id is required.")

    def _check_geometry(self, shape: Shape | Element | TrackedShape, path: str) -> None:
        problem = points_error(shape.type, shape.points)
        if problem is not None:
            self._add(f"{path}.points", problem)
        if shape.rotation != 0.0:
            problem = rotation_error(shape.rotation)
            if problem is not None:
                self._add(f"{path}.rotation", problem)
            elif shape.type not in TURNING_TYPES:
                shape.rotation = 0.0
        if not -MAX_INTEGER <= shape.z_order <= MAX_INTEGER:
            self._add(f"{path}.z_order", _bound_error(shape.z_order, -MAX_INTEGER))

    def _check_attributes(self, attributes: Sequence[AttributeValue], allowed: frozenset[int], path: str) -> None:
        for index, attribute in enumerate(attributes):
            problem = attribute_error(attribute, allowed)
            if problem is not None:
                field, message = problem
                self._add(f"{path}.attributes[{index}].{field}", message)

    def _check_has_elements(
        self, shape_type: ShapeType, elements: Sequence[Element] | Sequence[ElementTrack], path: str
    ) -> None:
        if shape_type == ShapeType.SKELETON and not elements:
            self._add(f"{path}.elements", "a skeleton needs at least one element")
        elif shape_type != ShapeType.SKELETON and elements:
            self._add(f"{path}.elements", f"a {shape_type} has no elements")

    def _check_element_type(self, element: Element | TrackedShape, path: str) -> None:
        if element.type in (ShapeType.SKELETON, ShapeType.MASK):
            self._add(f"{path}.type", f"an element of a skeleton cannot be a {element.type}")
        elif element.type == ShapeType.POINTS and len(element.points) != 2:
            self._add(f"{path}.points", "an element of a skeleton is exactly one point")

    def _check_sublabel(self, label_id: int, rules: LabelRules, seen: set[int], path: str) -> LabelRules | None:
        sublabel = rules.sublabels.get(label_id)
        if sublabel is None:
            self._unknown_label(label_id, path)
        elif label_id in seen:
            self._add(f"{path}.label_id", "a skeleton has one element per sublabel")
        seen.add(label_id)
        return sublabel

    def _unknown_label(self, label_id: int, path: str) -> None:
        self._add(f"{path}.label_id", f"label_id `{label_id}` is invalid")

    def _frame_error(self, frame: int) -> str:
        if frame < 0:
            return "Ensure this value is greater than or equal to 0."
        return f"frame {frame} is not one of the frames {self._start} to {self._stop}"

    def _add(self, path: str, message: str) -> None:
        self.errors.append(AnnotationError(path, message))


def _bound_error(value: int, least: int) -> str:
    if value < least:
        return f"Ensure this value is greater than or equal to {least}."
    return f"Ensure this value is less than or equal to {MAX_INTEGER}."
