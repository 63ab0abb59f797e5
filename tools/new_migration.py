"""Write a migration from the difference between tables and scripts: `make migration SERVICE=media MESSAGE=…`.

Starts a throwaway PostgreSQL, upgrades it to head, lets Alembic compare. Read the result before committing it.
`--initial` first removes all scripts of the service; only for a service that was never released.
"""

import argparse
import asyncio
import re
import sys
import tempfile
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

import sqlalchemy as sa
from alembic import command

from limner_allinone.composition import definition_of
from limner_allinone.postgres import EmbeddedPostgres
from limner_common.db import Database
from limner_common.db.migrations import alembic_config, migrate


async def main() -> int:
    """Write one script into the service's ``migrations/versions``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service")
    parser.add_argument("message")
    parser.add_argument("--initial", action="store_true")
    arguments = parser.parse_args()
    definition = definition_of(arguments.service)
    with as_file(files(definition.migrations)) as folder, tempfile.TemporaryDirectory() as temporary:
        if arguments.initial:
            for old in (Path(folder) / "versions").glob("*.py"):
                old.unlink()
        Path(temporary).chmod(0o711)
        server = EmbeddedPostgres(Path(temporary) / "data")
        await server.start()
        try:
            database = Database(server.url(), definition.metadata)
            await migrate(database, definition.migrations)
            async with database.engine.connect() as connection:
                await connection.run_sync(_write, Path(folder), definition.metadata, arguments.message)
            await database.close()
        finally:
            await server.stop()
    return 0


def _write(connection: sa.Connection, folder: Path, metadata: sa.MetaData, message: str) -> None:
    config = alembic_config(str(folder), connection, metadata)
    slug = re.sub(r"\W+", "_", message.lower()).strip("_")
    revision = f"{datetime.now(UTC):%Y%m%d_%H%M}_{slug}"
    script = command.revision(config, message=message, autogenerate=True, rev_id=revision)
    path = Path(script.path)  # type: ignore[union-attr]
    _add_sequences(path, connection, metadata)
    path.rename(path.with_name(f"{revision}.py"))
    print(path.with_name(f"{revision}.py"))


def _add_sequences(path: Path, connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Add the sequences that columns draw from and the database lacks; Alembic does not compare them."""
    sequences = {
        column.default.name: column.default
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.default, sa.Sequence)
    }
    inspector = sa.inspect(connection)
    missing = [name for name in sorted(sequences) if not inspector.has_sequence(name, metadata.schema)]
    if missing:
        made = "    op.execute(sa.schema.CreateSequence(sa.Sequence({!r}, schema={!r})))\n"
        lines = "".join(made.format(name, metadata.schema) for name in missing)
        head = "def upgrade() -> None:\n"
        path.write_text(path.read_text().replace(head, head + lines, 1))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
