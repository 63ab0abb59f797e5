"""Work items that people see as background requests: what they are, and how their progress is told.

A service that does such work keeps the request's description in the item's payload under ``request``; the observer made
here turns every change of the item into a ``RequestEvent`` in the same transaction.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from limner_common.db.uow import UnitOfWork
from limner_common.events import new_message
from limner_common.grants import Grant
from limner_common.ids import new_token
from limner_common.work.queue import Observer, WorkItem, WorkState
from limner_contracts.requests.v1.request_event_pb2 import RequestEvent

#: Header in which a service tells the gateway what the request it has just accepted is; JSON of ``RequestDescription``.
REQUEST_HEADER = "x-limner-request"


class RequestDescription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a background request is about.

    Attributes:
        id: Request id, also the id of the work item; ``[a-z0-9-]`` only.
        type: ``action:subresource``, such as ``export:dataset``.
        target: project, task or job.
        format: Display name of a dataset format, or "".
        service: Service that does the work.
        user_id: Who asked.
        username: His name.
    """

    id: str
    type: str
    target: str
    project_id: int | None = None
    task_id: int | None = None
    job_id: int | None = None
    organization_id: int | None = None
    format: str = ""
    service: str
    user_id: int
    username: str = ""


def new_request_id(kind: str) -> str:
    """Return a request id such as ``export-019ab…``: readable, unique, safe in paths."""
    return new_token(f"{kind.replace(':', '-')}-")


def payload_with_request(request: RequestDescription, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a work item's payload that carries its request's description."""
    return {**payload, "request": msgspec.to_builtins(request)}


def request_of(item: WorkItem) -> RequestDescription:
    """Return the description kept in an item's payload."""
    return msgspec.convert(item.payload["request"], RequestDescription)


def request_header(request: RequestDescription) -> dict[str, str]:
    """Return the header by which the gateway learns of a request in the answer that accepts it.

    Its bytes on the wire are UTF-8; headers are encoded as Latin-1.
    """
    return {REQUEST_HEADER: msgspec.json.encode(request).decode("latin-1")}


def request_observer(service: str, *, announces_finish: bool = True) -> Observer:
    """Return an observer that publishes ``RequestEvent`` on ``limner.<service>.request.v1``.

    The finished event takes ``result_path``, ``result_id`` and ``expires_at`` (seconds since the epoch) from the item's
    result.

    Args:
        service: Service whose queue it watches.
        announces_finish: False when another fact ends the request (task creation ends when the jobs exist).
    """
    topic = f"limner.{service}.request.v1"

    async def observe(uow: UnitOfWork, item: WorkItem) -> None:
        if "request" not in item.payload:
            return
        request = request_of(item)
        event = _event_of(item, request)
        if event.WhichOneof("fact") == "finished" and not announces_finish:
            return
        grant = Grant(issuer=service, action="", user_id=request.user_id, username=request.username)
        uow.record(new_message(topic, request.id, event, producer=service, grant=grant))

    return observe


def _event_of(item: WorkItem, request: RequestDescription) -> RequestEvent:
    event = RequestEvent(request_id=request.id)
    match item.state:
        case WorkState.QUEUED if item.attempts == 0:
            queued = event.queued
            queued.type, queued.target, queued.format, queued.service = (
                request.type,
                request.target,
                request.format,
                request.service,
            )
            queued.project_id = request.project_id or 0
            queued.task_id = request.task_id or 0
            queued.job_id = request.job_id or 0
            queued.organization_id = request.organization_id or 0
        case WorkState.QUEUED:
            event.progressed.progress = item.progress
            event.progressed.message = "Waiting to be tried again"
        case WorkState.RUNNING if item.progress > 0 or item.message:
            event.progressed.progress = item.progress
            event.progressed.message = item.message
        case WorkState.RUNNING:
            event.started.SetInParent()
        case WorkState.DONE:
            _fill_finished(event, item.result or {})
        case WorkState.FAILED:
            event.failed.message = item.message
        case WorkState.CANCELLED:
            event.cancelled.SetInParent()
    return event


def _fill_finished(event: RequestEvent, result: Mapping[str, Any]) -> None:
    event.finished.result_path = result.get("result_path", "")
    event.finished.result_id = result.get("result_id", 0)
    if expires_at := result.get("expires_at"):
        event.finished.expires_at.FromSeconds(int(expires_at))
