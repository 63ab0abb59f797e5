"""Whether the database answers and has a schema that this release works with, asked beside the pool."""

from typing import Any, Final

import asyncpg

from limner_common.db.connecting import connect_asyncpg
from limner_common.db.migrations import SchemaRule
from limner_common.db.outages import outages_translated

_NOTE: Final = "SELECT obj_description(to_regnamespace($1), 'pg_namespace')"
#: Two statements, because one that names a table which is not there says nothing else.
_VERSION: Final = 'SELECT version_num FROM "{schema}".alembic_version'


class DatabaseCheck:
    """Asks over a connection of its own, which is kept: a pool that is exhausted is no reason to get no more requests.

    Args:
        url: The address that requests use too; PgBouncer may be there.
        schema: The service's schema.
        package: Package that holds the service's Alembic scripts.
    """

    def __init__(self, url: str, schema: str, package: str) -> None:
        self._url = url
        self._schema = schema
        self._rule = SchemaRule(schema, package)
        self._connection: asyncpg.Connection[Any] | None = None

    async def __call__(self) -> None:
        """Return when requests can be served; one caller at a time.

        Raises:
            Unavailable: The database is away; where a kept connection was cut, another is opened at once.
            SchemaOutdated, SchemaTooNew: Its schema is not for this release.
        """
        connection = await self._opened()
        try:
            async with outages_translated(self._schema):
                note = await connection.fetchval(_NOTE, self._schema)
                try:
                    current = await connection.fetchval(_VERSION.format(schema=self._schema))
                except asyncpg.UndefinedTableError:
                    current = None
        except BaseException:
            # Parting in good order would mean to wait for a server that may be silent.
            connection.terminate()
            raise
        await self._rule.require(current, note)

    async def aclose(self) -> None:
        """Close the connection. Idempotent."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _opened(self) -> "asyncpg.Connection[Any]":
        if self._connection is None or self._connection.is_closed():
            settings = {"application_name": f"limner-{self._schema}-probe"}
            async with outages_translated(self._schema):
                self._connection = await connect_asyncpg(self._url, server_settings=settings, statement_cache_size=0)
        return self._connection
