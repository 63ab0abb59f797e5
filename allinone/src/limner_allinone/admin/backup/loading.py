"""From files in a target into an empty database: all of it in one transaction, compared before it is committed."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from limner_allinone.admin.backup import catalog, layout
from limner_allinone.admin.backup.catalog import Connection, Table
from limner_allinone.admin.backup.dumping import BUS, Event
from limner_allinone.admin.backup.layout import Manifest, SchemaDump, TableDump
from limner_allinone.admin.backup.streams import gunzipped
from limner_allinone.admin.backup.targets import Target
from limner_allinone.composition import definition_of
from limner_common.bus import LocalBus
from limner_common.db import Database
from limner_common.db.engine import connect_asyncpg
from limner_common.db.migrations import migrate, require_known
from limner_common.errors import Conflict

#: Who produces the facts of a domain, where it is not the service of that name; see ``proto/topics.yaml``.
PRODUCERS = {"catalog": "api"}
_EVENT_COLUMNS = ("id", "event_id", "topic", "key", "payload", "headers")


def check_versions(manifest: Manifest) -> None:
    """Return when this version can take the backup.

    Raises:
        Conflict: A newer version made it.
    """
    for schema in _of_services(manifest):
        require_known(definition_of(schema.name).migrations, schema.name, schema.revision)


async def check_empty(url: str, manifest: Manifest) -> None:
    """Return when the database holds nothing of ours.

    Raises:
        Conflict: It holds something; says what.
    """
    connection = await connect_asyncpg(url)
    try:
        await _check_empty(connection, [schema.name for schema in manifest.schemas])
    finally:
        await connection.close()


async def load_database(url: str, target: Target, manifest: Manifest) -> None:
    """Make the schemas of the backup's version, fill and compare them, then bring them to this version.

    Until the rows of all services are there and compared, nobody sees one of them.

    Raises:
        Conflict: The database is not empty, or rows arrived other than they were.
        Invalid: A file of the backup is damaged.
    """
    await _make_schemas(url, manifest)
    connection = await connect_asyncpg(url)
    try:
        async with connection.transaction():
            await catalog.begin_texts(connection)
            await _check_empty(connection, [schema.name for schema in manifest.schemas])
            for schema in manifest.schemas:
                for table in schema.tables:
                    await _load_table(connection, target, manifest, schema.name, table)
                for sequence in schema.sequences:
                    if sequence.value is not None:
                        name = f"{catalog.quoted(schema.name)}.{catalog.quoted(sequence.name)}"
                        await connection.execute("SELECT setval($1::regclass, $2)", name, sequence.value)
            await _load_events(connection, target, manifest)
    finally:
        await connection.close()
    await _finish_schemas(url, manifest)


async def _make_schemas(url: str, manifest: Manifest) -> None:
    await LocalBus(url).prepare()
    connection = await connect_asyncpg(url)
    try:
        await _check_empty(connection, [schema.name for schema in manifest.schemas])
        for schema in _of_services(manifest):
            if await catalog.revision_of(connection, schema.name) not in (None, schema.revision):
                await connection.execute(f"DROP SCHEMA {catalog.quoted(schema.name)} CASCADE")  # empty, of another version
    finally:
        await connection.close()
    for schema in _of_services(manifest):
        await _migrate(url, schema.name, schema.revision)


async def _finish_schemas(url: str, manifest: Manifest) -> None:
    for schema in _of_services(manifest):
        await _migrate(url, schema.name, "head")
    connection = await connect_asyncpg(url)
    try:
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def _migrate(url: str, name: str, revision: str) -> None:
    definition = definition_of(name)
    database = Database(url, definition.metadata, pool_size=1)
    try:
        await migrate(database, definition.migrations, revision)
    finally:
        await database.close()


async def _check_empty(connection: Connection, schemas: Sequence[str]) -> None:
    for schema in schemas:
        for table in await catalog.tables_of(connection, schema):
            if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table.quoted})"):  # noqa: S608 quoted
                raise Conflict(
                    f"The database is not empty: {schema}.{table.name} has rows. Restore into a new database "
                    "or a new --home, with no service running on it."
                )


async def _load_table(connection: Connection, target: Target, manifest: Manifest, schema: str, dump: TableDump) -> None:
    table = Table(schema, dump.name, dump.columns)
    name = f"{layout.BACKUPS}{manifest.id}/{dump.file.name}"
    try:
        async with target.store.open_range(target.key(name)) as body:
            await connection.copy_to_table(
                dump.name,
                source=gunzipped(body, dump.file.name),
                schema_name=schema,
                columns=dump.columns,
                format="binary",
            )
    except asyncpg.PostgresError as error:
        raise Conflict(f"{schema}.{dump.name} could not be filled from {dump.file.name}: {error}") from error
    if await catalog.digest_of(connection, table) != (dump.rows, dump.digest):
        raise Conflict(f"The rows of {schema}.{dump.name} are not those of the backup.")


async def _load_events(connection: Connection, target: Target, manifest: Manifest) -> None:
    """Put the facts that were on their way back into the outboxes they came from, before all that waits there."""
    by_service: dict[str, list[tuple[Any, ...]]] = {}
    async for number, event in _events(target, manifest):
        service = producer_of(event.topic)
        row = (
            number - manifest.event_count,
            UUID(event.event_id),
            event.topic,
            event.key,
            event.payload,
            msgspec.json.encode(event.headers).decode(),
        )
        by_service.setdefault(service, []).append(row)
        if len(by_service[service]) >= _EVENTS_AT_ONCE:
            await _add_events(connection, service, by_service.pop(service))
    for service, rows in by_service.items():
        await _add_events(connection, service, rows)


_EVENTS_AT_ONCE = 1000


async def _add_events(connection: Connection, service: str, rows: list[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table("outbox", schema_name=service, columns=_EVENT_COLUMNS, records=rows)


async def _events(target: Target, manifest: Manifest) -> AsyncIterator[tuple[int, Event]]:
    decoder = msgspec.json.Decoder(Event)
    number, rest = 0, b""
    async with target.store.open_range(target.key(f"{layout.BACKUPS}{manifest.id}/{manifest.events.name}")) as body:
        async for block in gunzipped(body, manifest.events.name):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                yield number, decoder.decode(line)
                number += 1


def producer_of(topic: str) -> str:
    """Return the service that produces the facts of a topic, ``limner.<domain>.<aggregate>.v1``."""
    domain = topic.split(".")[1]
    return PRODUCERS.get(domain, domain)


def _of_services(manifest: Manifest) -> list[SchemaDump]:
    return [schema for schema in manifest.schemas if schema.name != BUS]
