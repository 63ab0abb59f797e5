"""One page of a list: one statement, whatever is asked for and however many rows there are."""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, cast

import sqlalchemy as sa
from starlette.requests import Request

from limner_api.lists.json_logic import compile_filter
from limner_api.lists.paging import PageRequest, envelope, invalid_page, read_page
from limner_api.lists.resources import Columns, ListSpec
from limner_api.lists.searching import search_condition
from limner_api.lists.simple_filters import simple_conditions
from limner_api.lists.sorting import order_by
from limner_common.db import Listed, ListReader, Row

#: How many statements are kept ready: making one and finding out what it is takes longer than running it.
_READY_STATEMENTS = 256
#: Characters of the parameters of such a statement: long filters make large ones.
_READY_PARAMETERS = 500


@dataclass(frozen=True, slots=True, eq=False)
class ListSource:
    """Where a list's rows come from.

    Attributes:
        spec: What it can be asked for.
        source: Tables joined; joins are to single parents, so that rows stay distinct.
        id_column: The row's unique id.
        columns: The column behind each name of the spec.
        selected: What is read of the rows of the page.
    """

    spec: ListSpec
    source: sa.FromClause
    id_column: sa.ColumnElement[Any]
    columns: Columns
    selected: Sequence[sa.ColumnElement[Any]]


@cache
def _record_class(names: tuple[str, ...]) -> type[Any]:
    # A name that begins with an underscore can be none of a named tuple; no column has one.
    base: Any = namedtuple("Record", names)  # type: ignore[misc] # the names are known at run time only

    class Record(base):
        __slots__ = ()

        @property
        def _mapping(self) -> Mapping[str, Any]:
            return cast(Mapping[str, Any], self._asdict())

    return Record


def records_of(listed: Listed) -> list[Row]:
    """Return all rows of a list as named tuples: their attributes are read ten times faster than those of ``sa.Row``."""
    record = _record_class(listed.names)
    return [record._make(row) for row in listed.rows]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page, and how many rows all pages have."""

    request: PageRequest
    count: int
    rows: Sequence[Row]

    def render(self, request: Request, base_url: str, render: Callable[[Row], Any]) -> dict[str, Any]:
        """Return the list's answer with each row rendered."""
        query = request.url.query
        url = f"{base_url}{request.url.path}{'?' if query else ''}{query}"
        return envelope(url, self.request, self.count, [render(row) for row in self.rows])


def conditions_of(parameters: Mapping[str, str], listing: ListSource) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of ``filter``, ``search`` and the simple filters; raises Invalid for what cannot be read."""
    spec, columns = listing.spec, listing.columns
    conditions = simple_conditions(parameters, spec.simple_map(columns))
    if text := parameters.get("filter"):
        conditions.append(compile_filter(text, spec.filter_map(columns)))
    search = search_condition(parameters.get("search"), spec.search_columns(columns))
    return conditions if search is None else [*conditions, search]


async def fetch_page(
    lists: ListReader,
    parameters: Mapping[str, str],
    listing: ListSource,
    *visible: sa.ColumnElement[bool],
    is_kept: bool = False,
) -> Page:
    """Read the page that the parameters ask for, of the rows that fulfil all of ``visible``.

    Args:
        lists: What it is read with.
        parameters: Query parameters of the request.
        listing: Where the rows come from.
        visible: Conditions beside those of the parameters.
        is_kept: A caller who asks again comes with the very same conditions, as ``access.visibility.visible`` returns them:
            his statement is kept ready.

    Raises:
        Invalid: A filter cannot be read.
        NotFound: The page lies beyond the end.
    """
    asked = read_page(parameters.get("page"), parameters.get("page_size"))
    given = tuple(parameters.items())
    is_short = sum(len(name) + len(text) for name, text in given) <= _READY_PARAMETERS
    make = _kept_statement if is_kept and is_short else _statement
    statement = make(listing, asked, given, visible)
    rows = records_of(await lists.fetch(statement))
    if not rows and asked.number > 1:
        raise invalid_page()
    return Page(asked, rows[0].total if rows else 0, rows)


def _statement(
    listing: ListSource,
    asked: PageRequest,
    parameters: tuple[tuple[str, str], ...],
    visible: tuple[sa.ColumnElement[bool], ...],
) -> sa.Select[Any]:
    given = dict(parameters)
    order = order_by(
        given.get("sort"), listing.spec.sort_columns(listing.columns), listing.spec.default_sort, listing.id_column
    )
    # The page's ids are found first; what is read of its rows is then computed for them alone.
    ids = (
        sa.select(listing.id_column.label("id"), sa.func.count().over().label("total"))
        .select_from(listing.source)
        .where(*visible, *conditions_of(given, listing))
        .order_by(*order)
    )
    if asked.size is not None:
        ids = ids.limit(asked.size).offset((asked.number - 1) * asked.size)
    page = ids.subquery("page")
    return (
        sa.select(*listing.selected, page.c.total)
        .select_from(listing.source.join(page, page.c.id == listing.id_column))
        .order_by(*order)
    )


# Conditions are compared by identity: two may differ in what they hold only.
_kept_statement = lru_cache(_READY_STATEMENTS)(_statement)
