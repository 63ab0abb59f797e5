"""Removing what nobody needs."""

from datetime import timedelta

import sqlalchemy as sa

from limner_common.clock import utc_now
from limner_common.db import Database
from limner_common.db.holds import are_removals_held
from limner_common.objects import ObjectStore
from limner_common.uploads import Uploads
from limner_exports.exporting import repository
from limner_exports.exporting.orders import RESULTS_FOLDER
from limner_exports.tables import uploads as upload_tables

_AT_ONCE = 200
#: A result without a row may be one whose row is about to be written.
_ORPHAN_AGE = timedelta(hours=12)


class Cleaning:
    """Removes expired results and abandoned uploads. Safe to run in several processes.

    Args:
        database: The service's database.
        objects: Where results and uploads lie.
        uploads: Files that were sent.
        lifetime: How long results stay.
        upload_lifetime: How long unfinished uploads stay.
    """

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        uploads: Uploads,
        *,
        lifetime: timedelta,
        upload_lifetime: timedelta,
    ) -> None:
        self._database = database
        self._objects = objects
        self._uploads = uploads
        self._lifetime = lifetime
        self._upload_lifetime = upload_lifetime

    async def sweep(self) -> int:
        """Remove what has expired; returns how many files that were. While a backup is being made nothing is removed."""
        if await are_removals_held(self._database):
            return 0
        count = await self._expired() + await self._orphans() + await self._uploads.sweep(self._upload_lifetime)
        for work_id in await self._ended_owners():
            leftovers = await self._uploads.claimed(work_id)
            await self._uploads.remove(leftovers)
            count += len(leftovers)
        async with self._database.begin() as uow:
            await repository.remove_notes(uow, self._lifetime)
        return count

    async def _expired(self) -> int:
        count = 0
        while True:
            # Should this process die between the rows and the objects, the search for orphans finds these.
            async with self._database.begin() as uow:
                has_more, keys = await repository.remove_expired(uow, _AT_ONCE)
            for key in keys:
                await self._objects.delete(key)
            count += len(keys)
            if not has_more:
                return count

    async def _orphans(self) -> int:
        oldest = utc_now() - _ORPHAN_AGE
        found: list[str] = []
        async for info in self._objects.list(RESULTS_FOLDER):
            if info.modified_at < oldest:
                found.append(info.key)
        count = 0
        for start in range(0, len(found), _AT_ONCE):
            keys = found[start : start + _AT_ONCE]
            async with self._database.read() as connection:
                known = await repository.known_objects(connection, keys)
            for key in keys:
                if key not in known:
                    await self._objects.delete(key)
                    count += 1
        return count

    async def _ended_owners(self) -> list[str]:
        table, items = upload_tables.uploads, self._database.table("work_items")
        is_active = sa.exists().where(items.c.id == table.c.claimed_by, items.c.state.in_(["queued", "running"]))
        statement = sa.select(table.c.claimed_by).distinct().where(table.c.claimed_by.is_not(None), ~is_active)
        async with self._database.read() as connection:
            return [str(owner) for owner in (await connection.execute(statement)).scalars()]
