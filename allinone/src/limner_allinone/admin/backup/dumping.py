"""From one snapshot of the database to files in the target."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import sqlalchemy as sa

from limner_allinone.admin.backup import catalog
from limner_allinone.admin.backup.catalog import Connection, Table
from limner_allinone.admin.backup.layout import File, SchemaDump, SequenceDump, TableDump
from limner_allinone.admin.backup.streams import gzipped, pushed
from limner_allinone.admin.backup.targets import Target
from limner_allinone.admin.installations import Administered
from limner_allinone.composition import definition_of
from limner_allinone.databases import session_url_from
from limner_common.administration import Reference
from limner_common.bus.local.unread import unread
from limner_common.db.engine import connect_asyncpg

#: The embedded bus's schema; what is set aside is kept as it is, what is on its way see ``dump_events``.
BUS = "bus"
_KEPT_OF_BUS = ("dead_letters", "retries")


class Event(msgspec.Struct, frozen=True, array_like=True):
    """A fact that may not have reached all its consumers."""

    event_id: str
    topic: str
    key: str
    payload: bytes
    headers: dict[str, str]


@asynccontextmanager
async def snapshot(installation: Administered) -> AsyncIterator[Connection]:
    """Open a connection that sees one moment of the whole database and changes nothing."""
    connection = await connect_asyncpg(session_url_from(installation.settings))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await catalog.begin_texts(connection)
            yield connection
    finally:
        await connection.close()


async def dump_schemas(connection: Connection, names: Sequence[str], target: Target, folder: str) -> list[SchemaDump]:
    """Store all rows of the services' schemas, and what the embedded bus has set aside.

    Args:
        connection: From ``snapshot``.
        names: Schemas.
        target: Where to.
        folder: Folder of the backup, ending on a slash.
    """
    dumps = []
    for name in names:
        tables = [
            await _dump_table(connection, table, target, folder) for table in await catalog.tables_of(connection, name)
        ]
        # Read last: sequences are of no snapshot, and must stand at the last id of a row at least.
        sequences = [SequenceDump(name=one, value=value) for one, value in await catalog.sequences_of(connection, name)]
        revision = await catalog.revision_of(connection, name) or ""
        dumps.append(SchemaDump(name=name, revision=revision, tables=tables, sequences=sequences))
    if await catalog.has_schema(connection, BUS):
        kept = [table for table in await catalog.tables_of(connection, BUS) if table.name in _KEPT_OF_BUS]
        tables = [await _dump_table(connection, table, target, folder) for table in kept]
        dumps.append(SchemaDump(name=BUS, revision="", tables=tables, sequences=[]))
    return dumps


async def dump_events(connection: Connection, target: Target, folder: str) -> tuple[File, int]:
    """Store the facts that have left an outbox and may not have reached all consumers; returns the file and how many.

    What reached some of them does no harm when it comes again: their inboxes are in the backup too.
    """
    count = 0

    async def lines() -> AsyncIterator[bytes]:
        nonlocal count
        async for message in unread(connection):
            count += 1
            event = Event(str(message.event_id), message.topic, message.key, message.payload, message.headers)
            yield msgspec.json.encode(event) + b"\n"

    return await _store(target, folder, "events.json.gz", lines()), count


async def read_references(installation: Administered, connection: Connection) -> AsyncIterator[Reference]:
    """Yield what the snapshot refers to in the object store, by ascending key.

    Keys begin with the name of their service, so the services' references follow each other.
    """
    shared = await connection.fetchval("SELECT pg_export_snapshot()")
    for name in sorted(installation.databases):
        references = definition_of(name).administration.references
        if references is None:
            continue
        async with installation.databases[name].begin(is_repeatable=True) as uow:
            await uow.execute(sa.text(f"SET TRANSACTION SNAPSHOT '{shared}'"))
            await uow.execute(sa.text("SET LOCAL statement_timeout = 0"))
            async for reference in references(uow.connection):
                yield reference


async def _dump_table(connection: Connection, table: Table, target: Target, folder: str) -> TableDump:
    rows, digest = await catalog.digest_of(connection, table)
    copy = partial(
        connection.copy_from_table,
        table.name,
        schema_name=table.schema,
        columns=table.columns,
        format="binary",
    )
    if await _is_partitioned(connection, table):  # COPY names no partitioned table, but any query
        query = f"SELECT {table.quoted_columns} FROM {table.quoted}"  # noqa: S608 names of the catalog, quoted
        copy = partial(connection.copy_from_query, query, format="binary")
    async with pushed(lambda push: copy(output=push)) as blocks:
        file = await _store(target, folder, f"database/{table.schema}.{table.name}.copy.gz", blocks)
    return TableDump(name=table.name, columns=table.columns, rows=rows, digest=digest, file=file)


async def _is_partitioned(connection: Connection, table: Table) -> bool:
    kind = await connection.fetchval("SELECT relkind FROM pg_class WHERE oid = to_regclass($1)", table.quoted)
    return bool(kind == b"p")


async def _store(target: Target, folder: str, name: str, blocks: AsyncIterator[bytes]) -> File:
    info = await target.store.put_stream(target.key(f"{folder}{name}"), gzipped(blocks))
    assert info.sha256 is not None
    return File(name=name, size_bytes=info.size_bytes, sha256=info.sha256)
