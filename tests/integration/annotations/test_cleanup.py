"""What becomes of annotations when jobs, tasks and labels are deleted."""

from typing import Any

import pytest

from limner_annotations.cleanup.events import consumers
from limner_common.bus import Delivery, InvalidMessage
from limner_common.events import new_message
from limner_contracts.catalog.v1.job_event_pb2 import JobEvent
from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from tests.integration.annotations.workshop import Workshop, rectangle, tag

TOPICS = {TaskEvent: "limner.catalog.task.v1", JobEvent: "limner.catalog.job.v1", ProjectEvent: "limner.catalog.project.v1"}


async def deliver(workshop: Workshop, event: Any, times: int = 1) -> None:
    """Hand an event to the consumer as the bus does, once or more often."""
    message = new_message(TOPICS[type(event)], 1, event, producer="api")
    delivery = Delivery(message.event_id, message.topic, message.key, message.payload, {}, 0)
    (consumer,) = consumers(workshop.container)
    for _ in range(times):
        async with workshop.container.database.begin() as uow:
            if not await uow.seen(consumer.group, delivery.event_id):
                await consumer.handle(uow, delivery)


async def count(workshop: Workshop, table: str) -> int:
    return int((await workshop.rows(f"SELECT count(*) FROM annotations.{table}"))[0][0])


async def test_a_deleted_job_is_gone_at_once_and_its_rows_soon(workshop: Workshop) -> None:
    object.__setattr__(workshop.container, "settings", workshop.container.settings.model_copy(update={"purge_rows": 3}))
    task = workshop.task(segments=[(0, 9), (10, 19)])
    for _ in range(2):
        await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(frame) for frame in range(5)]})
    await workshop.job(task, 1, "PUT", json={"shapes": [rectangle(12)]})
    event = JobEvent(job_id=100, task_id=task.id)
    event.deleted.SetInParent()
    await deliver(workshop, event, times=2)
    assert (await workshop.job(task, 0, "GET")).status_code == 404
    assert (await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(1)]})).status_code == 404
    assert (await workshop.job(task, 0, "GET", "/revisions")).status_code == 404
    assert await count(workshop, "objects") == 11
    await workshop.bench.installation.worker("annotations").run_until_idle()
    assert await count(workshop, "objects") == 1
    assert await count(workshop, "revisions") == 1
    assert len((await workshop.read(task, 1))["shapes"]) == 1


async def test_a_deleted_task_takes_all_its_jobs_even_unknown_ones(workshop: Workshop) -> None:
    task = workshop.task(segments=[(0, 9), (10, 19)])
    other = workshop.task(11, first_job=300)
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(1)]})
    await workshop.job(other, 0, "PUT", json={"shapes": [rectangle(1)]})
    event = TaskEvent(task_id=task.id)
    event.deleted.job_ids.append(101)
    await deliver(workshop, event, times=2)
    for index in (0, 1):
        answer = await workshop.job(task, index, "PUT", json={"shapes": [rectangle(index * 10)]})
        assert answer.status_code == 404
    assert (await workshop.on_task(task, "PUT", json={})).status_code == 404
    await workshop.bench.installation.worker("annotations").run_until_idle()
    assert await count(workshop, "objects") == 1
    assert len((await workshop.read(other))["shapes"]) == 1


@pytest.mark.parametrize("is_project", [False, True])
async def test_deleted_labels_end_their_objects_in_one_revision(workshop: Workshop, is_project: bool) -> None:
    tasks = [workshop.task(10), workshop.task(11, first_job=300), workshop.task(12, first_job=400)]
    for task in tasks[:2]:
        await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(1), rectangle(2)], "tags": [tag(3)]})
    await workshop.job(tasks[2], 0, "PUT", json={"tags": [tag(3)]})
    event = ProjectEvent(project_id=5) if is_project else TaskEvent(task_id=10)
    event.labels_changed.deleted_label_ids.extend([1, 77])
    await deliver(workshop, event, times=2)
    for task, revision, shapes in zip(tasks, (2, 2, 1), (0, 0, 0), strict=True):
        answer = await workshop.job(task, 0, "GET")
        assert answer.headers["limner-revision"] == str(revision)
        assert (len(answer.json()["shapes"]), len(answer.json()["tags"])) == (shapes, 1)
    history = (await workshop.job(tasks[0], 0, "GET", "/revisions")).json()["results"][0]
    assert (history["kind"], history["user_id"], history["deleted"]) == ("labels", None, 2)


async def test_other_facts_and_broken_messages(workshop: Workshop) -> None:
    event = TaskEvent(task_id=10)
    event.updated.changed_fields.append("name")
    await deliver(workshop, event)
    await deliver(workshop, TaskEvent(task_id=10))
    (consumer,) = consumers(workshop.container)
    message = new_message(TOPICS[TaskEvent], 1, event, producer="api")
    broken = Delivery(message.event_id, message.topic, "1", b"\xff\xff", {}, 0)
    async with workshop.container.database.begin() as uow:
        with pytest.raises(InvalidMessage):
            await consumer.handle(uow, broken)
