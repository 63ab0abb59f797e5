"""Statements on what belongs to whom."""

from collections.abc import AsyncIterator

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_common.administration import Reference
from limner_common.uploads.repository import upload_references
from limner_exports.exporting.orders import EXPORT, attempts_prefix
from limner_exports.exporting.tables import results
from limner_exports.tables import metadata, uploads

_ITEMS = metadata.tables["exports.work_items"]
_NOBODY = sa.cast(sa.null(), sa.BigInteger)


async def references(connection: AsyncConnection) -> AsyncIterator[Reference]:
    """Yield the files of results and uploads, by key; while an export runs, what it writes counts."""
    found = sa.union_all(_of_results(), _of_uploads(), _of_exports()).subquery("found")
    # The order of the store's lists, whatever the database's locale is.
    async for row in await connection.stream(sa.select(found).order_by(found.c.key.collate("C"))):
        project_id = None if row.task_id else row.project_id
        yield Reference(row.key, row.kind, row.is_prefix, row.task_id, project_id)


def _of_results() -> sa.Select[*tuple[object, ...]]:
    return sa.select(
        results.c.object_key.label("key"),
        sa.literal("result").label("kind"),
        sa.false().label("is_prefix"),
        results.c.task_id,
        results.c.project_id,
    )


def _of_uploads() -> sa.Select[*tuple[object, ...]]:
    found = upload_references(uploads).subquery("of_uploads")
    return sa.select(found.c.key, sa.literal("upload"), found.c.is_prefix, _NOBODY, _NOBODY)


def _of_exports() -> sa.Select[*tuple[object, ...]]:
    before, after = attempts_prefix(" ").split(" ")
    key = sa.literal(before).concat(_ITEMS.c.id).concat(after)
    return sa.select(key, sa.literal("result"), sa.true(), _NOBODY, _NOBODY).where(
        _ITEMS.c.kind == EXPORT, _ITEMS.c.state.in_(["queued", "running"])
    )
