"""Client events are stored once; facts of services land in the same table."""

from typing import Any

import pytest
import sqlalchemy as sa
from google.protobuf.message import Message

from limner_analytics.events.server_events import consumer
from limner_analytics.events.tables import events
from limner_common.bus import Delivery, InvalidMessage
from limner_common.events import new_message
from limner_common.grants import Grant
from limner_contracts.annotations.v1.job_annotations_event_pb2 import JobAnnotationsEvent
from limner_contracts.catalog.v1.job_event_pb2 import JobEvent
from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from limner_contracts.media.v1.data_event_pb2 import DataEvent
from tests.support.installation import TestBench

GRANT = Grant(issuer="api", action="event:send", user_id=7, username="ann", organization_id=3)
BATCH = {
    "timestamp": "2026-01-02T03:04:05Z",
    "events": [
        {"scope": "load:job", "timestamp": "2026-01-02T03:04:00Z", "job_id": 5, "duration": 120},
        {"scope": "change:frame", "timestamp": "2026-01-02T03:04:01Z", "job_id": 5, "count": 3},
    ],
}


async def stored(bench: TestBench) -> list[Any]:
    async with bench.container("analytics").database.read() as connection:
        return list((await connection.execute(sa.select(events).order_by(events.c.occurred_at))).all())


async def test_a_batch_sent_twice_is_stored_once(bench: TestBench) -> None:
    async with bench.client("analytics", GRANT) as client:
        first = await client.post("/api/events", json=BATCH)
        second = await client.post("/api/events", json=BATCH)
    assert (first.status_code, second.status_code) == (201, 201)
    rows = await stored(bench)
    assert [(row.scope, row.job_id, row.duration_ms, row.count, row.user_id) for row in rows] == [
        ("load:job", 5, 120, None, 7),
        ("change:frame", 5, 0, 3, 7),
    ]


async def test_a_bad_event_keeps_the_whole_batch_out(bench: TestBench) -> None:
    bad = {**BATCH, "events": [*BATCH["events"], {"scope": "x", "timestamp": "never"}]}  # type: ignore[misc]
    async with bench.client("analytics", GRANT) as client:
        answer = await client.post("/api/events", json=bad)
    assert answer.status_code == 400
    assert await stored(bench) == []


async def test_nobody_sends_events_without_a_grant(bench: TestBench) -> None:
    async with bench.client("analytics") as client:
        assert (await client.post("/api/events", json=BATCH)).status_code == 401


def facts() -> list[tuple[str, Message, str]]:
    project = ProjectEvent(project_id=1, organization_id=3)
    project.created.name = "p"
    task = TaskEvent(task_id=2, project_id=1)
    task.jobs_created.jobs.add(job_id=5, start_frame=0, stop_frame=9, type="annotation")
    job = JobEvent(job_id=5, task_id=2)
    job.updated.state = "completed"
    data = DataEvent(task_id=2)
    data.ready.size = 10
    annotations = JobAnnotationsEvent(job_id=5, task_id=2)
    annotations.saved.created = 4
    return [
        ("limner.catalog.project.v1", project, "create:project"),
        ("limner.catalog.task.v1", task, "create:job"),
        ("limner.catalog.job.v1", job, "update:job"),
        ("limner.media.data.v1", data, "create:data"),
        ("limner.annotations.job.v1", annotations, "save:annotations"),
    ]


@pytest.mark.parametrize(("topic", "fact", "scope"), facts(), ids=[topic for topic, _, _ in facts()])
async def test_facts_of_services_become_rows(bench: TestBench, topic: str, fact: Message, scope: str) -> None:
    message = new_message(topic, 1, fact, producer="api", grant=GRANT)
    delivery = Delivery(message.event_id, topic, "1", message.payload, {}, 1)
    for _ in range(2):  # a second delivery that slips past the inbox still makes no second row
        async with bench.container("analytics").database.begin() as uow:
            await consumer.handle(uow, delivery)
    (row,) = await stored(bench)
    assert (row.scope, row.source, row.user_id, row.user_name) == (scope, "server", 7, "ann")


async def test_a_fact_that_this_release_does_not_know_is_passed_over(bench: TestBench) -> None:
    message = new_message("limner.catalog.task.v1", 1, TaskEvent(task_id=2), producer="api")
    delivery = Delivery(message.event_id, "limner.catalog.task.v1", "1", message.payload, {}, 1)
    async with bench.container("analytics").database.begin() as uow:
        await consumer.handle(uow, delivery)
    assert await stored(bench) == []


async def test_bytes_that_are_no_event_are_poison(bench: TestBench) -> None:
    message = new_message("limner.catalog.task.v1", 1, TaskEvent(), producer="api")
    delivery = Delivery(message.event_id, "limner.catalog.task.v1", "1", b"\xff\xff\xff", {}, 1)
    async with bench.container("analytics").database.begin() as uow:
        with pytest.raises(InvalidMessage, match="TaskEvent"):
            await consumer.handle(uow, delivery)
