"""Letting go of old revisions, and removing what only they held."""

from dataclasses import dataclass
from datetime import timedelta

from limner_annotations.pruning import repository
from limner_common.clock import utc_now
from limner_common.db import Database

_JOBS_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Retention:
    """Which revisions are kept: all that meet either condition.

    Attributes:
        age: What a job held in this last stretch of time.
        count: The last ones of each job, the present one among them.
    """

    age: timedelta
    count: int


async def prune(database: Database, retention: Retention, *, batch_rows: int) -> int:
    """Remove objects of revisions that need not be kept; returns how many.

    A revision is first declared gone and its objects go after that, a bounded number per transaction: readers are told the
    truth whenever this is interrupted, and the next call goes on. Several processes may do it at once.

    Args:
        database: The service's database.
        retention: What is kept.
        batch_rows: Objects removed per transaction at most.
    """
    async with database.begin(is_long=True) as uow:
        await repository.raise_floors(uow, older_than=utc_now() - retention.age, kept_count=retention.count)
    removed = 0
    while True:
        async with database.begin() as uow:
            jobs = await repository.find_unpruned(uow, limit=_JOBS_AT_A_TIME)
        if not jobs:
            return removed
        for job_id, floor in jobs:
            removed += await _prune_job(database, job_id, floor, batch_rows)


async def _prune_job(database: Database, job_id: int, floor: int, batch_rows: int) -> int:
    removed, found = 0, batch_rows
    while found == batch_rows:
        async with database.begin() as uow:
            found = await repository.remove_ended(uow, job_id, floor, batch_rows)
            removed += found
            if found < batch_rows:
                await repository.mark_pruned(uow, job_id, floor)
    return removed
