"""The label schema that annotations refer to: labels, sublabels of skeletons, and attribute specifications."""

from enum import StrEnum

import msgspec


class AttributeType(StrEnum):
    """How an attribute is entered, which also says which values are valid."""

    SELECT = "select"
    RADIO = "radio"
    CHECKBOX = "checkbox"
    NUMBER = "number"
    TEXT = "text"


class AttributeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Specification of one attribute. ``values`` are options, or ``[min, max, step]`` for numbers."""

    id: int
    name: str
    mutable: bool
    input_type: AttributeType
    default_value: str = ""
    values: list[str] = []


class LabelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A label or a sublabel. ``svg`` of a skeleton refers to sublabels by ``data-label-id``."""

    id: int
    name: str
    color: str = ""
    type: str = "any"
    attributes: list[AttributeSpec] = []
    sublabels: list["LabelSpec"] = []
    parent_id: int | None = None
    svg: str = ""


class LabelSchema(msgspec.Struct, frozen=True, kw_only=True):
    """The labels of a task or project at one version; ``version`` grows with every change."""

    version: int
    labels: list[LabelSpec] = []

    def by_id(self) -> dict[int, LabelSpec]:
        """Index labels and sublabels by id; O(labels)."""
        index = {label.id: label for label in self.labels}
        for label in self.labels:
            index.update((sub.id, sub) for sub in label.sublabels)
        return index
