"""What the database says of its own schemas: tables with parents first, columns, sequences, digests."""

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

import asyncpg

from limner_common.errors import Conflict

Connection: TypeAlias = "asyncpg.Connection[Any]"

#: A row of the table as text, the same on every server: these settings decide how values are written.
_TEXT_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}
_COLUMNS = """
    SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    GROUP BY c.relname ORDER BY c.relname
"""
_PARENTS = """
    SELECT child.relname AS child, parent.relname AS parent
    FROM pg_constraint k JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
    WHERE k.contype = 'f' AND k.connamespace = to_regnamespace($1) AND k.conrelid <> k.confrelid
"""
_SEQUENCES = "SELECT sequencename AS name, last_value AS value FROM pg_sequences WHERE schemaname = $1 ORDER BY sequencename"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its columns in order."""

    schema: str
    name: str
    columns: list[str]

    @property
    def quoted(self) -> str:
        """Its name as SQL writes it."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def quoted_columns(self) -> str:
        """Its columns as SQL writes them."""
        return ", ".join(map(quoted, self.columns))


def quoted(name: str) -> str:
    """Return an identifier as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


async def begin_texts(connection: Connection) -> None:
    """Fix how values become text, and let this transaction take as long as it takes."""
    limits = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0", "lock_timeout": "10s"}
    for name, value in {**_TEXT_SETTINGS, **limits}.items():
        await connection.execute("SELECT set_config($1, $2, true)", name, value)


async def has_schema(connection: Connection, schema: str) -> bool:
    """Return whether there is such a schema."""
    return bool(await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", quoted(schema)))


async def revision_of(connection: Connection, schema: str) -> str | None:
    """Return the version of a service's schema; None when it has none."""
    if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{quoted(schema)}.alembic_version"):
        return None
    found: str | None = await connection.fetchval(f"SELECT version_num FROM {quoted(schema)}.alembic_version")  # noqa: S608 quoted
    return found


async def tables_of(connection: Connection, schema: str) -> list[Table]:
    """Return the tables of a schema but Alembic's, those that others refer to first.

    Raises:
        Conflict: Tables refer to each other in a circle, so that no order is right.
    """
    rows = await connection.fetch(_COLUMNS, quoted(schema))
    tables = {row["name"]: Table(schema, row["name"], row["columns"]) for row in rows if row["name"] != "alembic_version"}
    sorter = TopologicalSorter({name: set[str]() for name in tables})
    for row in await connection.fetch(_PARENTS, quoted(schema)):
        if row["child"] in tables and row["parent"] in tables:
            sorter.add(row["child"], row["parent"])
    try:
        return [tables[name] for name in sorter.static_order()]
    except CycleError as error:
        raise Conflict(f"The tables {' and '.join(error.args[1])} of {schema} refer to each other.") from error


async def sequences_of(connection: Connection, schema: str) -> Sequence[tuple[str, int | None]]:
    """Return the sequences of a schema and the last value each has given."""
    return [(row["name"], row["value"]) for row in await connection.fetch(_SEQUENCES, schema)]


async def digest_of(connection: Connection, table: Table) -> tuple[int, str]:
    """Count the rows of a table and sum up a hash of each: equal for equal rows, whatever their order and the server."""
    row = await connection.fetchrow(
        f"""
        SELECT count(*) AS rows, coalesce(sum(
            ('x' || left(encode(sha256(convert_to(ROW({table.quoted_columns})::text, 'UTF8')), 'hex'), 15))::bit(60)::bigint
        ), 0)::text AS digest FROM {table.quoted}
        """  # noqa: S608 names from the database's own catalog, quoted
    )
    return row["rows"], row["digest"]
