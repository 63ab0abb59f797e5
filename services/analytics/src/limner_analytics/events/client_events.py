"""Events as clients send them: pure rules from the wire to rows.

A client's clock may be wrong: the difference between its ``timestamp`` of sending and ours is added to every event. Who sent
it and from which organization is what the gateway says, never what the body says.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import orjson

from limner_common.clock import wire_date
from limner_common.errors import Invalid
from limner_common.grants import Grant

MAX_EVENTS = 10_000
_NAMESPACE = uuid.UUID("6f0b4c1e-2a43-4c54-9b5f-1f6c6f2b7a10")


class ClientEvent(msgspec.Struct, kw_only=True, omit_defaults=False):
    """One event of a client; ``duration`` in milliseconds, ``payload`` JSON text."""

    scope: str
    timestamp: datetime
    obj_name: str | None = None
    obj_id: int | None = None
    obj_val: str | None = None
    source: str | None = None
    count: int | None = None
    duration: int = 0
    project_id: int | None = None
    task_id: int | None = None
    job_id: int | None = None
    payload: str | None = None


class ClientEvents(msgspec.Struct, kw_only=True):
    """A batch; ``previous_event`` is the last of the batch before, already stored."""

    timestamp: datetime
    events: list[ClientEvent] = []
    previous_event: ClientEvent | None = None


def decode_batch(body: bytes) -> ClientEvents:
    """Decode a batch.

    Raises:
        Invalid: Not a batch of events; the message says where.
    """
    try:
        batch = msgspec.json.decode(body or b"{}", type=ClientEvents)
    except msgspec.MsgspecError as error:
        raise Invalid(fields={"events": [str(error)]}) from error
    if len(batch.events) > MAX_EVENTS:
        raise Invalid(fields={"events": [f"At most {MAX_EVENTS} events may be sent at a time."]})
    if any(moment.tzinfo is None for moment in _moments(batch)):
        raise Invalid(fields={"timestamp": ["Dates need a time zone."]})
    for index, event in enumerate(batch.events):
        if not event.scope:
            raise Invalid(fields={"events": {str(index): {"scope": ["This field may not be blank."]}}})
        _payload(event, index)
    return batch


def rows_of(batch: ClientEvents, grant: Grant, received_at: datetime) -> list[dict[str, Any]]:
    """Return the rows of a batch, clock corrected, ids made of what was sent.

    The same batch sent again, because its answer was lost, makes the same ids.
    """
    skew = received_at - batch.timestamp
    return [_row(event, index, batch, grant, skew) for index, event in enumerate(batch.events)]


def render_batch(batch: ClientEvents, rows: Sequence[Mapping[str, Any]], grant: Grant) -> dict[str, Any]:
    """Return the answer: what was stored, with what we filled in."""
    return {
        "events": [_rendered(event, row, grant) for event, row in zip(batch.events, rows, strict=True)],
        "previous_event": None if batch.previous_event is None else msgspec.to_builtins(batch.previous_event),
        "timestamp": wire_date(batch.timestamp),
    }


def _row(event: ClientEvent, index: int, batch: ClientEvents, grant: Grant, skew: timedelta) -> dict[str, Any]:
    content = msgspec.json.encode([grant.user_id, batch.timestamp, index, event])
    return {
        "id": uuid.uuid5(_NAMESPACE, content.decode()),
        "scope": event.scope,
        "source": "client",
        "occurred_at": event.timestamp + skew,
        "duration_ms": event.duration,
        "count": event.count,
        "object_name": event.obj_name,
        "object_id": event.obj_id,
        "object_value": event.obj_val,
        "organization_id": grant.organization_id,
        "project_id": event.project_id,
        "task_id": event.task_id,
        "job_id": event.job_id,
        "user_id": grant.user_id,
        "user_name": grant.username,
        "payload": _payload(event, index),
    }


def _rendered(event: ClientEvent, row: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
    sent = {key: value for key, value in msgspec.to_builtins(event).items() if value is not None}
    return {
        **sent,
        "timestamp": wire_date(row["occurred_at"]),
        "source": "client",
        "org_id": grant.organization_id,
        "org_slug": None,
        "user_id": grant.user_id,
        "user_name": grant.username,
        "payload": orjson.dumps(row["payload"]).decode(),
    }


def _payload(event: ClientEvent, index: int) -> Any:
    if not event.payload:
        return {}
    try:
        return orjson.loads(event.payload)
    except orjson.JSONDecodeError as error:
        raise Invalid(
            fields={"events": {str(index): {"payload": ["JSON payload is not valid in passed event."]}}}
        ) from error


def _moments(batch: ClientEvents) -> list[datetime]:
    return [batch.timestamp, *(event.timestamp for event in batch.events)]
