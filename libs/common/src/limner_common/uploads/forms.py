"""Form bodies read as they arrive: multipart with files of any size, and urlencoded."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from limner_common.errors import Invalid, TooLarge
from limner_common.http.json import read_body

#: All text fields of one body together.
_MAX_FIELDS_BYTES = 64 << 20
_INDEXED = re.compile(r"(.+)\[(\d{1,9})\]")
#: What browsers and urllib3 escape in names (WHATWG HTML, multipart form data).
_ESCAPES = (("%22", '"'), ("%0D", "\r"), ("%0A", "\n"))


@dataclass(frozen=True, slots=True)
class FormField:
    """A text field, whole."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FileStart:
    """A file begins. ``filename`` is as the client sent it: any text, often an absolute path."""

    field: str
    filename: str


@dataclass(frozen=True, slots=True)
class FileData:
    """Some bytes of the file that began last."""

    data: bytes


@dataclass(frozen=True, slots=True)
class FileEnd:
    """The file that began last is over."""


FormEvent: TypeAlias = FormField | FileStart | FileData | FileEnd


@dataclass(slots=True)
class FormFields:
    """The text fields of a form; ``name[0]``, ``name[1]`` … and repeated plain names are lists."""

    _plain: dict[str, list[str]] = field(default_factory=dict)
    _indexed: dict[str, dict[int, str]] = field(default_factory=dict)

    def add(self, name: str, value: str) -> None:
        """Take one field."""
        if match := _INDEXED.fullmatch(name):
            self._indexed.setdefault(match[1], {})[int(match[2])] = value
        else:
            self._plain.setdefault(name, []).append(value)

    def values(self) -> dict[str, str | list[str]]:
        """Return the fields by name: text where there was one value, a list in order of the indices otherwise."""
        found: dict[str, str | list[str]] = {
            name: values[0] if len(values) == 1 else values for name, values in self._plain.items()
        }
        for name, by_index in self._indexed.items():
            found[name] = [by_index[index] for index in sorted(by_index)]
        return found


def is_form(request: Request) -> bool:
    """Say if the body is a form."""
    return _content_type(request)[0] in ("multipart/form-data", "application/x-www-form-urlencoded")


async def form_events(request: Request) -> AsyncIterator[FormEvent]:
    """Yield the fields and files of a form body as they arrive; memory is bounded by the fields.

    Raises:
        Invalid: It is no form, or ends too early.
        TooLarge: The text fields are above 64 MiB.
    """
    content_type, options = _content_type(request)
    if content_type == "application/x-www-form-urlencoded":
        body = await read_body(request, limit_bytes=_MAX_FIELDS_BYTES)
        for name, value in parse_qsl(body.decode(errors="replace"), keep_blank_values=True):
            yield FormField(name, value)
        return
    boundary = options.get(b"boundary")
    if content_type != "multipart/form-data" or not boundary:
        raise Invalid("A form (multipart/form-data) is expected.", code="form_expected")
    parser = _EventParser(boundary)
    try:
        async for block in request.stream():
            for event in parser.feed(block):
                yield event
    except ClientDisconnect:
        raise _CutShort from None
    if not parser.is_over:
        raise _CutShort


class _CutShort(Invalid):
    def __init__(self) -> None:
        super().__init__("The form is cut short.", code="form_cut_short")


class _EventParser:
    """Turns the parser's callbacks into events."""

    def __init__(self, boundary: bytes) -> None:
        self.is_over = False
        self._events: list[FormEvent] = []
        self._header_name = b""
        self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._value: list[bytes] | None = None
        self._fields_bytes = 0
        callbacks: Any = {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_text,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary, callbacks)

    def feed(self, block: bytes) -> list[FormEvent]:
        """Return what ``block`` brought to an end or carried."""
        self._events = []
        if block:
            try:
                self._parser.write(block)
            except MultipartParseError as error:
                raise Invalid(f"The form cannot be read: {error}", code="form_malformed") from error
        return self._events

    def _part_begin(self) -> None:
        self._headers = {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_text(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"").decode("utf-8", "replace")
        # The parser of options speaks latin-1; what clients send is UTF-8.
        _, options = parse_options_header(disposition.encode().decode("latin-1"))
        if b"name" not in options:
            raise Invalid("A part of the form has no name.", code="form_malformed")
        self._name = _text(options[b"name"])
        if b"filename" in options:
            self._value = None
            self._events.append(FileStart(self._name, _text(options[b"filename"])))
        else:
            self._value = []

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._value is None:
            self._events.append(FileData(piece))
            return
        self._fields_bytes += len(piece)
        if self._fields_bytes > _MAX_FIELDS_BYTES:
            raise TooLarge("The text fields of the form are too large.", code="form_too_large")
        self._value.append(piece)

    def _part_end(self) -> None:
        if self._value is None:
            self._events.append(FileEnd())
        else:
            self._events.append(FormField(self._name, b"".join(self._value).decode("utf-8", "replace")))

    def _end(self) -> None:
        self.is_over = True


def _text(value: bytes) -> str:
    text = value.decode("utf-8", "replace")
    for escape, character in _ESCAPES:
        text = text.replace(escape, character)
    return text


def _content_type(request: Request) -> tuple[str, dict[bytes, bytes]]:
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    return content_type.decode("latin-1"), options
