"""Recorded requests and answers of the public API, to be sent again and compared.

A record's answer must be contained in ours: every field it has must be there and equal; fields that newer clients know may
be added. Dates, ids of keys and hosts differ from run to run and are only compared in kind.
"""

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "golden" / "rest"
RECORDED_HOST = "http://localhost:8080"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
_SECRET_FIELDS = ("key", "invitation", "value")


@dataclass(frozen=True)
class Record:
    """One recorded exchange.

    Attributes:
        answer: The body where it is JSON or text.
        answer_headers: Those of the answer, names in lower case.
        content: The body where it is none of these and was small.
        members: Names in the body where it is a zip.
    """

    number: int
    name: str
    who: str
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int
    answer: Any
    answer_headers: dict[str, str]
    content: bytes | None
    members: list[str] | None


@dataclass(frozen=True)
class Difference:
    """Where our answer is meant to differ, and why.

    Attributes:
        reason: Why, in a sentence.
        status: Our status; that of the record when None.
        answer: Our body, or a part of it; that of the record when missing.
        without: Parts of the recorded answer that are not compared: names joined by dots, ``*`` for all items of a list.
        has_other_content: The body is a picture or an archive, and not like the recorded one.
    """

    reason: str
    status: int | None = None
    answer: Any = ...
    without: tuple[str, ...] = ()
    has_other_content: bool = False


def read_records(*ranges: tuple[int, int]) -> list[Record]:
    """Return the stored records with numbers in the ranges, ends included, in order."""
    return [
        _record(path)
        for path in sorted(FOLDER.glob("*.json"))
        if any(low <= int(path.name[:3]) <= high for low, high in ranges)
    ]


def problems(record: Record, difference: Difference | None, status: int, answer: Any, base_url: str) -> list[str]:
    """Return where an answer of ours is not what it should be; empty when it is."""
    wanted_status = record.status if difference is None or difference.status is None else difference.status
    wanted = record.answer if difference is None or difference.answer is ... else difference.answer
    for path in () if difference is None else difference.without:
        wanted = _without(wanted, path.split("."))
    found = [] if status == wanted_status else [f"status {status} instead of {wanted_status}"]
    return found + _differences(wanted, answer, "", base_url)


def unneeded(record: Record, difference: Difference | None, status: int, answer: Any, base_url: str) -> list[str]:
    """Return a complaint when an answer of ours is as recorded although a difference is expected."""
    if difference is None or problems(record, None, status, answer, base_url):
        return []
    return [f"is as recorded, without the difference: {difference.reason}"]


def _record(path: Path) -> Record:
    document = json.loads(path.read_text())
    request, response = document["request"], document["response"]
    return Record(
        number=int(path.name[:3]),
        name=document["name"],
        who=document["as"],
        method=request["method"],
        path=request["path"],
        headers=request["headers"],
        body=request["body"],
        status=response["status"],
        answer=response.get("body"),
        answer_headers={name.lower(): value for name, value in response["headers"].items()},
        content=base64.b64decode(response["body_base64"]) if "body_base64" in response else None,
        members=[name for name, *_ in response["zip_entries"]] if "zip_entries" in response else None,
    )


def _without(value: Any, path: list[str]) -> Any:
    first, *rest = path
    match value:
        case list() if first == "*":
            return [_without(item, rest) for item in value]
        case dict() if first in value:
            kept = {name: item for name, item in value.items() if name != first}
            return {**kept, first: _without(value[first], rest)} if rest else kept
    raise AssertionError(f"the recorded answer has no {first!r}")


def _differences(wanted: Any, found: Any, where: str, base_url: str) -> list[str]:
    match wanted:
        case dict():
            if not isinstance(found, dict):
                return [f"{where}: {found!r} is no object"]
            missing = [f"{where}.{name} is missing" for name in wanted if name not in found]
            return missing + [
                problem
                for name, value in wanted.items()
                if name in found and name not in _SECRET_FIELDS
                for problem in _differences(value, found[name], f"{where}.{name}", base_url)
            ]
        case list():
            if not isinstance(found, list) or len(found) != len(wanted):
                return [f"{where}: {found!r} instead of {wanted!r}"]
            pairs = enumerate(zip(wanted, found, strict=True))
            return [p for i, (a, b) in pairs for p in _differences(a, b, f"{where}[{i}]", base_url)]
        case str() if _DATE.fullmatch(wanted):
            is_date = isinstance(found, str) and _DATE.fullmatch(found)
            return [] if is_date else [f"{where}: {found!r} is no date"]
        case str():
            expected = wanted.replace(RECORDED_HOST, base_url)
            return [] if found == expected else [f"{where}: {found!r} instead of {expected!r}"]
        case _:
            return [] if found == wanted else [f"{where}: {found!r} instead of {wanted!r}"]
