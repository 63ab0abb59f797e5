"""Reading JSON of unknown origin in constant memory."""

from collections.abc import Iterator

import ijson

from limner_exports.formats.archive import SafeArchive
from limner_exports.formats.base import FormatError


def iter_json(archive: SafeArchive, member: str, prefix: str) -> Iterator[object]:
    """Yield the values at a prefix such as ``images.item``; numbers are int and float, one value is held at a time.

    Raises:
        FormatError: The member is not JSON, or is damaged.
    """
    with archive.open(member) as file:
        try:
            yield from ijson.items(file, prefix, use_float=True)
        except (ijson.JSONError, UnicodeDecodeError, ValueError, RecursionError) as error:
            raise FormatError(f"not valid JSON ({_first_line(error)})", member) from error


def as_dict(value: object, where: str) -> dict[str, object]:
    """Require an object.

    Raises:
        FormatError: It is something else.
    """
    if not isinstance(value, dict):
        raise FormatError("expected an object", where)
    return value


def as_list(value: object, where: str) -> list[object]:
    """Require an array.

    Raises:
        FormatError: It is something else.
    """
    if not isinstance(value, list):
        raise FormatError("expected an array", where)
    return value


def as_floats(value: object, where: str, count: int | None = None) -> list[float]:
    """Require an array of numbers, of a certain length when given.

    Raises:
        FormatError: It is something else.
    """
    items = as_list(value, where)
    if count is not None and len(items) != count:
        raise FormatError(f"expected {count} numbers, found {len(items)}", where)
    return [as_float(item, where) for item in items]


def as_float(value: object, where: str) -> float:
    """Require a number.

    Raises:
        FormatError: It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError("expected a number", where)
    try:
        return float(value)
    except OverflowError as error:
        raise FormatError("the number is too large", where) from error


def as_int(value: object, where: str) -> int:
    """Require a whole number.

    Raises:
        FormatError: It is something else.
    """
    number = as_float(value, where)
    if not number.is_integer():
        raise FormatError("expected a whole number", where)
    return int(value) if isinstance(value, int) else int(number)


def as_str(value: object, where: str) -> str:
    """Require text.

    Raises:
        FormatError: It is something else.
    """
    if not isinstance(value, str):
        raise FormatError("expected text", where)
    return value


def as_attributes(value: object) -> dict[str, str | bool | int | float]:
    """Take the plain values of an object; nested ones are left out, as is anything that is no object."""
    if not isinstance(value, dict):
        return {}
    return {str(name): item for name, item in value.items() if isinstance(item, str | bool | int | float)}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].strip()
