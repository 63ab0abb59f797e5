"""Labels in request bodies."""

from typing import Annotated

from pydantic import BaseModel, Field

from limner_api.bodies import Id, RawText, Text
from limner_api.labels.inputs import AttributeInput, LabelInput

#: Far beyond any real schema; bounds the work one request can cause.
MAX_LABELS = 5_000
_MAX_ATTRIBUTES = 500
_MAX_VALUES = 1_000


class AttributeBody(BaseModel):
    """A new or changed attribute; null is the same as absent."""

    id: Id | None = None
    name: Text | None = None
    mutable: bool | None = None
    input_type: Text | None = None
    values: Annotated[list[RawText], Field(max_length=_MAX_VALUES)] | None = None
    default_value: RawText | None = None
    deleted: bool | None = None

    def read(self) -> AttributeInput:
        """Return the attribute as the rules know it."""
        return AttributeInput(
            id=self.id,
            name=self.name,
            mutable=self.mutable,
            input_type=self.input_type,
            values=None if self.values is None else tuple(self.values),
            default_value=self.default_value,
            deleted=bool(self.deleted),
        )


class LabelBody(BaseModel):
    """A new or changed label; null is the same as absent."""

    id: Id | None = None
    name: Text | None = None
    color: Text | None = None
    type: Text | None = None
    attributes: Annotated[list[AttributeBody], Field(max_length=_MAX_ATTRIBUTES)] | None = None
    sublabels: Annotated[list["LabelBody"], Field(max_length=MAX_LABELS)] | None = None
    svg: RawText | None = None
    deleted: bool | None = None

    def read(self) -> LabelInput:
        """Return the label as the rules know it."""
        return LabelInput(
            id=self.id,
            name=self.name,
            color=self.color,
            type=self.type,
            attributes=None if self.attributes is None else tuple(attribute.read() for attribute in self.attributes),
            sublabels=None if self.sublabels is None else tuple(label.read() for label in self.sublabels),
            svg=self.svg,
            deleted=bool(self.deleted),
        )


Labels = Annotated[list[LabelBody], Field(max_length=MAX_LABELS)]


def read_labels(labels: Labels | None) -> tuple[LabelInput, ...]:
    """Return labels as the rules know them; an absent list is empty."""
    return tuple(label.read() for label in labels or ())
