"""What happens to background requests: announced, started, on their way, ended, cancelled."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.requests import repository
from limner_common.clock import utc_now
from limner_common.db import UnitOfWork
from limner_common.requests import RequestDescription
from limner_contracts.requests.v1.request_event_pb2 import RequestEvent


async def store_announced(uow: UnitOfWork, announced: bytes) -> None:
    """Store a request that a service has just accepted, as its answer announces it; again is harmless."""
    request = msgspec.json.decode(announced, type=RequestDescription)
    await repository.add(uow, _values(request))


async def apply_event(uow: UnitOfWork, event: RequestEvent) -> None:
    """Apply a fact about a request.

    Facts about a request at its end, or one that was removed, change nothing; but one that failed and is queued again
    begins anew.
    """
    match event.WhichOneof("fact"):
        case "queued":
            await repository.add_or_reopen(uow, _values_of_event(event))
        case "started":
            await repository.change(uow, event.request_id, {"status": "started", "started_at": _time(event)})
        case "progressed":
            progressed = event.progressed
            values = {"status": "started", "progress": progressed.progress, "message": progressed.message}
            await repository.change(uow, event.request_id, values)
        case "finished":
            await _apply_finished(uow, event)
        case "failed":
            await fail(uow, event.request_id, event.failed.message)
        case "cancelled":
            await repository.remove(uow, event.request_id)


async def finish(
    uow: UnitOfWork,
    request_id: str,
    *,
    result_path: str = "",
    result_id: int | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Mark a request finished.

    Args:
        uow: The unit of work that holds the effect.
        request_id: Request.
        result_path: Path of a result to download, without the host.
        result_id: Id of the object that was made.
        expires_at: When the result goes away.
    """
    values = {
        "status": "finished",
        "progress": 1.0,
        "message": "",
        "finished_at": utc_now(),
        "result_path": result_path,
        "result_id": result_id,
        "expires_at": expires_at,
    }
    await repository.change(uow, request_id, values)


async def fail(uow: UnitOfWork, request_id: str, message: str) -> None:
    """Mark a request failed with a message a person can act on."""
    await repository.change(uow, request_id, {"status": "failed", "message": message, "finished_at": utc_now()})


async def end_streams(uow: UnitOfWork, user_id: int) -> None:
    """Wake a user's live streams, which end when he may not sign in any more."""
    repository.tell(uow, user_id)


async def creation_status(connection: AsyncConnection, task_id: int) -> dict[str, Any]:
    """Return how far the newest creation of a task's data is, in the form of older clients.

    They know four states and take a task that nothing is known of for finished.
    """
    row = await repository.find_newest(connection, task_id, "create:task")
    if row is None:
        return {"state": "Finished", "message": "", "progress": 0.0}
    return {"state": row.status.capitalize(), "message": row.message, "progress": row.progress}


async def _apply_finished(uow: UnitOfWork, event: RequestEvent) -> None:
    finished = event.finished
    expires_at = finished.expires_at.ToDatetime(UTC) if finished.HasField("expires_at") else None
    await finish(
        uow,
        event.request_id,
        result_path=finished.result_path,
        result_id=finished.result_id or None,
        expires_at=expires_at,
    )


def _values(request: RequestDescription) -> dict[str, Any]:
    return {
        "id": request.id,
        "service": request.service,
        "type": request.type,
        "target": request.target,
        "project_id": request.project_id,
        "task_id": request.task_id,
        "job_id": request.job_id,
        "organization_id": request.organization_id,
        "format": request.format,
        "owner_id": request.user_id,
        "owner_name": request.username,
    }


def _values_of_event(event: RequestEvent) -> dict[str, Any]:
    queued = event.queued
    return {
        "id": event.request_id,
        "service": queued.service,
        "type": queued.type,
        "target": queued.target,
        "project_id": queued.project_id or None,
        "task_id": queued.task_id or None,
        "job_id": queued.job_id or None,
        "organization_id": queued.organization_id or None,
        "format": queued.format,
        "owner_id": event.meta.subject_user_id,
        "owner_name": event.meta.subject_username,
        "created_at": _time(event),
    }


def _time(event: RequestEvent) -> datetime:
    return event.meta.occurred_at.ToDatetime(UTC)
