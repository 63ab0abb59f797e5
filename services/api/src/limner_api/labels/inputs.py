"""Labels as they are sent: by people who make and change them, and by files that bring them.

None means "not given" throughout; nothing here has another meaning for null.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from limner_common.errors import Invalid

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeInput:
    """An attribute specification, new or changed.

    Attributes:
        id: The existing specification that changes; None for a new one.
        name: Unique in its label.
        mutable: Whether values may differ along a track.
        input_type: One of ``limner_model.labels.AttributeType``.
        values: Options, ``[min, max, step]`` for numbers.
        default_value: Value of objects that give none.
        deleted: Remove the existing specification.
    """

    id: int | None = None
    name: str | None = None
    mutable: bool | None = None
    input_type: str | None = None
    values: tuple[str, ...] | None = None
    default_value: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelInput:
    """A label or sublabel, new or changed.

    Attributes:
        id: The existing label that changes; None for a new one.
        name: Unique on its level.
        color: ``#rrggbb``; chosen by us when empty.
        type: What it may be drawn as.
        attributes: New and changed specifications; others stay.
        sublabels: Points of a skeleton.
        svg: A skeleton's template; nodes name their sublabels by ``data-label-name``, or existing ones by ``data-label-id``.
        deleted: Remove the existing label and its annotations.
    """

    id: int | None = None
    name: str | None = None
    color: str | None = None
    type: str | None = None
    attributes: tuple[AttributeInput, ...] | None = None
    sublabels: tuple["LabelInput", ...] | None = None
    svg: str | None = None
    deleted: bool = False


def check_each(name: str, items: Sequence[T], check: Callable[[T], R]) -> tuple[R, ...]:
    """Check the items of a list and return what the checks made of them.

    Args:
        name: Field that holds the list.
        items: What to check.
        check: Raises ``Invalid`` with the errors of one item.

    Raises:
        Invalid: Some are wrong; the field has one entry per item, empty for those in order.
    """
    made: list[R] = []
    errors: list[Any] = []
    for item in items:
        try:
            made.append(check(item))
            errors.append({})
        except Invalid as error:
            errors.append(error.fields or {"non_field_errors": [error.message]})
    if any(errors):
        raise Invalid(fields={name: errors})
    return tuple(made)


def wrong(field: str, message: str) -> Invalid:
    """Return the error of one field."""
    return Invalid(fields={field: [message]})


def checked_name(name: str | None, *, existing: str | None = None, max_length: int = 64) -> str:
    """Return a name without surrounding space, or the existing one when none is given.

    Raises:
        Invalid: None is given for something new, or it is blank or too long.
    """
    if name is None:
        if existing is None:
            raise wrong("name", "This field is required.")
        return existing
    stripped = name.strip()
    if not stripped:
        raise wrong("name", "This field may not be blank.")
    if len(stripped) > max_length:
        raise wrong("name", f"Ensure this field has no more than {max_length} characters.")
    check_storable("name", stripped)
    return stripped


def check_storable(field: str, text: str) -> None:
    """Check that the database can hold a text.

    Raises:
        Invalid: It has null characters or lone surrogates.
    """
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise wrong(field, "Null characters are not allowed.")
