"""Old revisions: let go by age and number, removed bit by bit, and never missed by those that are kept."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from limner_annotations.pruning import repository
from limner_annotations.pruning.service import Retention, prune
from limner_common.clock import utc_now
from limner_common.db import UnitOfWork
from limner_common.errors import Unavailable
from limner_model.facts import TaskFacts
from tests.integration.annotations.workshop import Workshop, rectangle, tag

NOTHING_BY_AGE = timedelta(0)


async def write(workshop: Workshop, task: TaskFacts, generator: random.Random) -> None:
    """Make one random revision."""
    shapes = (await workshop.read(task))["shapes"]
    kind = generator.choice(["create", "create", "update", "delete", "replace"])
    if kind == "replace":
        await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(generator.randrange(90)) for _ in range(3)]})
    elif kind == "create" or not shapes:
        await workshop.job(task, 0, "PATCH", "?action=create", json={"shapes": [rectangle(1)], "tags": [tag(2)]})
    else:
        chosen = generator.sample(shapes, min(2, len(shapes)))
        if kind == "update":
            chosen = [{**shape, "frame": generator.randrange(90)} for shape in chosen]
        await workshop.job(task, 0, "PATCH", f"?action={kind}", json={"shapes": chosen})


async def revisions(workshop: Workshop, task: TaskFacts, last: int) -> list[Any]:
    """Return what can be read of each revision: its document, or the status instead."""
    answers = [await workshop.job(task, 0, "GET", f"/revisions/{number}") for number in range(last + 1)]
    return [answer.json() if answer.status_code == 200 else answer.status_code for answer in answers]


async def with_revisions(workshop: Workshop, count: int, seed: int = 1) -> tuple[TaskFacts, list[Any]]:
    task = workshop.task()
    generator = random.Random(seed)
    while len(await listed(workshop, task)) < count:
        await write(workshop, task, generator)
    return task, await revisions(workshop, task, count)


async def listed(workshop: Workshop, task: TaskFacts) -> list[Any]:
    found: list[Any] = (await workshop.job(task, 0, "GET", "/revisions?page_size=500")).json()["results"]
    return found


async def age(workshop: Workshop, upto: int, days: int) -> None:
    """Let revisions up to one be older."""
    async with workshop.container.database.begin() as uow:
        await uow.connection.exec_driver_sql(
            f"UPDATE annotations.revisions SET created_at = now() - interval '{days} days' WHERE revision <= {upto}"
        )


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_kept_is_as_before_and_the_rest_is_gone(workshop: Workshop, seed: int) -> None:
    task, before = await with_revisions(workshop, 12, seed)
    removed = await prune(workshop.container.database, Retention(NOTHING_BY_AGE, 5), batch_rows=2)
    after = await revisions(workshop, task, 12)
    assert after[0] == before[0] and after[8:] == before[8:]
    assert after[1:8] == [410] * 7
    assert [entry["is_kept"] for entry in await listed(workshop, task)] == [True] * 5 + [False] * 7
    (left,) = (await workshop.rows("SELECT count(*) FROM annotations.objects WHERE ended_rev <= 8"))[0]
    assert removed > 0 and left == 0
    assert await prune(workshop.container.database, Retention(NOTHING_BY_AGE, 5), batch_rows=2) == 0


async def test_the_condition_that_keeps_more_decides(workshop: Workshop) -> None:
    task, before = await with_revisions(workshop, 10)
    database = workshop.container.database
    assert await prune(database, Retention(timedelta(days=30), 2), batch_rows=100) == 0, "all are young"
    await age(workshop, upto=6, days=40)
    assert await prune(database, Retention(timedelta(days=30), 10), batch_rows=100) == 0, "they are among the last ten"
    await prune(database, Retention(timedelta(days=30), 2), batch_rows=100)
    after = await revisions(workshop, task, 10)
    assert after[6:] == before[6:], "revision 6 was what the job held thirty days ago"
    assert after[1:6] == [410] * 5


async def test_what_needs_a_removed_revision_says_so(workshop: Workshop) -> None:
    task, before = await with_revisions(workshop, 8)
    await prune(workshop.container.database, Retention(NOTHING_BY_AGE, 3), batch_rows=100)
    for answer in [
        await workshop.job(task, 0, "GET", "/revisions/3"),
        await workshop.job(task, 0, "GET", "/revisions/3/diff"),
        await workshop.job(task, 0, "GET", "/revisions/8/diff?to=3"),
        await workshop.job(task, 0, "POST", "/revisions/3/restore"),
    ]:
        assert answer.status_code == 410
        assert answer.json() == {"detail": "Revision 3 was removed; the revisions of this job are kept from 6 on."}
    stale = await workshop.job(task, 0, "PUT", json={}, headers={"If-Match": '"3"'})
    assert (stale.status_code, stale.json()["is_cut"]) == (409, True)
    restored = await workshop.job(task, 0, "POST", "/revisions/6/restore")
    assert restored.status_code == 200
    assert (await workshop.read(task))["shapes"] == before[6]["shapes"]
    assert (await workshop.job(task, 0, "POST", "/revisions/0/restore")).status_code == 200
    assert (await workshop.read(task))["shapes"] == []


async def test_removing_goes_on_where_it_was_interrupted(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    task, before = await with_revisions(workshop, 12)
    whole = repository.remove_ended
    calls = 0

    async def once(uow: UnitOfWork, job_id: int, floor: int, limit: int) -> int:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise Unavailable
        return await whole(uow, job_id, floor, limit)

    monkeypatch.setattr(repository, "remove_ended", once)
    with pytest.raises(Unavailable):
        await prune(workshop.container.database, Retention(NOTHING_BY_AGE, 2), batch_rows=1)
    assert (await revisions(workshop, task, 12))[1:11] == [410] * 10, "gone before the rows are"
    monkeypatch.undo()
    assert await prune(workshop.container.database, Retention(NOTHING_BY_AGE, 2), batch_rows=1) > 0
    assert (await revisions(workshop, task, 12))[11:] == before[11:]


async def test_two_that_remove_the_same_rows_leave_none(workshop: Workshop) -> None:
    task, _ = await with_revisions(workshop, 12)
    database = workshop.container.database
    async with database.begin() as uow:
        await repository.raise_floors(uow, older_than=utc_now(), kept_count=1)
    async with database.begin() as uow:
        assert await repository.remove_ended(uow, task.jobs[0].id, 12, 2) == 2
        beside = asyncio.create_task(prune(database, Retention(NOTHING_BY_AGE, 1), batch_rows=2))
        await asyncio.sleep(0.3)  # by now it waits for the same two rows
    await beside
    assert (await workshop.rows("SELECT count(*) FROM annotations.objects WHERE ended_rev <= 12"))[0][0] == 0


async def test_a_job_that_is_being_saved_is_left_for_the_next_time(workshop: Workshop) -> None:
    await with_revisions(workshop, 6)
    database, retention = workshop.container.database, Retention(NOTHING_BY_AGE, 1)
    async with database.begin() as uow:
        await uow.connection.exec_driver_sql("SELECT 1 FROM annotations.job_states FOR UPDATE")
        assert await prune(database, retention, batch_rows=100) == 0
    assert await prune(database, retention, batch_rows=100) > 0


async def test_streams_for_exports_refuse_removed_revisions(workshop: Workshop) -> None:
    task, _ = await with_revisions(workshop, 6)
    await prune(workshop.container.database, Retention(NOTHING_BY_AGE, 2), batch_rows=100)
    async with workshop.bench.internal_client("annotations") as services:
        for path, status in {
            f"/internal/jobs/{task.jobs[0].id}/objects?revision=3": 410,
            f"/internal/jobs/{task.jobs[0].id}/objects?revision=5": 200,
            f"/internal/tasks/{task.id}/objects?pins={task.jobs[0].id}:3": 410,
            f"/internal/tasks/{task.id}/objects?pins={task.jobs[0].id}:5": 200,
        }.items():
            assert (await services.get(path)).status_code == status, path
