"""``filter=`` of lists: JSON logic compiled to a condition.

    {"and": [rule, …]}  {"or": [rule, …]}           all, any; lists of one or more
    {"!": rule}  {"!!": rule}                        not, yes; the rule may stand in a list of one
    {"var": name}                                    the field is set
    {"==": [{"var": name}, value]}                   also < > <= >=; null compares with "not set"
    {"<=": [low, {"var": name}, high]}               between, ends included; with "<" excluded
    {"in": [{"var": name}, [value, …]]}              one of
    {"in": ["text", {"var": name}]}                  contains, case-sensitive

A comparison may name its value first: ``{"<=": [low, {"var": name}]}`` reads "low <= field". A field that is not set makes a
comparison false and its negation true.

Source: https://jsonlogic.com and the list operations of the public API.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from limner_api.lists.fields import BadValue, Field, FieldMap, Kind, like_pattern, parameter, read_value
from limner_common.errors import Invalid

Condition = sa.ColumnElement[bool]

#: Rules inside rules; the SQL compiler and PostgreSQL recurse over them.
MAX_DEPTH = 32
#: Values one filter may compare with; each is a parameter of the statement, and the protocol allows 32,767.
MAX_VALUES = 10_000
_SHOWN_CHARACTERS = 200

Comparison = Callable[[sa.ColumnElement[Any], sa.ColumnElement[Any]], Condition]

_COMPARISONS: dict[str, Comparison] = {
    "==": lambda left, right: left == right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_MIRRORED = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def compile_filter(text: str, fields: FieldMap) -> Condition:
    """Compile the value of ``filter=`` to a condition.

    Args:
        text: JSON as sent.
        fields: What the filter may name.

    Raises:
        Invalid: Not JSON, an empty object, an unknown field or operator, a value that does not fit its field, or too much.
    """
    try:
        rule = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _invalid("Json syntax should be used") from error
    return _Compiler(fields).compile(rule, depth=0)


@dataclass(slots=True)
class _Compiler:
    """Walks one filter; counts its values."""

    fields: FieldMap
    values: int = 0

    def compile(self, rule: object, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise _invalid(f"rules are nested deeper than {MAX_DEPTH}")
        if not isinstance(rule, dict) or len(rule) != 1:
            raise _invalid(f"an object with one operator is expected instead of {_shown(rule)}")
        operator, arguments = next(iter(rule.items()))
        match operator:
            case "and" | "or":
                return self._group(operator, arguments, depth)
            case "!":
                # A comparison with a field that is not set is null in SQL; its negation must hold all the same.
                return sa.not_(sa.func.coalesce(self.compile(_only(arguments), depth + 1), sa.false()))
            case "!!":
                return self.compile(_only(arguments), depth + 1)
            case "var":
                return self._field(rule).column.is_not(None)
            case "in":
                return self._in(rule, arguments)
            case _ if operator in _COMPARISONS:
                return self._compare(operator, arguments)
        raise _unknown(operator, arguments)

    def _group(self, operator: str, arguments: object, depth: int) -> Condition:
        if not isinstance(arguments, list) or not arguments:
            raise _unknown(operator, arguments)
        parts = [self.compile(argument, depth + 1) for argument in arguments]
        return sa.and_(*parts) if operator == "and" else sa.or_(*parts)

    def _compare(self, operator: str, arguments: object) -> Condition:
        match arguments:
            case [dict() as variable, value] if not isinstance(value, dict):
                return self._one(operator, self._field(variable), value)
            case [value, dict() as variable] if not isinstance(value, dict):
                return self._one(_MIRRORED[operator], self._field(variable), value)
            case [low, dict() as variable, high] if operator in ("<", "<="):
                field = self._field(variable)
                return sa.and_(self._one(_MIRRORED[operator], field, low), self._one(operator, field, high))
        raise _unknown(operator, arguments)

    def _one(self, operator: str, field: "_Named", value: object) -> Condition:
        if value is None:
            if operator == "==":
                return field.column.is_(None)
            raise _invalid(f"{field.name!r} cannot be ordered against null")
        return _COMPARISONS[operator](field.column, self._parameter(field, value))

    def _in(self, rule: object, arguments: object) -> Condition:
        match arguments:
            case [dict() as variable, list() as values]:
                return self._member(self._field(variable), values)
            case [str() as text, dict() as variable]:
                return self._contains(self._field(variable), text)
        raise _unknown("in", arguments)

    def _member(self, field: "_Named", values: Sequence[object]) -> Condition:
        parameters = [self._parameter(field, value) for value in values if value is not None]
        found = field.column.in_(parameters)
        return sa.or_(found, field.column.is_(None)) if None in values else found

    def _contains(self, field: "_Named", text: str) -> Condition:
        if field.field.spec.kind is not Kind.TEXT:
            raise _invalid(f"{field.name!r} is not a text")
        self._parameter(field, text)
        return field.column.like(like_pattern(text), escape="\\")

    def _field(self, rule: object) -> "_Named":
        match rule:
            case {"var": str() as name, **rest} if not rest:
                if name not in self.fields:
                    raise _invalid(f"{_shown(name)} term is not supported")
                return _Named(name, self.fields[name])
        raise _invalid(f"a variable is expected instead of {_shown(rule)}")

    def _parameter(self, field: "_Named", value: object) -> sa.BindParameter[Any]:
        self.values += 1
        if self.values > MAX_VALUES:
            raise _invalid(f"more than {MAX_VALUES} values")
        try:
            return parameter(field.field.spec, read_value(field.field.spec, value))
        except BadValue as error:
            raise _invalid(f"{_shown(value)} does not fit {field.name!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Named:
    """A field with the name it was found by."""

    name: str
    field: Field

    @property
    def column(self) -> sa.ColumnElement[Any]:
        return self.field.column


def _only(arguments: object) -> object:
    return arguments[0] if isinstance(arguments, list) and len(arguments) == 1 else arguments


def _invalid(message: str) -> Invalid:
    return Invalid(f"filter: {message}", code="filter_invalid")


def _unknown(operator: str, arguments: object) -> Invalid:
    shown = operator if len(operator) <= _SHOWN_CHARACTERS else _shown(operator)
    return _invalid(f"{shown} operation with {_shown(arguments)} arguments is not implemented")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
