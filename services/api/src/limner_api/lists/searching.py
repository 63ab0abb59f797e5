"""``search=`` of lists: every word must be found in one of the fields, in any case of letters."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from limner_api.lists.fields import is_storable_text, like_pattern

#: Words beyond these are not looked at: each costs a scan of the fields.
MAX_WORDS = 20


def search_condition(text: str | None, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[bool] | None:
    """Return the condition of a search, or None when there is nothing to look for.

    Words are separated by spaces and commas. A text that no row can hold is found in none.

    Args:
        text: Value of ``search=``, None when absent.
        columns: Text columns to look in.
    """
    words = (text or "").replace(",", " ").split()[:MAX_WORDS]
    if not words or not columns:
        return None
    if not all(map(is_storable_text, words)):
        return sa.false()
    return sa.and_(*(_found(word, columns) for word in words))


def _found(word: str, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[bool]:
    pattern = like_pattern(word)
    return sa.or_(*(column.ilike(pattern, escape="\\") for column in columns))
