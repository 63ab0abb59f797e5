"""Saves that were checked against labels which went meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from limner_annotations.labels import repository as label_versions
from limner_annotations.revisions import repository
from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from limner_model.facts import TaskFacts
from tests.integration.annotations.test_cleanup import count, deliver
from tests.integration.annotations.test_cleanup_moved import LABEL_IDS, THEIRS
from tests.integration.annotations.workshop import BODY, SCENE, Workshop, rectangle, tag

CARS: dict[str, Any] = {"shapes": [rectangle(1)], "tags": [tag(2)]}
TAGS: dict[str, Any] = {"tags": [tag(2)]}


def without_car(workshop: Workshop, task: TaskFacts) -> TaskFacts:
    """Delete the label, as the catalog answers from then on."""
    own, project = task.own_version, task.project_version
    version = f"{own + 1}.0" if task.project_id is None else f"{own}.{project + 1}"
    after = msgspec.structs.replace(task, labels=[BODY, SCENE], version=version)
    workshop.catalog.tasks[task.id] = after
    return after


def deletion(after: TaskFacts) -> Any:
    """Return what the catalog tells of it."""
    event: Any
    if after.project_id is None:
        event = TaskEvent(task_id=after.id, facts_version=after.own_version)
    else:
        event = ProjectEvent(project_id=after.project_id, facts_version=after.project_version)
    event.labels_changed.deleted_label_ids.append(1)
    return event


async def save(workshop: Workshop, task: TaskFacts, how: str, body: Any) -> Any:
    match how:
        case "job put":
            return await workshop.job(task, 0, "PUT", json=body)
        case "job create":
            return await workshop.job(task, 0, "PATCH", "?action=create", json=body)
        case "job update":
            return await workshop.job(task, 0, "PATCH", "?action=update", json=body)
        case "task put":
            return await workshop.on_task(task, "PUT", json=body)
        case _:
            return await workshop.on_task(task, "PATCH", "?action=update", json=body)


@pytest.mark.parametrize("how", ["job put", "job create", "job update", "task put", "task update"])
@pytest.mark.parametrize("project_id", [None, 3])
async def test_an_object_of_a_label_that_went_is_refused(workshop: Workshop, how: str, project_id: int | None) -> None:
    task = workshop.task(version="4.0" if project_id is None else "4.9", project_id=project_id)
    await workshop.job(task, 0, "GET")
    await deliver(workshop, deletion(without_car(workshop, task)))
    late = await save(workshop, task, how, CARS)
    assert (late.status_code, late.json()) == (400, {"shapes": {"0": {"label_id": ["label_id `1` is invalid"]}}})
    assert await count(workshop, "objects") == 0
    assert (await save(workshop, task, how, TAGS)).status_code == 200
    assert await count(workshop, "objects") == 1


async def test_other_projects_and_tasks_are_left_alone(workshop: Workshop) -> None:
    task = workshop.task(project_id=3, version="1.5")
    await workshop.job(task, 0, "GET")
    other = workshop.task(11, first_job=300, project_id=4, version="9.9")
    await deliver(workshop, deletion(without_car(workshop, other)))
    event = TaskEvent(task_id=12, facts_version=8)
    event.labels_changed.deleted_label_ids.append(1)
    await deliver(workshop, event)
    calls = len(workshop.catalog.calls)
    assert (await workshop.job(task, 0, "PUT", json=CARS)).status_code == 200
    assert len(workshop.catalog.calls) == calls


async def test_a_late_save_into_a_task_that_moved_has_no_old_labels(workshop: Workshop) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "GET")
    moved = msgspec.structs.replace(task, labels=THEIRS, version="2.6", project_id=3)
    workshop.catalog.tasks[task.id] = moved
    event = TaskEvent(task_id=task.id, project_id=3, facts_version=2)
    event.labels_mapped.label_ids.update(LABEL_IDS)
    await deliver(workshop, event)
    late = await workshop.job(task, 0, "PUT", json=CARS)
    assert late.status_code == 400
    assert late.json()["shapes"] == {"0": {"label_id": ["label_id `1` is invalid"]}}
    assert await count(workshop, "objects") == 0
    assert (await workshop.job(moved, 0, "PUT", json={"shapes": [rectangle(1, label_id=31)]})).status_code == 200


async def test_a_late_restoration_brings_no_deleted_label_back(workshop: Workshop) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json=CARS)
    await workshop.job(task, 0, "PUT", json={})
    await deliver(workshop, deletion(without_car(workshop, task)))
    assert (await workshop.job(task, 0, "POST", "/revisions/1/restore")).json() == {"revision": 3, "restored": 1}
    current = await workshop.rows("SELECT label_id FROM annotations.objects WHERE ended_rev IS NULL")
    assert current == [(7,)]


async def test_labels_that_go_while_an_import_arrives(workshop: Workshop) -> None:
    task = workshop.task()

    async def lines() -> AsyncIterator[bytes]:
        yield msgspec.json.encode(CARS) + b"\n"
        await deliver(workshop, deletion(without_car(workshop, task)))
        yield msgspec.json.encode(TAGS) + b"\n"

    async with workshop.bench.internal_client("annotations") as client:
        answer = await client.post(f"/internal/tasks/{task.id}/import?request_id=r", content=lines())
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("Part 1: ")
    assert await count(workshop, "objects") == 0


async def test_a_deletion_waits_for_saves_under_way_and_ends_their_objects(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = workshop.task()
    is_writing, may_end = asyncio.Event(), asyncio.Event()
    copy = repository.copy_objects

    async def slow(*arguments: Any) -> None:
        await copy(*arguments)
        is_writing.set()
        await may_end.wait()

    monkeypatch.setattr(repository, "copy_objects", slow)
    saving = asyncio.create_task(workshop.job(task, 0, "PUT", json=CARS))
    await is_writing.wait()
    deleting = asyncio.create_task(deliver(workshop, deletion(without_car(workshop, task))))
    await asyncio.sleep(0.3)
    assert not deleting.done()
    may_end.set()
    assert (await saving).status_code == 200
    await deleting
    current = await workshop.rows("SELECT label_id FROM annotations.objects WHERE ended_rev IS NULL")
    assert current == [(7,)]


async def test_a_save_waits_for_a_deletion_under_way_and_is_checked_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "GET")
    after = without_car(workshop, task)
    is_deleting, may_end = asyncio.Event(), asyncio.Event()
    raise_version = label_versions.raise_version

    async def slow(*arguments: Any) -> None:
        await raise_version(*arguments)
        is_deleting.set()
        await may_end.wait()

    monkeypatch.setattr(label_versions, "raise_version", slow)
    deleting = asyncio.create_task(deliver(workshop, deletion(after)))
    await is_deleting.wait()
    saving = asyncio.create_task(workshop.job(task, 0, "PUT", json=CARS))
    await asyncio.sleep(0.3)
    assert not saving.done()
    may_end.set()
    await deleting
    assert (await saving).status_code == 400
    assert await count(workshop, "objects") == 0


async def test_labels_that_keep_going_are_a_conflict(workshop: Workshop) -> None:
    task = workshop.task()
    await deliver(workshop, deletion(without_car(workshop, msgspec.structs.replace(task, version="8.0"))))
    workshop.catalog.tasks[task.id] = task  # the catalog does not know yet
    answer = await workshop.job(task, 0, "PUT", json=CARS)
    assert answer.status_code == 409
    assert "Save them again" in answer.json()["detail"]


async def test_versions_only_grow_and_end_with_their_owner(workshop: Workshop) -> None:
    for event in (
        TaskEvent(task_id=10, facts_version=5),
        TaskEvent(task_id=10, facts_version=3),
        ProjectEvent(project_id=3, facts_version=2),
    ):
        event.labels_changed.deleted_label_ids.append(1)  # type: ignore[attr-defined]
        await deliver(workshop, event)
    query = "SELECT owner, owner_id, version FROM annotations.label_versions ORDER BY owner"
    assert await workshop.rows(query) == [("project", 3, 2), ("task", 10, 5)]
    for gone in (TaskEvent(task_id=10), ProjectEvent(project_id=3)):
        gone.deleted.SetInParent()  # type: ignore[attr-defined]
        await deliver(workshop, gone)
    assert await workshop.rows(query) == []
