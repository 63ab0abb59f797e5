"""Counts the statements that reach a database, so that tests can say "as many for a hundred rows as for one"."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import sqlalchemy as sa

from limner_common.db import Database


@dataclass
class Statements:
    """The SQL of the statements seen, in order."""

    seen: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.seen)


@contextmanager
def counted_statements(database: Database) -> Iterator[Statements]:
    """Record the statements that run on a database inside the block: through SQLAlchemy and on the driver below."""
    statements = Statements()

    def before_cursor(_conn: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool) -> None:
        statements.seen.append(statement)

    engine = database.engine.sync_engine
    # fetchrow, fetch and fetchval of the driver all end in this method; SQLAlchemy's own statements do not.
    original = asyncpg.Connection._execute

    async def execute(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
        statements.seen.append(query)
        return await original(self, query, *args, **kwargs)

    sa.event.listen(engine, "before_cursor_execute", before_cursor)
    asyncpg.Connection._execute = execute
    try:
        yield statements
    finally:
        asyncpg.Connection._execute = original
        sa.event.remove(engine, "before_cursor_execute", before_cursor)
