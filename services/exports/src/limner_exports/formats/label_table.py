"""The labels of an export, indexed for writers."""

from collections.abc import Iterable
from dataclasses import dataclass

from limner_exports.formats.xml_text import escape_text, quote_attribute
from limner_model.annotations import AttributeValue
from limner_model.labels import AttributeSpec, AttributeType, LabelSchema, LabelSpec

PlainValue = str | bool | float


@dataclass(frozen=True, slots=True)
class LabelInfo:
    """A label or sublabel.

    ``index`` counts all labels from 0, sublabels right after their skeleton; ``top_index`` only top-level ones, and is that
    of the skeleton for a sublabel. ``xml_name`` is the quoted attribute value.
    """

    spec: LabelSpec
    name: str
    xml_name: str
    index: int
    top_index: int
    parent: str
    attributes: tuple[AttributeSpec, ...]


class LabelTable:
    """Labels by id and in order.

    Attributes:
        all: Labels with each skeleton's sublabels after it.
        top: Top-level labels.
    """

    def __init__(self, schema: LabelSchema) -> None:
        self.all: list[LabelInfo] = []
        self.top: list[LabelInfo] = []
        for top_index, label in enumerate(schema.labels):
            self.top.append(self._add(label, top_index, ""))
            for sub in label.sublabels:
                self._add(sub, top_index, label.name)
        self.by_id = {info.spec.id: info for info in self.all}
        self.attribute_specs = {spec.id: spec for info in self.all for spec in info.attributes}
        self.attribute_xml = {spec.id: (quote_attribute(spec.name)) for spec in self.attribute_specs.values()}

    def values(self, info: LabelInfo, given: Iterable[AttributeValue]) -> dict[str, PlainValue]:
        """Values of all attributes of a label, typed, by ascending attribute id; missing ones have their default."""
        if not info.attributes:
            return {}
        by_id = {item.spec_id: item.value for item in given}
        values: dict[str, PlainValue] = {}
        for spec in info.attributes:
            text = by_id.get(spec.id)
            values[spec.name] = plain_value(spec, spec.default_value if text is None else text)
        return values

    def xml_attributes(self, info: LabelInfo, given: Iterable[AttributeValue], indent: str) -> str:
        """The ``<attribute>`` lines of an object, all attributes of its label by ascending id."""
        if not info.attributes:
            return ""
        by_id = {item.spec_id: item.value for item in given}
        names = self.attribute_xml
        return "".join(
            f"{indent}<attribute name={names[spec.id]}>{escape_text(by_id.get(spec.id, spec.default_value))}</attribute>\n"
            for spec in info.attributes
        )

    def _add(self, label: LabelSpec, top_index: int, parent: str) -> LabelInfo:
        attributes = tuple(sorted(label.attributes, key=lambda spec: spec.id))
        name = quote_attribute(label.name)
        info = LabelInfo(label, label.name, name, len(self.all), top_index, parent, attributes)
        self.all.append(info)
        return info


def plain_value(spec: AttributeSpec, value: str) -> PlainValue:
    """Type an attribute value: numbers are floats, checkboxes are bools; a number that is none stays text."""
    if spec.input_type is AttributeType.CHECKBOX:
        return value.strip().lower() == "true"
    if spec.input_type is AttributeType.NUMBER:
        try:
            return float(value)
        except ValueError:
            return value
    return value
