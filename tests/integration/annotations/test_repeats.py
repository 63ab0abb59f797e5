"""A save that is sent again under the id of its request is answered as it was, and not done twice."""

import asyncio
from typing import Any

import pytest

from limner_model.facts import TaskFacts
from tests.integration.annotations.workshop import Workshop, rectangle, tag, track

SKELETON = {
    "type": "skeleton",
    "frame": 1,
    "label_id": 2,
    "elements": [
        {"type": "points", "frame": 1, "label_id": 3, "points": [1.0, 2.0]},
        {"type": "points", "frame": 1, "label_id": 4, "points": [3.0, 4.0]},
    ],
}
NEW = {
    "tags": [tag(9), tag(2)],
    "shapes": [rectangle(7), SKELETON, rectangle(0, 30.0)],
    "tracks": [track((3, 0.0, False), (8, 5.0, True)), track((1, 0.0, False))],
}


async def send(workshop: Workshop, task: TaskFacts, level: str, how: str, body: Any, **headers: str) -> Any:
    method, query = {"put": ("PUT", ""), "clear": ("DELETE", "")}.get(how, ("PATCH", f"?action={how}"))
    options = {"headers": headers} if how == "clear" else {"headers": headers, "json": body}
    if level == "task":
        return await workshop.on_task(task, method, query, **options)
    return await workshop.job(task, 0, method, query, **options)


async def held(workshop: Workshop, task: TaskFacts) -> Any:
    """Make the job hold something; returns it, changed, with something new between, and something that went meanwhile."""
    first = (await workshop.job(task, 0, "PUT", json=NEW)).json()
    gone = first["shapes"].pop(0)
    await workshop.job(task, 0, "PATCH", "?action=delete", json={"shapes": [gone]})
    first["tags"].insert(1, tag(4))
    first["shapes"] = [first["shapes"][1], rectangle(5, 50.0), gone, first["shapes"][0]]
    first["tracks"].reverse()
    return first


async def body_of(workshop: Workshop, task: TaskFacts, how: str) -> Any:
    before = await held(workshop, task)
    if how in ("create", "put"):
        return NEW
    if how == "delete":
        return {kind: [item for item in before[kind] if "id" in item] for kind in ("tags", "shapes", "tracks")}
    return before


def without_order(document: Any) -> Any:
    return {kind: sorted(document[kind], key=lambda item: item["id"]) for kind in ("tags", "shapes", "tracks")}


async def trace(workshop: Workshop) -> Any:
    """Return all that saves leave behind."""
    return [
        await workshop.rows(f"SELECT * FROM annotations.{table} ORDER BY {order}")
        for table, order in (
            ("job_states", "job_id"),
            ("revisions", "job_id, revision"),
            ("objects", "job_id, id, created_rev"),
            ("outbox", "event_id"),
        )
    ]


@pytest.mark.parametrize("how", ["put", "create", "update", "delete", "clear"])
@pytest.mark.parametrize("level", ["job", "task"])
async def test_what_is_sent_again_is_answered_again(workshop: Workshop, level: str, how: str) -> None:
    task = workshop.task()
    body = await body_of(workshop, task, how)
    first = await send(workshop, task, level, how, body, **{"x-request-id": "r1"})
    assert first.is_success, first.text
    left = await trace(workshop)
    again = await send(workshop, task, level, how, body, **{"x-request-id": "r1"})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers.get("limner-revision") == first.headers.get("limner-revision")
    assert await trace(workshop) == left


@pytest.mark.parametrize("how", ["put", "create", "update", "delete", "clear"])
async def test_it_is_answered_as_it_was_though_others_saved_since(workshop: Workshop, how: str) -> None:
    task = workshop.task()
    body = await body_of(workshop, task, how)
    first = await send(workshop, task, "job", how, body, **{"x-request-id": "r1"})
    await workshop.job(task, 0, "PUT", json={"tags": [tag(1)]})
    left = await trace(workshop)
    again = await send(workshop, task, "job", how, body, **{"x-request-id": "r1"})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    # Nothing is left to delete, which is no repetition but a save without effect.
    assert again.headers["limner-revision"] == ("4" if how == "delete" else first.headers["limner-revision"])
    assert await trace(workshop) == left


@pytest.mark.parametrize("how", ["put", "create", "update", "delete", "clear"])
async def test_it_is_answered_as_it_was_though_it_was_made_for_a_revision(workshop: Workshop, how: str) -> None:
    task = workshop.task()
    body = await body_of(workshop, task, how)
    headers = {"x-request-id": "r1", "if-match": '"2"'}
    first = await send(workshop, task, "job", how, body, **headers)
    assert first.is_success, first.text
    again = await send(workshop, task, "job", how, body, **headers)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    others = await send(workshop, task, "job", how, body, **{**headers, "x-request-id": "r2"})
    assert others.status_code == 409


@pytest.mark.parametrize("how", ["put", "create", "update", "delete"])
async def test_jobs_that_overlap_are_answered_as_one_again(workshop: Workshop, how: str) -> None:
    task = workshop.task(segments=[(0, 5), (4, 9), (8, 12)])
    whole = (await workshop.on_task(task, "PUT", json=NEW)).json()
    body = NEW if how in ("put", "create") else whole
    first = await send(workshop, task, "task", how, body, **{"x-request-id": "r1"})
    assert first.is_success, first.text
    left = await trace(workshop)
    again = await send(workshop, task, "task", how, body, **{"x-request-id": "r1"})
    assert without_order(again.json()) == without_order(first.json())
    assert await trace(workshop) == left


async def test_the_same_request_twice_at_once_is_done_once(workshop: Workshop) -> None:
    task = workshop.task()
    sent = [send(workshop, task, "job", "create", NEW, **{"x-request-id": "r1"}) for _ in range(5)]
    answers = await asyncio.gather(*sent)
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert len(answers[0].json()["shapes"]) == 3
    assert len((await workshop.read(task))["shapes"]) == 3


async def test_requests_without_an_id_are_all_done(workshop: Workshop) -> None:
    task = workshop.task()
    for count in (1, 2):
        await send(workshop, task, "job", "create", {"tags": [tag(1)]})
        assert len((await workshop.read(task))["tags"]) == count


async def test_other_requests_under_the_same_id_are_done_too(workshop: Workshop) -> None:
    task = workshop.task()
    other = workshop.task(11, first_job=200)
    same = {"x-request-id": "always the same"}
    await send(workshop, task, "job", "create", {"tags": [tag(1)]}, **same)
    await send(workshop, task, "job", "create", {"tags": [tag(2)]}, **same)
    await send(workshop, task, "job", "update", {"tags": [tag(2)]}, **same)
    await send(workshop, other, "job", "create", {"tags": [tag(1)]}, **same)
    assert [item["frame"] for item in (await workshop.read(task))["tags"]] == [1, 2, 2]
    assert len((await workshop.read(other))["tags"]) == 1


async def test_a_conflict_stays_a_conflict(workshop: Workshop) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json=NEW)
    headers = {"x-request-id": "r1", "if-match": '"0"'}
    for _ in range(2):
        assert (await send(workshop, task, "job", "create", {"tags": [tag(1)]}, **headers)).status_code == 409
