"""Fields that filters can name, and the reading of values compared with them.

Values end in SQL parameters. They are checked here for all that PostgreSQL refuses (numbers beyond 64 bits, NUL characters,
lone surrogates), so that no filter makes a statement fail.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

_MAX_INTEGER = 2**63 - 1
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_YEAR_AND_MONTH = re.compile(r"([0-9]{4})(?:-([0-9]{1,2}))?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}

#: What a filter compares with.
Value = int | str | bool | datetime


class Kind(StrEnum):
    """What a field holds."""

    INTEGER = "integer"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"


class BadValue(ValueError):
    """A value that cannot be compared with the field."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """What is known of a field without its table.

    Attributes:
        kind: What it holds.
        choices: The only values there are; None for any. Only for text.
        aliases: Older spellings of choices.
    """

    kind: Kind
    choices: frozenset[str] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Field:
    """A field and the column or expression that holds it."""

    column: sa.ColumnElement[Any]
    spec: FieldSpec


FieldMap = Mapping[str, Field]


def read_value(spec: FieldSpec, value: object) -> Value:
    """Turn a JSON value into what the field is compared with.

    Numbers may come as text and text as numbers; dates may lack their time, day and month, and are UTC unless they say
    otherwise.

    Raises:
        BadValue: It cannot be compared with the field; the message says what is expected.
    """
    match spec.kind:
        case Kind.INTEGER:
            return _integer(value)
        case Kind.TEXT:
            text = _text(value)
            return spec.aliases.get(text, text)
        case Kind.BOOLEAN:
            return _boolean(value)
        case Kind.DATE:
            return _date(value)


def parameter(spec: FieldSpec, value: Value) -> sa.BindParameter[Any]:
    """Return a value as a statement parameter, typed wide enough for every value ``read_value`` lets through."""
    match spec.kind:
        case Kind.INTEGER:
            return sa.literal(value, sa.BigInteger)
        case Kind.TEXT:
            return sa.literal(value, sa.Text)
        case Kind.BOOLEAN:
            return sa.literal(value, sa.Boolean)
        case Kind.DATE:
            return sa.literal(value, sa.DateTime(timezone=True))


def is_storable_text(text: str) -> bool:
    """Return whether PostgreSQL can hold the text."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def like_pattern(text: str) -> str:
    r"""Return a LIKE pattern that finds the text anywhere, with ``\`` as escape character."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _integer(value: object) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadValue("Enter a number.")
    if abs(value) > _MAX_INTEGER:
        raise BadValue("The number is too large.")
    return value


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadValue("Enter a text.")
    text = value if isinstance(value, str) else str(value)
    if not is_storable_text(text):
        raise BadValue("Null characters are not allowed.")
    return text


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = _BOOLEANS.get(str(value).strip().lower()) if isinstance(value, str | int) else None
    if known is None:
        raise BadValue("Must be a valid boolean.")
    return known


def _date(value: object) -> datetime:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    try:
        if short := _YEAR_AND_MONTH.fullmatch(text):
            return datetime(int(short[1]), int(short[2] or 1), 1, tzinfo=UTC)
        parsed = datetime.fromisoformat(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadValue("Enter a date such as 2026-01-31T12:00:00Z.") from error
