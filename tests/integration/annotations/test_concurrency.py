"""Saves at the same time, and saves that die half way."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from limner_annotations.revisions import repository
from limner_annotations.revisions.copying import copy_pieces
from limner_annotations.revisions.documents import ObjectRow
from tests.integration.annotations.workshop import Workshop, rectangle, track


async def test_saves_of_one_job_at_once_are_all_kept(workshop: Workshop) -> None:
    task = workshop.task()
    saves = [workshop.job(task, 0, "PATCH", "?action=create", json={"shapes": [rectangle(index)]}) for index in range(12)]
    answers = await asyncio.gather(*saves)
    assert sorted(answer.headers["limner-revision"] for answer in answers) == sorted(str(n) for n in range(1, 13))
    assert [shape["frame"] for shape in (await workshop.read(task))["shapes"]] == list(range(12))
    rows = await workshop.rows("SELECT shapes, (SELECT count(*) FROM annotations.revisions) FROM annotations.job_states")
    assert [tuple(row) for row in rows] == [(12, 12)]


async def test_of_two_updates_for_one_revision_one_wins_and_one_is_told(workshop: Workshop) -> None:
    task = workshop.task()
    stored = (await workshop.job(task, 0, "PUT", json={"shapes": [rectangle()]})).json()["shapes"][0]
    answers = await asyncio.gather(
        *(
            workshop.job(
                task,
                0,
                "PATCH",
                "?action=update",
                json={"shapes": [{**stored, "frame": frame}]},
                headers={"If-Match": '"1"'},
            )
            for frame in (5, 6)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (kept,) = (await workshop.read(task))["shapes"]
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert won["shapes"] == [kept]


async def test_writes_of_tasks_and_jobs_at_once_do_not_deadlock(workshop: Workshop) -> None:
    task = workshop.task(segments=[(0, 9), (8, 17), (16, 25)], overlap=2)
    body = {"shapes": [rectangle(frame) for frame in (1, 8, 16, 20)], "tracks": [track((0, 0.0, False))]}
    calls: list[Any] = [workshop.on_task(task, "PUT", json=body) for _ in range(4)]
    calls += [workshop.job(task, index, "PUT", json={}) for index in (2, 1, 0)]
    calls += [workshop.on_task(task, "GET") for _ in range(3)]
    assert {answer.status_code for answer in await asyncio.gather(*calls)} == {200}


async def test_a_copy_that_breaks_half_way_leaves_nothing(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(1)]})
    before = await workshop.read(task)
    original = copy_pieces

    async def breaking(job_id: int, revision: int, rows: Iterable[ObjectRow]) -> AsyncIterator[bytes]:
        async for piece in original(job_id, revision, rows):
            yield piece[: len(piece) // 2]
            backend = await workshop.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'"
            )
            assert backend

    monkeypatch.setattr(repository, "copy_pieces", breaking)
    answer = await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(index) for index in range(50)]})
    assert answer.status_code in (500, 503)
    monkeypatch.setattr(repository, "copy_pieces", original)
    assert await workshop.read(task) == before
    assert await workshop.rows("SELECT revision FROM annotations.revisions") == [(1,)]
    assert len(await workshop.rows("SELECT * FROM annotations.outbox")) == 1
    again = await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(2)]})
    assert (again.status_code, again.headers["limner-revision"]) == (200, "2")


async def test_a_reader_sees_one_revision_while_others_write(workshop: Workshop) -> None:
    task = workshop.task(segments=[(0, 9), (10, 19)])

    async def write() -> None:
        for index in range(15):
            shapes = [rectangle(frame, float(index)) for frame in (1, 11)]
            assert (await workshop.on_task(task, "PUT", json={"shapes": shapes})).status_code == 200

    async def read() -> None:
        for _ in range(25):
            found = {shape["points"][0] for shape in (await workshop.on_task(task, "GET")).json()["shapes"]}
            assert len(found) <= 1

    await asyncio.gather(write(), read(), read())
