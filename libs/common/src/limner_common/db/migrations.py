"""Brings a service's schema to the newest version: Alembic, one schema and version table per service."""

from importlib.resources import as_file, files
from typing import Any

import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from limner_common.db.engine import Database
from limner_common.errors import DomainError, ErrorKind

log = structlog.get_logger(__name__)

_LOCK_TIMEOUT = "5s"


class SchemaTooNew(DomainError):
    """The database was written by a newer version of the product."""

    kind = ErrorKind.CONFLICT


class SchemaOutdated(DomainError):
    """The database has no schema of the service, or one that an older version wrote."""

    kind = ErrorKind.CONFLICT


async def migrate(database: Database, package: str) -> None:
    """Upgrade the schema to head; safe when several processes start at once (advisory lock).

    Args:
        database: The service's database.
        package: Package that holds the service's Alembic scripts.

    Raises:
        SchemaTooNew: The schema's version is unknown to this release.
    """
    async with database.engine.connect() as connection:
        await connection.execute(
            sa.text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), {"name": f"migrate:{database.schema}"}
        )
        try:
            await connection.execute(sa.text(f'CREATE SCHEMA IF NOT EXISTS "{database.schema}"'))
            await connection.commit()
            await connection.run_sync(_upgrade, database, package)
            await connection.commit()
        finally:
            await connection.execute(
                sa.text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": f"migrate:{database.schema}"}
            )
            await connection.commit()


async def require_current(database: Database, package: str) -> None:
    """Check that the schema is the one this release works with; changes nothing.

    A schema that this release does not know passes: a newer one still serves the release before it while pods are replaced.

    Args:
        database: The service's database.
        package: Package that holds the service's Alembic scripts.

    Raises:
        SchemaOutdated: There is none, or an older one; the message says what to run.
    """
    async with database.engine.connect() as connection:
        await connection.run_sync(_compare, database, package)


def _compare(connection: sa.Connection, database: Database, package: str) -> None:
    with as_file(files(package)) as folder:
        scripts = ScriptDirectory.from_config(alembic_config(str(folder), connection, database.metadata))
        head = scripts.get_current_head()
        known = {revision.revision for revision in scripts.walk_revisions()}
    context = MigrationContext.configure(connection, opts={"version_table_schema": database.schema})
    current = context.get_current_revision()
    if current == head:
        return
    if current is not None and current not in known:
        log.warning("schema_is_newer", service=database.schema, revision=current, known=head)
        return
    state = "is missing" if current is None else f"is older ({current}) than this version needs ({head})"
    raise SchemaOutdated(
        f"The schema of service '{database.schema}' {state}; run: limner migrate {database.schema}", code="schema_outdated"
    )


def _upgrade(connection: sa.Connection, database: Database, package: str) -> None:
    with as_file(files(package)) as folder:
        config = alembic_config(str(folder), connection, database.metadata)
        known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
        current = MigrationContext.configure(
            connection, opts={"version_table_schema": database.schema}
        ).get_current_revision()
        if current is not None and current not in known:
            raise SchemaTooNew(
                f"The data of service '{database.schema}' was written by a newer version ({current}). "
                "Start that version again, or restore a backup made with this one.",
                code="schema_too_new",
            )
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        command.upgrade(config, "head")


def alembic_config(folder: str, connection: sa.Connection, metadata: sa.MetaData) -> Config:
    """Return an Alembic configuration that works on an open connection; used by ``run_environment``."""
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
