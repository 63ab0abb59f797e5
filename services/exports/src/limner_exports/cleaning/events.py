"""What the service does when tasks and projects go away."""

from typing import TypeVar

from google.protobuf.message import DecodeError

from limner_common.bus import Consumer, Delivery, InvalidMessage
from limner_common.db import UnitOfWork
from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from limner_exports.exporting import repository

E = TypeVar("E", TaskEvent, ProjectEvent)
_TASKS = "limner.catalog.task.v1"
_PROJECTS = "limner.catalog.project.v1"


async def on_catalog_event(uow: UnitOfWork, delivery: Delivery) -> None:
    """Let results of deleted tasks and projects expire; the next sweep removes their files."""
    if delivery.topic == _TASKS:
        task = _decode(TaskEvent, delivery)
        if task.WhichOneof("fact") == "deleted":
            await repository.expire(uow, task_id=task.task_id)
    else:
        project = _decode(ProjectEvent, delivery)
        if project.WhichOneof("fact") == "deleted":
            await repository.expire(uow, project_id=project.project_id)


def _decode(kind: type[E], delivery: Delivery) -> E:
    event = kind()
    try:
        event.ParseFromString(delivery.payload)
    except DecodeError as error:
        raise InvalidMessage(f"not a {kind.__name__}") from error
    return event


consumer = Consumer("exports.catalog", (_TASKS, _PROJECTS), on_catalog_event, is_order_free=True)
