"""Statements that are compiled once and given to the driver as they are, for the few that run with every save.

Otherwise a statement is built, looked up by its parts, and wrapped anew each time: twice what the driver takes for it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from limner_common.db.engine import driver_connection
from limner_common.db.uow import UnitOfWork

_DIALECT: Final = dialect()
_NOTHING: Final = sa.text("SELECT")


class Prepared:
    """A Core statement whose values are all bound by name: ``bindparam``, or the columns of an INSERT.

    Args:
        statement: The statement; lists of any length only as arrays.
        columns: Of an INSERT that names no values: those it is given.
    """

    def __init__(self, statement: sa.ClauseElement, columns: list[str] | None = None) -> None:
        compiled = statement.compile(dialect=_DIALECT, column_keys=columns)
        self._sql = str(compiled)
        binds = [compiled.binds[name] for name in compiled.positiontup or ()]
        self._names: Final = tuple(bind.key for bind in binds)
        self._constants: Final = {bind.key: bind.value for bind in binds if not bind.required}
        self._processors: Final = {bind.key: processor for bind in binds if (processor := _processor(bind)) is not None}

    async def fetch(self, uow: UnitOfWork, **values: Any) -> list[asyncpg.Record]:
        """Run it in the transaction of a unit of work and return its rows.

        Args:
            uow: Unit of work.
            values: Of all that it binds.
        """
        connection = await driver_connection(uow.connection)
        if not connection.is_in_transaction():  # which begins with the first statement that does not go past SQLAlchemy
            await uow.execute(_NOTHING)
        try:
            return await connection.fetch(self._sql, *[self._bound(name, values) for name in self._names])
        except (asyncio.CancelledError, asyncpg.InternalClientError):
            await asyncio.shield(uow.connection.invalidate())  # its protocol may be in the middle of an answer
            raise

    def _bound(self, name: str, values: dict[str, Any]) -> Any:
        value = self._constants[name] if name in self._constants else values[name]
        processor = self._processors.get(name)
        return value if processor is None else processor(value)


def _processor(bind: sa.BindParameter[Any]) -> Callable[[Any], Any] | None:
    processor: Callable[[Any], Any] | None = bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    return processor
