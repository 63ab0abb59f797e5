"""Finds in a migration what the release before it, still running, would not survive."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Operations that take something away or make older writers fail.
_NARROWING = {
    "drop_table",
    "drop_column",
    "drop_constraint",
    "rename_table",
    "create_unique_constraint",
    "create_check_constraint",
    "create_exclude_constraint",
    "create_foreign_key",
    "create_primary_key",
}
_NARROWING_CHANGES = {"new_column_name", "type_", "server_default"}
_NARROWING_SQL = re.compile(
    r"\b(DROP\s+(TABLE|COLUMN|SCHEMA|TYPE|VIEW|FUNCTION|CONSTRAINT)|RENAME|TRUNCATE|SET\s+NOT\s+NULL|ALTER\s+COLUMN\s+\w+\s+TYPE"
    r"|ADD\s+CONSTRAINT|DELETE\s+FROM|CREATE\s+UNIQUE)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Script:
    """What matters of a migration.

    Attributes:
        revision: Its id.
        before: The revision it follows; None for the first one.
        oldest_code: The oldest revision whose code it says still runs; None when it narrows nothing.
        narrowing: What older code would not survive, one line each.
    """

    revision: str
    before: str | None
    oldest_code: str | None
    narrowing: tuple[str, ...]


def read_script(source: str) -> Script:
    """Read a migration; tables that it makes itself are nobody else's yet, and the first one has nothing before it.

    A column that it makes itself is left empty by older code, and rows where one is empty are never the same twice.
    """
    tree = ast.parse(source)
    names = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    upgrade = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    calls = [node for node in ast.walk(upgrade) if isinstance(node, ast.Call)]
    operations = [(call.func.attr, call) for call in calls if isinstance(call.func, ast.Attribute) and _is_op(call.func)]
    own = {_text(call.args[0]) for name, call in operations if name == "create_table"}
    own |= {f"{_text(call.args[0])}.{column}" for name, call in operations if (column := _left_empty(name, call))}
    found = () if names["down_revision"] is None else tuple(_narrowing(operations, own))
    return Script(names["revision"], names["down_revision"], names.get("oldest_code"), found)


def _narrowing(operations: list[tuple[str, ast.Call]], own: set[str]) -> Iterator[str]:
    for name, call in operations:
        words = [_text(argument) for argument in call.args]
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        if own & {*words, _text(keywords.get("table_name"))}:
            continue
        if name == "execute":
            if match := _NARROWING_SQL.search(ast.unparse(call)):
                yield f"line {call.lineno}: {match[0]}"
        elif _narrows(name, call, keywords, own):
            yield f"line {call.lineno}: op.{name}({', '.join(filter(None, words))})"


def _left_empty(name: str, call: ast.Call) -> str:
    """Return the name of a column that an operation adds and older code leaves empty; empty for other operations."""
    if name != "add_column":
        return ""
    column = next(argument for argument in call.args if isinstance(argument, ast.Call))
    given = {keyword.arg for keyword in column.keywords}
    return "" if given & {"nullable", "server_default"} else _text(column.args[0])


def _narrows(name: str, call: ast.Call, keywords: dict[str | None, ast.expr], own: set[str]) -> bool:
    match name:
        case "alter_column":
            return bool(_NARROWING_CHANGES & set(keywords)) or _is(keywords.get("nullable"), value=False)
        case "add_column":
            column = next(argument for argument in call.args if isinstance(argument, ast.Call))
            given = {keyword.arg: keyword.value for keyword in column.keywords}
            return _is(given.get("nullable"), value=False) and "server_default" not in given
        case "create_index":
            columns = call.args[2].elts if isinstance(call.args[2], ast.List) else []
            is_new = any(f"{_text(call.args[1])}.{_text(column)}" in own for column in columns)
            return _is(keywords.get("unique"), value=True) and not is_new
        case _:
            return name in _NARROWING


def _is_op(attribute: ast.Attribute) -> bool:
    return isinstance(attribute.value, ast.Name) and attribute.value.id == "op"


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is(node: ast.expr | None, *, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
