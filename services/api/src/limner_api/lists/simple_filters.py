"""Simple filters of lists: one query parameter per field, equal, all of them.

Owners and assignees are named by their user names, which the repository's column expresses.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limner_api.lists.fields import BadValue, Field, FieldMap, parameter, read_value
from limner_common.errors import Invalid


def simple_conditions(parameters: Mapping[str, str], fields: FieldMap) -> list[sa.ColumnElement[bool]]:
    """Return one condition per parameter that names a field and is not empty; other parameters are passed over.

    Args:
        parameters: Query parameters of the request.
        fields: What can be filtered by.

    Raises:
        Invalid: Values that do not fit their fields; ``fields`` names all of them.
    """
    conditions: list[sa.ColumnElement[bool]] = []
    errors: dict[str, list[str]] = {}
    for name, field in fields.items():
        text = parameters.get(name, "")
        if not text:
            continue
        try:
            conditions.append(field.column == _parameter(field, text))
        except BadValue as error:
            errors[name] = [str(error)]
    if errors:
        raise Invalid(fields=errors)
    return conditions


def only_one_of(parameters: Mapping[str, str], names: Sequence[str]) -> str | None:
    """Return the one of the names that the query gives a value for, or None.

    Raises:
        Invalid: It gives several.
    """
    given = [name for name in names if parameters.get(name)]
    if len(given) > 1:
        listed = f"{', '.join(names[:-1])} and {names[-1]}"
        raise Invalid(f"{listed} parameters cannot be used together", code="parameters_exclusive")
    return given[0] if given else None


def _parameter(field: Field, text: str) -> sa.BindParameter[Any]:
    value = read_value(field.spec, text)
    if field.spec.choices is not None and value not in field.spec.choices:
        raise BadValue(f"Select a valid choice. {text} is not one of the available choices.")
    return parameter(field.spec, value)
