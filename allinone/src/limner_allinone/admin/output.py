"""What commands print: tables for people, JSON for programs; and the question before what cannot be undone."""

import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from limner_common.clock import wire_date
from limner_common.errors import DomainError, ErrorKind

_SIZES = ("B", "KB", "MB", "GB", "TB")


class NotConfirmed(DomainError):
    """The operator did not say yes."""

    kind = ErrorKind.NOT_ALLOWED


def print_rows(arguments: Namespace, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, nothing: str) -> None:
    """Print a list.

    Args:
        arguments: With ``json`` all of each row goes out as one JSON array; without, a table.
        columns: Keys shown in the table, in order.
        rows: What to print.
        nothing: Said instead of an empty table.
    """
    listed = list(rows)
    if arguments.json:
        print_json(listed)
    elif not listed:
        print(nothing)
    else:
        _print_table(columns, [[_cell(row.get(column)) for column in columns] for row in listed])


def print_fields(arguments: Namespace, fields: Mapping[str, Any]) -> None:
    """Print one thing: a line per field, or one JSON object."""
    if arguments.json:
        print_json(fields)
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        print(f"{name.ljust(width)}  {_cell(value)}".rstrip())


def print_json(value: Any) -> None:
    """Print a value as JSON; moments as the API writes them."""
    print(orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_PASSTHROUGH_DATETIME).decode())


def say(arguments: Namespace, line: str) -> None:
    """Tell people something that programs do not read: on standard error beside JSON."""
    print(line, file=sys.stderr if arguments.json else sys.stdout, flush=True)


def confirm(arguments: Namespace, question: str) -> None:
    """Ask before something that cannot be undone; ``--yes`` has answered.

    Raises:
        NotConfirmed: The answer is no, or there is nobody to ask.
    """
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise NotConfirmed(f"{question} Nobody can be asked here: say --yes.")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NotConfirmed("Nothing was done.")


def size_text(size_bytes: int) -> str:
    """Return a size for people, such as ``3.2 GB``; 1 KB are 1024 bytes."""
    size, unit = float(size_bytes), 0
    while size >= 1024 and unit < len(_SIZES) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size_bytes} B" if unit == 0 else f"{size:.1f} {_SIZES[unit]}"


def _print_table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    heads = [column.replace("_", " ").upper() for column in columns]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for line in (heads, *cells):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return wire_date(value)[:19].replace("T", " ")
        case list() | tuple():
            return ", ".join(map(_cell, value)) or "-"
        case dict():
            return orjson.dumps(value, default=_plain).decode()
        case _:
            return str(value)


def _plain(value: Any) -> Any:
    return wire_date(value) if isinstance(value, datetime) else str(value)
