"""``sort=`` of lists: ``field`` or ``-field``, several separated by commas."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

Order = sa.UnaryExpression[Any]
SortColumns = Mapping[str, sa.ColumnElement[Any]]


def order_by(text: str | None, columns: SortColumns, default: str, tiebreak: sa.ColumnElement[Any]) -> Sequence[Order]:
    """Return the ORDER BY terms of a list.

    Fields that cannot be sorted by are passed over, as existing clients expect. The row's id decides between equal rows, so
    that pages neither repeat nor lose any.

    Args:
        text: Value of ``sort=``, None when absent.
        columns: What can be sorted by.
        default: The order when no field of ``text`` can be used, in the same notation.
        tiebreak: The row's unique id; its direction is that of the last field.
    """
    terms = _terms(text or "", columns) or _terms(default, columns)
    if not terms:
        raise ValueError(f"the default order {default!r} names no column")
    last = terms[-1][1]
    return [_directed(columns[name], descending=descending) for name, descending in terms] + [
        _directed(tiebreak, descending=last)
    ]


def _terms(text: str, columns: SortColumns) -> list[tuple[str, bool]]:
    terms: dict[str, bool] = {}
    for part in text.split(","):
        name = part.strip().removeprefix("-")
        if name in columns:
            terms.setdefault(name, part.strip().startswith("-"))
    return list(terms.items())


def _directed(column: sa.ColumnElement[Any], *, descending: bool) -> Order:
    return column.desc() if descending else column.asc()
