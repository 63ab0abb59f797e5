"""The work queue: leases, retry, cancel, fair share, and a worker killed in the middle."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
import pytest_asyncio
import sqlalchemy as sa

from limner_common.clock import utc_now
from limner_common.db import Database, UnitOfWork, new_metadata
from limner_common.errors import Conflict, Invalid, NotFound, Unavailable
from limner_common.ids import new_token, new_uuid
from limner_common.work import Handler, WorkCancelled, WorkContext, Worker, WorkItem, WorkQueue, WorkState
from tests.support.installation import DatabaseServer

metadata = new_metadata("probe")
effects = sa.Table("effects", metadata, sa.Column("item", sa.Text))


@pytest_asyncio.fixture
async def database(postgres: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(await postgres.clone(), metadata)
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("CREATE SCHEMA probe"))
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


async def enqueue(database: Database, queue: WorkQueue, **options: object) -> str:
    item_id = new_token("work-")
    async with database.begin() as uow:
        await queue.enqueue(uow, item_id=item_id, kind="probe", payload={"n": 1}, **options)  # type: ignore[arg-type]
    return item_id


async def item_of(database: Database, queue: WorkQueue, item_id: str) -> WorkItem:
    async with database.begin() as uow:
        item = await queue.get(uow, item_id)
    assert item is not None
    return item


def worker(database: Database, queue: WorkQueue, handler: Handler, *, lease_seconds: float = 30) -> Worker:
    return Worker(database, queue, {"probe": handler}, lease_seconds=lease_seconds, poll_seconds=0.1)


async def effect(context: WorkContext) -> None:
    async with context.finishing({"answer": 42}) as uow:
        await uow.execute(sa.insert(effects).values(item=context.item.id))


async def test_an_item_is_done_with_its_effect_and_result(database: Database) -> None:
    queue = WorkQueue()
    item_id = await enqueue(database, queue)
    await worker(database, queue, effect).run_until_idle()
    item = await item_of(database, queue, item_id)
    assert (item.state, item.progress, item.result) == (WorkState.DONE, 1.0, {"answer": 42})
    assert await _effects(database) == [item_id]


async def test_a_domain_error_fails_the_item_with_its_message(database: Database) -> None:
    queue = WorkQueue()

    async def refuse(_context: WorkContext) -> None:
        raise Invalid("a.jpg is not an image.")

    item_id = await enqueue(database, queue)
    await worker(database, queue, refuse).run_until_idle()
    item = await item_of(database, queue, item_id)
    assert (item.state, item.message, item.attempts) == (WorkState.FAILED, "a.jpg is not an image.", 1)


@pytest.mark.parametrize("error", [RuntimeError("bug"), Unavailable("store away")], ids=["bug", "outage"])
async def test_other_failures_are_retried_later_and_given_up_in_general_words(database: Database, error: Exception) -> None:
    queue = WorkQueue()

    async def fail(_context: WorkContext) -> None:
        raise error

    item_id = await enqueue(database, queue, max_attempts=2)
    await worker(database, queue, fail).run_until_idle()
    first = await item_of(database, queue, item_id)
    assert (first.state, first.attempts) == (WorkState.QUEUED, 1)
    await _make_due(database)
    await worker(database, queue, fail).run_until_idle()
    second = await item_of(database, queue, item_id)
    assert second.state is WorkState.FAILED
    assert "Traceback" not in second.message and "bug" not in second.message


async def test_a_full_disk_is_said_when_the_work_is_given_up(database: Database) -> None:
    queue = WorkQueue()

    async def fail(_context: WorkContext) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/secret.zip")

    item_id = await enqueue(database, queue, max_attempts=1)
    await worker(database, queue, fail).run_until_idle()
    item = await item_of(database, queue, item_id)
    assert item.state is WorkState.FAILED
    assert "no room" in item.message and "LIMNER_SCRATCH_FOLDER" in item.message
    assert "secret" not in item.message


async def test_a_worker_whose_disk_is_full_leaves_the_work_to_another(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limner_common.work.worker._FULL_DISK_REST_SECONDS", 600.0)  # longer than this test may take
    queue = WorkQueue()
    tries: list[str] = []

    async def fail(_context: WorkContext) -> None:
        tries.append("full")
        raise OSError(errno.ENOSPC, "No space left on device")

    full = asyncio.create_task(worker(database, queue, fail).run())
    other: asyncio.Task[None] | None = None
    try:
        item_ids = [await enqueue(database, queue) for _ in range(2)]
        async with asyncio.timeout(60):
            while not tries:
                await asyncio.sleep(0.02)
            await _make_due(database)
            other = asyncio.create_task(worker(database, queue, effect).run())
            while len(await _effects(database)) < len(item_ids):
                await _make_due(database)
                await asyncio.sleep(0.05)
    finally:
        running = [task for task in (full, other) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    assert len(tries) <= 2, "it had at most what it had claimed before it knew"
    assert sorted(await _effects(database)) == sorted(item_ids)


async def test_a_queued_item_is_cancelled_at_once(database: Database) -> None:
    queue = WorkQueue()
    item_id = await enqueue(database, queue)
    async with database.begin() as uow:
        item = await queue.request_cancel(uow, item_id)
    assert item is not None and item.state is WorkState.CANCELLED
    assert not await worker(database, queue, effect).run_one()


async def test_a_running_item_stops_at_its_next_check(database: Database) -> None:
    queue = WorkQueue()
    is_running = asyncio.Event()

    async def wait(context: WorkContext) -> None:
        is_running.set()
        while True:
            await asyncio.sleep(0.05)
            context.check()

    item_id = await enqueue(database, queue)
    task = asyncio.create_task(worker(database, queue, wait, lease_seconds=0.6).run_one())
    await is_running.wait()
    async with database.begin() as uow:
        await queue.request_cancel(uow, item_id)
    async with asyncio.timeout(60):
        await task
    assert (await item_of(database, queue, item_id)).state is WorkState.CANCELLED


async def test_a_worker_that_lost_its_lease_leaves_no_effect(database: Database) -> None:
    queue = WorkQueue()

    async def overtaken(context: WorkContext) -> None:
        async with database.begin() as uow:  # another worker takes the item
            await uow.execute(sa.update(database.table("work_items")).values(lease_token=new_uuid()))
        await effect(context)

    item_id = await enqueue(database, queue)
    await worker(database, queue, overtaken).run_one()
    assert await _effects(database) == []
    assert (await item_of(database, queue, item_id)).state is WorkState.RUNNING


async def test_the_same_operation_cannot_be_queued_twice_at_a_time(database: Database) -> None:
    queue = WorkQueue()
    await enqueue(database, queue, dedupe_key="export:1")
    for _ in range(8):  # a prepared statement changes its plan after some executions
        with pytest.raises(Conflict):
            await enqueue(database, queue, dedupe_key="export:1")
    await worker(database, queue, effect).run_until_idle()
    await enqueue(database, queue, dedupe_key="export:1")


async def test_owners_with_less_running_work_go_first(database: Database) -> None:
    queue = WorkQueue()
    greedy = [await enqueue(database, queue, owner="greedy") for _ in range(3)]
    modest = await enqueue(database, queue, owner="modest")
    claimed = []
    for _ in range(2):
        async with database.begin() as uow:
            item = await queue.claim(uow, kinds=["probe"], lease_seconds=30, token=new_uuid())
            assert item is not None
            claimed.append(item.id)
    assert claimed == [greedy[0], modest]


async def test_progress_is_stored_and_observed_in_the_same_transaction(database: Database) -> None:
    seen: list[tuple[WorkState, float, str]] = []

    async def observe(_uow: UnitOfWork, item: WorkItem) -> None:
        seen.append((item.state, item.progress, item.message))

    queue = WorkQueue(observe)

    async def work(context: WorkContext) -> None:
        await context.report(0.5, "half")
        await effect(context)

    await enqueue(database, queue)
    await worker(database, queue, work).run_until_idle()
    assert seen == [
        (WorkState.QUEUED, 0.0, ""),
        (WorkState.RUNNING, 0.0, ""),
        (WorkState.RUNNING, 0.5, "half"),
        (WorkState.DONE, 1.0, "half"),
    ]


async def test_work_of_a_killed_worker_is_taken_up_again_and_done_once(database: Database) -> None:
    queue = WorkQueue()
    item_id = await enqueue(database, queue)
    script = textwrap.dedent(f"""
        import asyncio, sys
        sys.path.insert(0, {os.getcwd()!r})
        from limner_common.db import Database
        from limner_common.work import WorkQueue, Worker
        from tests.integration.common.test_work import metadata

        async def hang(context):
            print("running", flush=True)
            await asyncio.sleep(60)

        async def main():
            await Worker(Database({database.url!r}, metadata), WorkQueue(), {{"probe": hang}}, lease_seconds=1.0).run()

        asyncio.run(main())
    """)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == b"running\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    survivor = worker(database, queue, effect)
    async with asyncio.timeout(60):
        while not await survivor.run_one():
            await asyncio.sleep(0.1)
    item = await item_of(database, queue, item_id)
    assert (item.state, item.attempts) == (WorkState.DONE, 2)
    assert await _effects(database) == [item_id]


async def test_expired_leases_are_taken_up_at_once_and_fenced(database: Database) -> None:
    queue = WorkQueue()
    item_id = await enqueue(database, queue)
    async with database.begin() as uow:
        left_behind = await queue.claim(uow, kinds=["probe"], lease_seconds=3600, token=new_uuid())
    assert left_behind is not None
    assert not await worker(database, queue, effect).run_one()
    async with database.begin() as uow:
        await queue.expire_leases(uow)
    await worker(database, queue, effect).run_one()
    async with database.begin() as uow:
        assert not await queue.finish(uow, left_behind)
    assert (await item_of(database, queue, item_id)).state is WorkState.DONE


async def test_the_running_worker_starts_new_items_without_waiting_for_its_poll(database: Database) -> None:
    queue = WorkQueue()
    eager = Worker(database, queue, {"probe": effect}, poll_seconds=600)
    task = asyncio.create_task(eager.run())
    try:
        await asyncio.sleep(0.3)
        await enqueue(database, queue)
        async with asyncio.timeout(60):
            while not await _effects(database):
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_stopping_a_worker_gives_its_item_back(database: Database) -> None:
    queue = WorkQueue()
    is_running = asyncio.Event()

    async def wait(_context: WorkContext) -> None:
        is_running.set()
        await asyncio.sleep(60)

    item_id = await enqueue(database, queue)
    task = asyncio.create_task(worker(database, queue, wait).run())
    await is_running.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    item = await item_of(database, queue, item_id)
    assert (item.state, item.attempts) == (WorkState.QUEUED, 0)
    assert await worker(database, queue, effect).run_one(), "it is due at once"


async def test_a_worker_whose_clock_is_ahead_leaves_others_their_work(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = WorkQueue()
    await enqueue(database, queue)
    async with database.begin() as uow:
        assert await queue.claim(uow, kinds=["probe"], lease_seconds=30, token=new_uuid()) is not None
    monkeypatch.setattr("limner_common.clock.datetime", _Ahead)
    assert utc_now() > datetime.now(UTC) + timedelta(minutes=4)
    assert not await worker(database, queue, effect).run_one()


class _Ahead(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_Ahead":
        return super().now(tz) + timedelta(minutes=5)


async def test_a_handler_may_say_that_it_was_cancelled(database: Database) -> None:
    queue = WorkQueue()

    async def give_up(_context: WorkContext) -> None:
        raise WorkCancelled

    item_id = await enqueue(database, queue)
    await worker(database, queue, give_up).run_until_idle()
    assert (await item_of(database, queue, item_id)).state is WorkState.CANCELLED


async def _effects(database: Database) -> list[str]:
    async with database.read() as connection:
        return list((await connection.scalars(sa.select(effects.c.item))).all())


async def _make_due(database: Database) -> None:
    async with database.begin() as uow:
        await uow.execute(sa.update(database.table("work_items")).values(run_at=sa.func.now()))


async def test_failed_work_is_done_from_the_beginning_when_it_is_requeued(database: Database) -> None:
    seen: list[tuple[WorkState, int]] = []

    async def observe(_uow: UnitOfWork, item: WorkItem) -> None:
        seen.append((item.state, item.attempts))

    async def refuse(_context: WorkContext) -> None:
        raise Invalid("not like this")

    queue = WorkQueue(observe)
    item_id = await enqueue(database, queue, dedupe_key="one")
    await worker(database, queue, refuse).run_until_idle()
    seen.clear()
    async with database.begin() as uow:
        await queue.requeue(uow, item_id)
    assert seen == [(WorkState.QUEUED, 0)], "others hear of it"
    await worker(database, queue, effect).run_until_idle()
    item = await item_of(database, queue, item_id)
    assert (item.state, item.attempts, item.message) == (WorkState.DONE, 1, "")
    async with database.begin() as uow:
        with pytest.raises(Conflict, match="is done"):
            await queue.requeue(uow, item_id)
    async with database.begin() as uow:
        with pytest.raises(NotFound):
            await queue.requeue(uow, "work-unknown")


async def test_work_is_not_requeued_beside_its_like(database: Database) -> None:
    async def refuse(_context: WorkContext) -> None:
        raise Invalid("not like this")

    queue = WorkQueue()
    first = await enqueue(database, queue, dedupe_key="one")
    await worker(database, queue, refuse).run_until_idle()
    await enqueue(database, queue, dedupe_key="one")
    with pytest.raises(Conflict, match="already in progress"):
        async with database.begin() as uow:
            await queue.requeue(uow, first)
    assert (await item_of(database, queue, first)).state is WorkState.FAILED


async def test_a_worker_whose_item_was_requeued_leaves_no_effect(database: Database) -> None:
    queue = WorkQueue()
    item_id = await enqueue(database, queue)

    async def overtaken(context: WorkContext) -> None:
        async with database.begin() as uow:
            await queue.requeue(uow, item_id)
        await effect(context)

    await worker(database, queue, overtaken).run_one()
    assert (await item_of(database, queue, item_id)).state is WorkState.QUEUED
    async with database.read() as connection:
        assert (await connection.execute(sa.select(effects))).all() == []
