"""A catalog to test with: tasks that have data, without a media service."""

from typing import Any

import httpx
import pytest_asyncio

from limner_api.tasks.data_ready import on_data_event
from limner_common.bus import Delivery
from limner_common.events import new_message
from limner_contracts.media.v1.data_event_pb2 import DataEvent
from tests.integration.api.conftest import Api

LABELS: list[dict[str, Any]] = [{"name": "cat"}, {"name": "dog", "color": "#112233", "type": "polygon"}]


class Catalog:
    """Makes projects and tasks as a client does, and data as media tells of them."""

    def __init__(self, api: Api, client: httpx.AsyncClient) -> None:
        self.api = api
        self.client = client

    async def project(self, name: str = "p", client: httpx.AsyncClient | None = None, **body: Any) -> dict[str, Any]:
        return await created(client or self.client, "/api/projects", {"name": name, "labels": LABELS, **body})

    async def task(self, name: str = "t", client: httpx.AsyncClient | None = None, **body: Any) -> dict[str, Any]:
        if "project_id" not in body:
            body.setdefault("labels", LABELS)
        return await created(client or self.client, "/api/tasks", {"name": name, **body})

    async def give_data(self, task_id: int, **values: Any) -> list[int]:
        """Apply the fact that a task has data; return the ids of its jobs in order of their frames."""
        ready = {
            "size": 10,
            "mode": "annotation",
            "dimension": "2d",
            "media_type": "image",
            "chunk_size": 36,
            "image_quality": 70,
            "original_chunk_type": "imageset",
            "compressed_chunk_type": "imageset",
            **values,
        }
        event = DataEvent(task_id=task_id)
        event.ready.CopyFrom(type(event.ready)(**ready))
        message = new_message("limner.media.data.v1", task_id, event, producer="media")
        async with self.api.container.database.begin() as uow:
            await on_data_event(uow, delivery_of(message))
        answer = await self.client.get(f"/api/jobs?task_id={task_id}&sort=id&page_size=all")
        return [job["id"] for job in answer.json()["results"]]

    async def task_with_data(self, **body: Any) -> tuple[dict[str, Any], list[int]]:
        task = await self.task(**body)
        return task, await self.give_data(task["id"])

    async def labels(self, **parent: int) -> dict[str, dict[str, Any]]:
        """Return the labels of a task, job or project by name."""
        answer = await self.client.get("/api/labels", params={**parent, "page_size": "all"})
        assert answer.status_code == 200, answer.text
        return {label["name"]: label for label in answer.json()["results"]}

    async def recorded(self, message: type[Any], topic: str) -> list[Any]:
        """Return the facts of a topic in the outbox, in the order of recording."""
        async with self.api.container.database.read() as connection:
            outbox = self.api.container.database.table("outbox")
            rows = await connection.execute(outbox.select().where(outbox.c.topic == topic).order_by(outbox.c.id))
            return [message.FromString(row.payload) for row in rows]


def delivery_of(message: Any) -> Delivery:
    """Return an outgoing message as a consumer gets it."""
    return Delivery(message.event_id, message.topic, message.key, message.payload, message.headers, position=None)


async def created(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest_asyncio.fixture(loop_scope="session")
async def catalog(api: Api) -> Catalog:
    """The catalog as the administrator sees it."""
    return Catalog(api, await api.admin())
