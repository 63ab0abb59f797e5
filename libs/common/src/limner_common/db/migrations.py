"""Brings a service's schema to the newest version: Alembic, one schema and version table per service.

Alembic is imported where it is used: it takes 7 MB, and the workers of ``limner up`` never need it.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from limner_common.db.engine import Database
from limner_common.errors import DomainError, ErrorKind, Unavailable

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

_LOCK_TIMEOUT = "5s"
_LOCK_NOT_AVAILABLE = "55P03"


class SchemaTooNew(DomainError):
    """The database was written by a newer version of the product."""

    kind = ErrorKind.CONFLICT


class SchemaOutdated(DomainError):
    """The database has no schema of the service, or one that an older version wrote."""

    kind = ErrorKind.CONFLICT


async def migrate(database: Database, package: str, revision: str = "head") -> None:
    """Upgrade the schema; safe when several processes start at once (advisory lock).

    What each script says of older releases is kept with the schema: see ``require_current``.

    Args:
        database: The service's database.
        package: Package that holds the service's Alembic scripts.
        revision: Version to bring it to, an older one where a backup is restored.

    Raises:
        SchemaTooNew: The schema's version is unknown to this release.
        Unavailable: Others hold locks that the migration needs; nothing was changed by the script that waited.
    """
    async with database.engine.connect() as connection:
        await connection.execute(
            sa.text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), {"name": f"migrate:{database.schema}"}
        )
        try:
            await connection.execute(sa.text(f'CREATE SCHEMA IF NOT EXISTS "{database.schema}"'))
            await connection.commit()
            with _naming_locks(database.schema):
                await connection.run_sync(_upgrade, database, package, revision)
                await connection.commit()
        finally:
            await connection.rollback()
            await connection.execute(
                sa.text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": f"migrate:{database.schema}"}
            )
            await connection.commit()


class SchemaRule:
    """Which versions of a schema this release works with.

    A newer schema passes when the release that made it says that this one still runs on it, as it must while pods are
    replaced.

    Args:
        schema: Name of the schema.
        package: Package that holds the service's Alembic scripts.
    """

    def __init__(self, schema: str, package: str) -> None:
        self._schema = schema
        self._package = package
        self._known: tuple[str | None, frozenset[str]] | None = None

    async def require(self, current: str | None, note: str | None) -> None:
        """Return when this release works with a schema.

        Args:
            current: Its version; None when there is no schema.
            note: Its comment.

        Raises:
            SchemaOutdated: There is none, or an older one; the message says what to run.
            SchemaTooNew: It is newer, and this release does not run on it.
        """
        if self._known is None:
            self._known = await asyncio.to_thread(_known_revisions, self._package)
        head, known = self._known
        if current == head:
            return
        if current is None or current in known:
            state = "is missing" if current is None else f"is older ({current}) than this version needs ({head})"
            raise SchemaOutdated(
                f"The schema of service '{self._schema}' {state}; run: limner migrate {self._schema}",
                code="schema_outdated",
            )
        if head not in _served_by(note):
            raise _too_new(self._schema, current)


async def require_current(database: Database, package: str) -> None:
    """Check once that this release works with the schema in the database; changes nothing. See ``SchemaRule``."""
    async with database.engine.connect() as connection:
        current, note = await connection.run_sync(_state, database.schema)
    await SchemaRule(database.schema, package).require(current, note)


def require_known(package: str, schema: str, revision: str) -> None:
    """Check that this release knows a version of a schema.

    Args:
        package: Package that holds the service's Alembic scripts.
        schema: Name of the schema, for the message.
        revision: The version.

    Raises:
        SchemaTooNew: It does not.
    """
    _, known = _known_revisions(package)
    if revision not in known:
        raise _too_new(schema, revision)


def _too_new(schema: str, current: str) -> SchemaTooNew:
    return SchemaTooNew(
        f"The data of service '{schema}' was written by a newer version ({current}). "
        "Start that version again, or restore a backup made with this one.",
        code="schema_too_new",
    )


def _state(connection: sa.Connection, schema: str) -> tuple[str | None, str | None]:
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"version_table_schema": schema})
    note = connection.scalar(sa.text("SELECT obj_description(to_regnamespace(:schema), 'pg_namespace')"), {"schema": schema})
    return context.get_current_revision(), note


def _served_by(note: str | None) -> frozenset[str]:
    try:
        return frozenset(json.loads(note or "{}").get("serves", []))
    except (ValueError, AttributeError):  # somebody else's comment
        return frozenset()


def _known_revisions(package: str) -> tuple[str | None, frozenset[str]]:
    from alembic.script import ScriptDirectory

    with as_file(files(package)) as folder:
        scripts = ScriptDirectory(str(folder))
        return scripts.get_current_head(), frozenset(script.revision for script in scripts.walk_revisions())


def _upgrade(connection: sa.Connection, database: Database, package: str, revision: str) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    with as_file(files(package)) as folder:
        config = alembic_config(str(folder), connection, database.metadata)
        scripts = ScriptDirectory.from_config(config)
        known = {revision.revision for revision in scripts.walk_revisions()}
        current, _served = _state(connection, database.schema)
        if current is not None and current not in known:
            raise _too_new(database.schema, current)
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        command.upgrade(config, revision)
        note = json.dumps({"serves": served_revisions(scripts)})
        connection.execute(sa.text(f'COMMENT ON SCHEMA "{database.schema}" IS {_quoted(note)}'))


def served_revisions(scripts: "ScriptDirectory") -> list[str]:
    """Return the revisions whose code runs on the newest schema, newest first.

    A script that takes away what older releases use says in ``oldest_code`` from which revision on code still runs.
    """
    served: list[str] = []
    oldest: str | None = None
    for script in scripts.walk_revisions():
        served.append(script.revision)
        oldest = oldest or getattr(script.module, "oldest_code", None)
        if script.revision == oldest:
            break
    return served


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def _naming_locks(schema: str) -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise Unavailable(
            f"The schema of service '{schema}' could not be changed: others use its tables for longer than {_LOCK_TIMEOUT}. "
            "Nothing is half done; run the same command again, or look for long transactions in pg_stat_activity."
        ) from error


def alembic_config(folder: str, connection: sa.Connection, metadata: sa.MetaData) -> "Config":
    """Return an Alembic configuration that works on an open connection; used by ``run_environment``."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    return config


def run_environment() -> None:
    """The body of every service's ``env.py``."""
    from alembic import context

    attributes: dict[Any, Any] = context.config.attributes
    metadata: sa.MetaData = attributes["metadata"]

    partitions = _partitions(attributes["connection"], metadata.schema)

    def only_own_schema(name: str | None, kind: str, _parents: Any) -> bool:
        if kind == "table":
            return name not in partitions
        return name == metadata.schema if kind == "schema" else True

    context.configure(
        connection=attributes["connection"],
        target_metadata=metadata,
        version_table_schema=metadata.schema,
        include_schemas=True,
        include_name=only_own_schema,
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _partitions(connection: sa.Connection, schema: str | None) -> set[str]:
    """Return the tables that are partitions: metadata describe the table they are part of."""
    query = sa.text("SELECT relname FROM pg_class WHERE relispartition AND relnamespace = to_regnamespace(:schema)")
    return set(connection.scalars(query, {"schema": schema}))
