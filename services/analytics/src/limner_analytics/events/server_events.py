"""Facts of other services as rows of the same table."""

from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

from google.protobuf.message import DecodeError

from limner_analytics.events import repository
from limner_common.bus import Consumer, Delivery, InvalidMessage
from limner_common.db import UnitOfWork
from limner_common.events import event_uuid
from limner_contracts.annotations.v1.job_annotations_event_pb2 import JobAnnotationsEvent
from limner_contracts.catalog.v1.job_event_pb2 import JobEvent
from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from limner_contracts.media.v1.data_event_pb2 import DataEvent

Row = dict[str, Any]


def _project_rows(event: ProjectEvent) -> Iterator[Row]:
    base = {"object_id": event.project_id, "project_id": event.project_id}
    match event.WhichOneof("fact"):
        case "created":
            yield {**base, "scope": "create:project", "payload": {"name": event.created.name}}
        case "updated":
            yield {**base, "scope": "update:project", "payload": {"fields": list(event.updated.changed_fields)}}
        case "deleted":
            yield {**base, "scope": "delete:project"}
        case "labels_changed":
            yield {**base, "scope": "update:label"}


def _task_rows(event: TaskEvent) -> Iterator[Row]:
    base = {"object_id": event.task_id, "task_id": event.task_id, "project_id": event.project_id or None}
    match event.WhichOneof("fact"):
        case "created":
            yield {**base, "scope": "create:task", "payload": {"name": event.created.name}}
        case "updated":
            yield {**base, "scope": "update:task", "payload": {"fields": list(event.updated.changed_fields)}}
        case "deleted":
            yield {**base, "scope": "delete:task", "payload": {"jobs": list(event.deleted.job_ids)}}
        case "jobs_created":
            yield {**base, "scope": "create:job", "count": len(event.jobs_created.jobs)}
        case "labels_changed":
            yield {**base, "scope": "update:label"}


def _job_rows(event: JobEvent) -> Iterator[Row]:
    base = {
        "object_id": event.job_id,
        "job_id": event.job_id,
        "task_id": event.task_id,
        "project_id": event.project_id or None,
    }
    match event.WhichOneof("fact"):
        case "updated":
            updated = event.updated
            yield {
                **base,
                "scope": "update:job",
                "payload": {
                    "fields": list(updated.changed_fields),
                    "stage": updated.stage,
                    "state": updated.state,
                    "assignee_id": updated.assignee_id or None,
                },
            }
        case "deleted":
            yield {**base, "scope": "delete:job"}


def _data_rows(event: DataEvent) -> Iterator[Row]:
    base = {"object_id": event.task_id, "task_id": event.task_id}
    match event.WhichOneof("fact"):
        case "ready":
            payload = {"mode": event.ready.mode, "dimension": event.ready.dimension}
            yield {**base, "scope": "create:data", "count": event.ready.size, "payload": payload}
        case "frames_changed":
            yield {**base, "scope": "update:data", "count": event.frames_changed.deleted_count}


def _annotation_rows(event: JobAnnotationsEvent) -> Iterator[Row]:
    base = {"object_id": event.job_id, "job_id": event.job_id, "task_id": event.task_id}
    if event.WhichOneof("fact") != "saved":
        return
    saved = event.saved
    yield {
        **base,
        "scope": "save:annotations",
        "count": saved.created + saved.updated + saved.deleted,
        "object_name": saved.kind,
        "payload": {
            "revision": saved.revision,
            "created": saved.created,
            "updated": saved.updated,
            "deleted": saved.deleted,
        },
    }


_READERS: dict[str, tuple[Any, Callable[[Any], Iterator[Row]]]] = {
    "limner.catalog.project.v1": (ProjectEvent, _project_rows),
    "limner.catalog.task.v1": (TaskEvent, _task_rows),
    "limner.catalog.job.v1": (JobEvent, _job_rows),
    "limner.media.data.v1": (DataEvent, _data_rows),
    "limner.annotations.job.v1": (JobAnnotationsEvent, _annotation_rows),
}


async def on_event(uow: UnitOfWork, delivery: Delivery) -> None:
    """Store what a fact says; a fact newer than this release is passed over."""
    message, rows_of = _READERS[delivery.topic]
    try:
        event = message.FromString(delivery.payload)
    except DecodeError as error:
        raise InvalidMessage(f"not a {message.DESCRIPTOR.full_name}: {error}") from error
    common = {
        "id": event_uuid(event),
        "source": "server",
        "occurred_at": event.meta.occurred_at.ToDatetime(UTC),
        "duration_ms": 0,
        "organization_id": getattr(event, "organization_id", 0) or None,
        "user_id": event.meta.subject_user_id or None,
        "user_name": event.meta.subject_username or None,
    }
    optional = {
        "count": None,
        "object_name": None,
        "object_value": None,
        "project_id": None,
        "task_id": None,
        "job_id": None,
    }
    await repository.store(uow, [{"payload": {}, **optional, **common, **row} for row in rows_of(event)])


consumer = Consumer("analytics.events", tuple(_READERS), on_event, is_order_free=True)
