"""SQL of the versions of labels."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_annotations.labels.owners import LabelOwner
from limner_annotations.labels.tables import label_versions
from limner_common.db import Prepared, UnitOfWork

_KEYS = (
    sa.func.unnest(sa.bindparam("keys", type_=pg.ARRAY(sa.BigInteger)))
    .table_valued(sa.column("key", sa.BigInteger), name="wanted")
    .render_derived()
)
_HOLD = sa.select(sa.func.pg_advisory_xact_lock_shared(_KEYS.c.key))
_HELD = (
    sa.func.unnest(
        sa.bindparam("kinds", type_=pg.ARRAY(sa.Text)),
        sa.bindparam("ids", type_=pg.ARRAY(sa.BigInteger)),
        sa.bindparam("versions", type_=pg.ARRAY(sa.BigInteger)),
    )
    .table_valued(
        sa.column("owner", sa.Text), sa.column("owner_id", sa.BigInteger), sa.column("version", sa.BigInteger), name="held"
    )
    .render_derived()
)
_IS_OUTDATED = Prepared(
    sa.select(
        sa.exists()
        .where(
            label_versions.c.owner == _HELD.c.owner,
            label_versions.c.owner_id == _HELD.c.owner_id,
            label_versions.c.version > _HELD.c.version,
        )
        .label("is_newer")
    )
)


async def hold(uow: UnitOfWork, owners: Sequence[LabelOwner]) -> None:
    """Keep the labels of owners from being changed until the transaction ends; others may hold them too."""
    await uow.execute(_HOLD, {"keys": [owner.lock_key for owner in owners]})


async def hold_alone(uow: UnitOfWork, owner: LabelOwner) -> None:
    """Wait until nobody holds the labels of an owner, and keep others off until the transaction ends."""
    await uow.execute(sa.select(sa.func.pg_advisory_xact_lock(owner.lock_key)))


async def is_outdated(uow: UnitOfWork, owners: Sequence[LabelOwner]) -> bool:
    """Return whether labels of one of the owners went after the version it is given with."""
    (row,) = await _IS_OUTDATED.fetch(
        uow,
        kinds=[owner.kind for owner in owners],
        ids=[owner.id for owner in owners],
        versions=[owner.version for owner in owners],
    )
    return bool(row["is_newer"])


async def raise_version(uow: UnitOfWork, owner: LabelOwner) -> None:
    """Remember the version by which labels of an owner went; an older one changes nothing."""
    values = {"owner": owner.kind, "owner_id": owner.id, "version": owner.version}
    insert = pg.insert(label_versions).values(values)
    newest = sa.func.greatest(label_versions.c.version, insert.excluded.version)
    await uow.execute(
        insert.on_conflict_do_update(
            index_elements=[label_versions.c.owner, label_versions.c.owner_id], set_={"version": newest}
        )
    )


async def forget(uow: UnitOfWork, owner: LabelOwner) -> None:
    """Forget an owner that is gone."""
    table = label_versions
    await uow.execute(sa.delete(table).where(table.c.owner == owner.kind, table.c.owner_id == owner.id))
