"""Statements on data and frames."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_common.db.engine import Row, driver_connection
from limner_common.db.uow import UnitOfWork
from limner_media.datas.tables import data, frames, related_files
from limner_media.datas.values import ChapterMark, Frame, FrameLine, NewData, TaskData, VideoFile
from limner_media.sources.pieces import Piece, piece_of_row

_PIECE = ("key", "is_share", "offset_bytes", "stored_bytes", "size_bytes", "method", "crc32")
_FRAME = ("task_id", "number", "name", "width", "height", "format", "is_upright", "related", *_PIECE)
_RELATED = ("task_id", "number", "name", *_PIECE)


async def find_data(connection: AsyncConnection, task_id: int) -> TaskData | None:
    """Return the data of a task."""
    row = (await connection.execute(sa.select(data).where(data.c.task_id == task_id))).one_or_none()
    return None if row is None else _data(row)


async def has_data(connection: AsyncConnection, task_id: int) -> bool:
    """Say if a task has data."""
    return await connection.scalar(sa.select(data.c.size).where(data.c.task_id == task_id)) is not None


async def lock_data(uow: UnitOfWork, task_id: int) -> TaskData | None:
    """Return the data of a task, locked until the unit of work ends."""
    row = (await uow.execute(sa.select(data).where(data.c.task_id == task_id).with_for_update())).one_or_none()
    return None if row is None else _data(row)


async def set_deleted_frames(uow: UnitOfWork, task_id: int, numbers: Sequence[int]) -> None:
    """Replace the list of deleted frames."""
    await uow.execute(sa.update(data).where(data.c.task_id == task_id).values(deleted_frames=list(numbers)))


async def find_frames(connection: AsyncConnection, task_id: int, numbers: range | Sequence[int]) -> list[Frame]:
    """Return frames by number, ascending."""
    statement = sa.select(frames).where(frames.c.task_id == task_id).order_by(frames.c.number)
    if isinstance(numbers, range) and numbers.step == 1:
        statement = statement.where(frames.c.number.between(numbers.start, numbers.stop - 1))
    else:
        statement = statement.where(frames.c.number == sa.any_(sa.cast(list(numbers), sa.ARRAY(sa.Integer))))
    return [_frame(row) for row in await connection.execute(statement)]


async def find_related(connection: AsyncConnection, task_id: int, numbers: Sequence[int]) -> list[Piece]:
    """Return context files by number, ascending."""
    table = related_files
    statement = (
        sa.select(table)
        .where(table.c.task_id == task_id, table.c.number == sa.any_(sa.cast(list(numbers), sa.ARRAY(sa.Integer))))
        .order_by(table.c.number)
    )
    return [piece_of_row(row) for row in await connection.execute(statement)]


async def frame_lines(connection: AsyncConnection, task_id: int, start: int, stop: int) -> list[FrameLine]:
    """Return lines of the frames ``start`` to ``stop``, both inclusive."""
    columns = (frames.c.number, frames.c.name, frames.c.width, frames.c.height)
    statement = (
        sa.select(*columns, sa.func.cardinality(frames.c.related))
        .where(frames.c.task_id == task_id, frames.c.number.between(start, stop))
        .order_by(frames.c.number)
    )
    return [FrameLine(*row) for row in await connection.execute(statement)]


async def insert_data(uow: UnitOfWork, new: NewData) -> None:
    """Write data with all its frames; frames go by COPY, in the same transaction."""
    await uow.execute(sa.insert(data).values(**_data_values(new.data)))
    task_id = new.data.task_id
    driver = await driver_connection(uow.connection)
    if new.frames:
        await driver.copy_records_to_table(
            frames.name, records=_frame_records(task_id, new.frames), columns=_FRAME, schema_name=frames.schema
        )
    if new.related:
        records = [(task_id, number, *_piece_values(piece)) for number, piece in enumerate(new.related)]
        await driver.copy_records_to_table(
            related_files.name, records=records, columns=_RELATED, schema_name=related_files.schema
        )


async def delete_data(uow: UnitOfWork, task_id: int) -> str | None:
    """Remove the data of a task with its frames; returns the token it had."""
    token: str | None = await uow.scalar(sa.delete(data).where(data.c.task_id == task_id).returning(data.c.token))
    for table in (frames, related_files):
        await uow.execute(sa.delete(table).where(table.c.task_id == task_id))
    return token


def _data(row: Row) -> TaskData:
    values = dict(row._mapping)
    values["video"] = None if row.video is None else msgspec.convert(row.video, VideoFile)
    values["chapters"] = tuple(msgspec.convert(row.chapters or [], list[ChapterMark]))
    values["deleted_frames"] = tuple(row.deleted_frames)
    return TaskData(**values)


def _data_values(value: TaskData) -> dict[str, Any]:
    values = {column.name: getattr(value, column.name) for column in data.columns}
    values["video"] = None if value.video is None else msgspec.to_builtins(value.video)
    values["chapters"] = msgspec.to_builtins(list(value.chapters))
    values["deleted_frames"] = list(value.deleted_frames)
    return values


def _frame(row: Row) -> Frame:
    return Frame(row.number, row.width, row.height, row.format, row.is_upright, row.related, piece_of_row(row))


def _frame_records(task_id: int, found: Iterable[Frame]) -> Iterator[tuple[Any, ...]]:
    for f in found:
        yield (
            task_id,
            f.number,
            f.piece.name,
            f.width,
            f.height,
            f.format,
            f.is_upright,
            f.related,
            *_piece_values(f.piece)[1:],
        )


def _piece_values(piece: Piece) -> tuple[Any, ...]:
    return (
        piece.name,
        piece.key,
        piece.is_share,
        piece.offset_bytes,
        piece.stored_bytes,
        piece.size_bytes,
        piece.method,
        piece.crc32,
    )
