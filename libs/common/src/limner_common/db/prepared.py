"""Statements that are compiled once and given to the driver as they are, for the few that run with every save.

Otherwise a statement is built, looked up by its parts, and wrapped anew each time: twice what the driver takes for it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from limner_common.db.engine import driver_connection
from limner_common.db.uow import UnitOfWork

_DIALECT: Final = dialect()  # type: ignore[no-untyped-call]


class Prepared:
    """A Core statement whose values are all bound by name: ``bindparam``, or the columns of an INSERT.

    Args:
        statement: The statement; lists of any length only as arrays.
        columns: Of an INSERT that names no values: those it is given.
    """

    def __init__(self, statement: sa.Select[Any] | sa.UpdateBase, columns: list[str] | None = None) -> None:
        self._statement = statement
        compiled = statement.compile(dialect=_DIALECT, column_keys=columns)
        self._sql = str(compiled)
        binds = [compiled.binds[name] for name in compiled.positiontup or ()]
        self._names: Final = tuple(bind.key for bind in binds)
        self._constants: Final = {bind.key: bind.value for bind in binds if not bind.required}
        self._processors: Final = {bind.key: processor for bind in binds if (processor := _processor(bind)) is not None}

    async def fetch(self, uow: UnitOfWork, **values: Any) -> Sequence[Mapping[Any, Any]]:
        """Run it in the transaction of a unit of work and return its rows by name of column.

        Args:
            uow: Unit of work.
            values: Of all that it binds.
        """
        connection = await driver_connection(uow.connection)
        if not connection.is_in_transaction():  # SQLAlchemy begins it with the first statement that it sees
            result = await uow.execute(self._statement, values)
            return result.mappings().all() if result.returns_rows else []
        try:
            rows: Sequence[Mapping[Any, Any]] = await connection.fetch(
                self._sql, *[self._bound(name, values) for name in self._names]
            )
        except (asyncio.CancelledError, asyncpg.InternalClientError):
            await asyncio.shield(uow.connection.invalidate())  # its protocol may be in the middle of an answer
            raise
        return rows

    def _bound(self, name: str, values: dict[str, Any]) -> Any:
        value = self._constants[name] if name in self._constants else values[name]
        processor = self._processors.get(name)
        return value if processor is None else processor(value)


def _processor(bind: sa.BindParameter[Any]) -> Callable[[Any], Any] | None:
    processor: Callable[[Any], Any] | None = bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    return processor
