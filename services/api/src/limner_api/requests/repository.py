"""SQL of background requests."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.requests.tables import requests
from limner_common.db import Row, UnitOfWork

#: Channel that says whose requests changed; the payload is the owner's id.
LIVE_CHANNEL = "limner_live"
_FINAL = ("finished", "failed")
#: Two writers may commit in another order than their numbers: a reader looks this far back.
_OVERLAP = 64


async def add(uow: UnitOfWork, values: Mapping[str, Any]) -> None:
    """Store a request unless it is there."""
    await uow.execute(pg.insert(requests).values(**values).on_conflict_do_nothing())
    tell(uow, values["owner_id"])


async def add_or_reopen(uow: UnitOfWork, values: Mapping[str, Any]) -> None:
    """Store a request; one that is there and has failed begins anew."""
    begun = {
        "status": "queued",
        "progress": 0.0,
        "message": "",
        "started_at": None,
        "finished_at": None,
        "change_seq": sa.text("nextval('api.request_changes')"),
    }
    statement = pg.insert(requests).values(**values)
    reopening = statement.on_conflict_do_update(
        index_elements=[requests.c.id], set_=begun, where=requests.c.status == "failed"
    )
    await uow.execute(reopening)
    tell(uow, values["owner_id"])


async def change(uow: UnitOfWork, request_id: str, values: Mapping[str, Any]) -> bool:
    """Change a request that is not at its end; False when there is none."""
    statement = (
        sa.update(requests)
        .where(requests.c.id == request_id, requests.c.status.not_in(_FINAL))
        .values(**values, change_seq=sa.text("nextval('api.request_changes')"))
        .returning(requests.c.owner_id)
    )
    owner_id = await uow.scalar(statement)
    if owner_id is not None:
        tell(uow, owner_id)
    return owner_id is not None


async def remove(uow: UnitOfWork, request_id: str) -> None:
    """Forget a request."""
    await uow.execute(sa.delete(requests).where(requests.c.id == request_id))


async def find(connection: AsyncConnection, request_id: str) -> Row | None:
    """Return a request, or None."""
    return (await connection.execute(sa.select(requests).where(requests.c.id == request_id))).one_or_none()


async def find_newest(connection: AsyncConnection, task_id: int, request_type: str) -> Row | None:
    """Return the newest request of a type about a task, or None."""
    statement = (
        sa.select(requests)
        .where(requests.c.task_id == task_id, requests.c.type == request_type)
        .order_by(requests.c.created_at.desc())
        .limit(1)
    )
    return (await connection.execute(statement)).one_or_none()


async def changed_since(connection: AsyncConnection, owner_id: int, change_seq: int) -> list[Row]:
    """Return an owner's requests that changed after a number, oldest change first; may repeat the last ones."""
    statement = (
        sa.select(requests)
        .where(requests.c.owner_id == owner_id, requests.c.change_seq > change_seq - _OVERLAP)
        .order_by(requests.c.change_seq)
        .limit(500)
    )
    return list((await connection.execute(statement)).all())


async def newest_change(connection: AsyncConnection, owner_id: int) -> int:
    """Return the number of an owner's last change, 0 when there is none."""
    statement = sa.select(sa.func.coalesce(sa.func.max(requests.c.change_seq), 0)).where(requests.c.owner_id == owner_id)
    return int(await connection.scalar(statement) or 0)


def tell(uow: UnitOfWork, owner_id: int) -> None:
    """Wake an owner's live streams when the transaction commits."""
    uow.notify(LIVE_CHANNEL, str(owner_id))
