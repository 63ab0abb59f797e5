"""What is logged can be searched: constant names of events, data in keywords, and no secrets among them."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.sources import ROOT, where

_LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
_EVENT = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
#: Names of what must not end up in a log, as keywords.
_SECRET = re.compile(r"password|secret|token|authorization|cookie|payload|body|headers|content")


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted([*ROOT.glob("*/*/src/limner_*/**/*.py"), *ROOT.glob("allinone/src/limner_allinone/*.py")]):
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, ast.Call) and _is_log(node.func):
                yield where(path, node.lineno), node


def _is_log(called: ast.expr) -> bool:
    return (
        isinstance(called, ast.Attribute)
        and called.attr in _LEVELS
        and isinstance(called.value, ast.Name)
        and called.value.id == "log"
    )


def test_events_have_constant_names_in_snake_case() -> None:
    calls = list(_calls())
    assert len(calls) > 20
    wrong = [
        place
        for place, call in calls
        if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant) or not _EVENT.fullmatch(str(call.args[0].value))
    ]
    assert wrong == [], "the first and only argument is the event's name, data go into keywords"


def test_no_keyword_is_named_like_a_secret() -> None:
    wrong = [
        (place, keyword.arg)
        for place, call in _calls()
        for keyword in call.keywords
        if keyword.arg is not None and _SECRET.search(keyword.arg)
    ]
    assert wrong == []


def test_modules_log_through_structlog() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted(ROOT.glob("*/*/src/limner_*/**/*.py"))
        if "logging.getLogger(" in path.read_text() and path.name != "logs.py"
    ]
    assert found == []
