"""Reading the wire form of a document from JSON, as leniently as its clients need.

Accepted beyond the plain types: attribute values that are numbers, booleans or null (kept as text), whole floats for
integers, 0 and 1 for booleans, and null for absent optional fields. Unknown fields are ignored. Source of the messages:
the CVAT server's answers.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from limner_model.annotations import LabeledData, Shape, Tag, Track
from limner_model.validation.errors import InvalidAnnotations


class _Incoming(msgspec.Struct, kw_only=True):
    """The document with the list of intervals, which media here do not have."""

    tags: list[Tag] = []
    shapes: list[Shape] = []
    tracks: list[Track] = []
    intervals: list[msgspec.Raw] = []


_decode = msgspec.json.Decoder(_Incoming).decode
_INTEGERS = ("id", "frame", "label_id", "group", "z_order", "spec_id")
_BOOLEANS = ("occluded", "outside")
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(?P<field>\w+)`")
_CHOICE = re.compile(r"Invalid enum value '(?P<value>.*)'")


def decode_labeled_data(body: bytes) -> LabeledData:
    """Read a document; numbers and ids are not checked yet (see ``validate_labeled_data``).

    Raises:
        InvalidAnnotations: The body is not JSON, or a field is missing or of a wrong type; the first fault only.
    """
    try:
        incoming = _decode(body)
    except msgspec.ValidationError:
        incoming = _decode_leniently(body)
    except msgspec.DecodeError as error:
        raise InvalidAnnotations([("", f"JSON parse error - {error}")]) from error
    except RecursionError as error:
        raise InvalidAnnotations([("", "JSON parse error - nested too deeply")]) from error
    if incoming.intervals:
        raise InvalidAnnotations([("intervals", "intervals belong to audio, which is not supported")])
    return LabeledData(tags=incoming.tags, shapes=incoming.shapes, tracks=incoming.tracks)


def _decode_leniently(body: bytes) -> _Incoming:
    try:
        document = msgspec.json.decode(body)
        if isinstance(document, dict):
            for each in _objects(document):
                _soften(each)
        return msgspec.convert(document, _Incoming)
    except msgspec.ValidationError as error:
        raise InvalidAnnotations([_located(str(error))]) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidAnnotations([("", f"JSON parse error - {error}")]) from error


def _objects(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the document, and every object and attribute in it."""
    yield document
    for name in ("tags", "shapes", "tracks"):
        for item in _members(document, name):
            yield from _with_attributes(item)
            for element in _members(item, "elements"):
                yield from _with_attributes(element)
                for keyframe in _members(element, "shapes"):
                    yield from _with_attributes(keyframe)
            for keyframe in _members(item, "shapes"):
                yield from _with_attributes(keyframe)


def _with_attributes(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield item
    for attribute in _members(item, "attributes"):
        if "value" in attribute:
            attribute["value"] = _text(attribute["value"])
        yield attribute


def _members(item: dict[str, Any], name: str) -> list[dict[str, Any]]:
    members = item.get(name)
    return [member for member in members if isinstance(member, dict)] if isinstance(members, list) else []


def _text(value: object) -> object:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool | int | float) else value


def _soften(item: dict[str, Any]) -> None:
    for name in [name for name, value in item.items() if value is None]:
        del item[name]
    _convert(item, _INTEGERS, _whole)
    _convert(item, _BOOLEANS, _truth)


def _convert(item: dict[str, Any], names: tuple[str, ...], convert: Callable[[object], object]) -> None:
    for name in names:
        if name in item:
            item[name] = convert(item[name])


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _truth(value: object) -> object:
    return bool(value) if isinstance(value, int) and value in (0, 1) else value


def _located(text: str) -> tuple[str, str]:
    """Return path and message of a fault in the words of the API."""
    found = _PLACE.match(text)
    assert found is not None
    what, path = found["what"], (found["path"] or "").removeprefix(".")
    missing = _MISSING.search(what)
    if missing:
        return f"{path}.{missing['field']}".removeprefix("."), "This field is required."
    choice = _CHOICE.search(what)
    if choice:
        return path, f'"{choice["value"]}" is not a valid choice.'
    if "Expected `int" in what:
        return path, "A valid integer is required."
    if "Expected `float" in what:
        return path, "Value must be a float or an integer" if path.endswith("]") else "A valid number is required."
    return path, "Must be a valid boolean." if "Expected `bool" in what else what
