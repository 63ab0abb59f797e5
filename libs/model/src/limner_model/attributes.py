"""Attribute values that are absent from a document: defaults, and values carried from keyframe to keyframe."""

from collections.abc import Iterable

from limner_model.annotations import AttributeValue, ElementTrack, LabeledData, Track
from limner_model.labels import LabelSchema, LabelSpec

_Defaults = dict[int, dict[int, AttributeValue]]


class AttributeDefaults:
    """The default attribute values of the labels and sublabels of a schema.

    The ``fill`` functions return values in the order of the label's specifications, keep the last of repeated values, and
    leave out values of attributes that the label does not have. Without a schema, and for unknown labels, they return
    what they are given.
    """

    def __init__(self, schema: LabelSchema | None) -> None:
        """Index a schema; O(attributes)."""
        labels = [] if schema is None else list(_with_sublabels(schema.labels))
        self._all: _Defaults = {label.id: _defaults(label, (True, False)) for label in labels}
        self._mutable: _Defaults = {label.id: _defaults(label, (True,)) for label in labels}
        self._immutable: _Defaults = {label.id: _defaults(label, (False,)) for label in labels}

    def fill(self, label_id: int, attributes: list[AttributeValue]) -> list[AttributeValue]:
        """Return the values of all attributes of a label."""
        return _fill(self._all.get(label_id), attributes)

    def fill_mutable(self, label_id: int, attributes: list[AttributeValue]) -> list[AttributeValue]:
        """Return the values of the mutable attributes of a label."""
        return _fill(self._mutable.get(label_id), attributes)

    def fill_immutable(self, label_id: int, attributes: list[AttributeValue]) -> list[AttributeValue]:
        """Return the values of the immutable attributes of a label."""
        return _fill(self._immutable.get(label_id), attributes)


def fill_defaults(data: LabeledData, schema: LabelSchema) -> LabeledData:
    """Fill absent attribute values of a document in place, as a client reads it.

    Tags, shapes and skeleton elements get defaults, tracks defaults of immutable attributes, and keyframes the value of
    the keyframe before, or the default.

    Returns:
        The same document.
    """
    defaults = AttributeDefaults(schema)
    for tag in data.tags:
        tag.attributes = defaults.fill(tag.label_id, tag.attributes)
    for shape in data.shapes:
        shape.attributes = defaults.fill(shape.label_id, shape.attributes)
        for element in shape.elements:
            element.attributes = defaults.fill(element.label_id, element.attributes)
    for track in data.tracks:
        _fill_track(track, defaults)
        for element_track in track.elements:
            _fill_track(element_track, defaults)
    return data


def carry_values(before: list[AttributeValue], given: list[AttributeValue]) -> list[AttributeValue]:
    """Return the values in force at a keyframe: its own, and of the keyframe before where it has none."""
    if not before or not given:
        return given or before
    values = {attribute.spec_id: attribute for attribute in before}
    values.update((attribute.spec_id, attribute) for attribute in given)
    return list(values.values())


def _fill_track(track: Track | ElementTrack, defaults: AttributeDefaults) -> None:
    track.attributes = defaults.fill_immutable(track.label_id, track.attributes)
    carried: list[AttributeValue] = []
    for shape in track.shapes:
        carried = defaults.fill_mutable(track.label_id, carry_values(carried, shape.attributes))
        shape.attributes = carried


def _with_sublabels(labels: Iterable[LabelSpec]) -> Iterable[LabelSpec]:
    for label in labels:
        yield label
        yield from label.sublabels


def _defaults(label: LabelSpec, slots: tuple[bool, ...]) -> dict[int, AttributeValue]:
    return {
        spec.id: AttributeValue(spec_id=spec.id, value=spec.default_value)
        for spec in label.attributes
        if spec.mutable in slots
    }


def _fill(defaults: dict[int, AttributeValue] | None, attributes: list[AttributeValue]) -> list[AttributeValue]:
    if defaults is None:
        return attributes
    if not attributes:
        return list(defaults.values())
    if [attribute.spec_id for attribute in attributes] == [*defaults]:
        return attributes  # all are there in order: what most clients send
    given = {attribute.spec_id: attribute for attribute in attributes}
    return [given.get(spec_id, default) for spec_id, default in defaults.items()]
