"""Statements on what belongs to whom."""

import re
from collections.abc import AsyncIterator, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_common.administration import Reference
from limner_common.uploads.repository import upload_references
from limner_media.datas.tables import data, frames, related_files
from limner_media.ingest.service import INGEST, task_folder
from limner_media.tables import metadata, uploads

_SCOPE = re.compile(r"tasks/(\d+)/")
_ITEMS = metadata.tables["media.work_items"]
_VIDEO = data.c.video["piece"]


async def references(connection: AsyncConnection) -> AsyncIterator[Reference]:
    """Yield what tasks and uploads keep in the object store, by key.

    While the data of a task are made, everything in its folder counts.
    """
    async for row in await connection.stream(_by_key(_of_data(), _of_uploads(), _of_ingests())):
        yield Reference(row.key, row.kind, row.is_prefix, row.task_id or _task_of_scope(row.scope))


async def tasks(connection: AsyncConnection) -> AsyncIterator[int]:
    """Yield the tasks that have data, by id."""
    async for row in await connection.stream(sa.select(data.c.task_id).order_by(data.c.task_id)):
        yield row.task_id


async def known_tokens(connection: AsyncConnection, tokens: Sequence[str]) -> set[str]:
    """Return which of these tokens are those of data."""
    statement = sa.select(data.c.token).where(data.c.token == sa.any_(sa.cast(list(tokens), sa.ARRAY(sa.Text))))
    return set((await connection.execute(statement)).scalars())


def _by_key(*parts: sa.Select[*tuple[object, ...]]) -> sa.Select[*tuple[object, ...]]:
    found = sa.union_all(*parts).subquery("found")
    # The order of the store's lists, whatever the database's locale is.
    return sa.select(found).order_by(found.c.key.collate("C"))


def _of_data() -> sa.Select[*tuple[object, ...]]:
    files = [
        sa.select(table.c.task_id, table.c.key).where(~table.c.is_share).distinct() for table in (frames, related_files)
    ]
    videos = sa.select(data.c.task_id, _VIDEO["key"].as_string().label("key")).where(
        _VIDEO["key"].as_string().is_not(None), sa.not_(sa.func.coalesce(_VIDEO["is_share"].as_boolean(), sa.false()))
    )
    found = sa.union(*files, videos).subquery("of_data")
    return sa.select(
        found.c.key,
        sa.literal("data").label("kind"),
        sa.false().label("is_prefix"),
        found.c.task_id,
        sa.literal("").label("scope"),
    )


def _of_uploads() -> sa.Select[*tuple[object, ...]]:
    found = upload_references(uploads).subquery("of_uploads")
    task_id = sa.cast(sa.null(), sa.BigInteger)
    return sa.select(found.c.key, sa.literal("upload"), found.c.is_prefix, task_id, found.c.scope)


def _of_ingests() -> sa.Select[*tuple[object, ...]]:
    task_id = sa.cast(_ITEMS.c.payload["task_id"].as_string(), sa.BigInteger)
    before, after = task_folder(0).split("0")
    key = sa.literal(before).concat(sa.cast(task_id, sa.Text)).concat(after)
    return sa.select(key, sa.literal("data"), sa.true(), task_id, sa.literal("")).where(
        _ITEMS.c.kind == INGEST, _ITEMS.c.state.in_(["queued", "running"])
    )


def _task_of_scope(scope: str) -> int | None:
    found = _SCOPE.match(scope)
    return int(found[1]) if found else None
