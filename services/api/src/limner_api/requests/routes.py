"""Background requests over HTTP: the list, one request, cancelling it, and the live stream of all."""

import asyncio
from collections.abc import AsyncIterator

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from limner_api.access.dependencies import BaseURL, Caller, Context, Lists, Reading, Services, SignedIn
from limner_api.access.platform_policies import RequestAction
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts, Principal, Relation
from limner_api.container import ApiContainer
from limner_api.lists.pages import fetch_page
from limner_api.requests import repository
from limner_api.requests.listing import listing, shown_to
from limner_api.requests.rendering import render_request
from limner_api.users import service as users
from limner_clients.work import cancel_work
from limner_common.db import Row
from limner_common.errors import Invalid, NotFound, Unavailable
from limner_common.http.json import JSONAnswer
from limner_common.racing import until_first

router = APIRouter(tags=["requests"])

_AWAY_SECONDS = 2.0


@router.get("/api/requests")
async def list_requests(request: Request, caller: Caller, context: Context, lists: Lists, base_url: BaseURL) -> JSONAnswer:
    """List the caller's background requests, newest first; filter, sort and page as all lists."""
    require(caller, RequestAction.LIST)
    page = await fetch_page(lists, request.query_params, listing, shown_to(caller, context))
    return JSONAnswer(page.render(request, base_url, lambda row: render_request(row, base_url)))


@router.get("/api/requests/{request_id}")
async def retrieve_request(request_id: str, who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Get a background request; its owner and administrators may."""
    row = await _find(reading, who.principal, request_id, RequestAction.VIEW)
    return JSONAnswer(render_request(row, base_url))


@router.post("/api/requests/{request_id}/cancel")
async def cancel_request(request_id: str, caller: Caller, services: Services) -> Response:
    """Cancel a request that has not started. The service that holds the work decides."""
    async with services.database.read() as connection:
        row = await _find(connection, caller, request_id, RequestAction.CANCEL)
    if row.status != "queued":
        raise Invalid("Only requests that have not started can be cancelled.", code="request_not_queued")
    await cancel_work(row.service, request_id, services.resources.upstreams, services.keyring)
    async with services.database.begin() as uow:
        await repository.remove(uow, request_id)
    return Response(status_code=200)


@router.get("/api/live")
async def live(request: Request, caller: Caller, services: Services, base_url: BaseURL) -> StreamingResponse:
    """Stream changes of the caller's requests as server-sent events.

    Each ``request`` event carries a request as ``GET /api/requests/{id}`` returns it; its ``id`` may be sent back in
    ``Last-Event-ID`` to go on after a lost connection. Without it the stream starts now. It ends when the caller's account
    is disabled.
    """
    given = request.headers.get("last-event-id", "")
    last = int(given) if given.isdigit() else None
    return StreamingResponse(
        _stream(services, caller, base_url, last),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(services: ApiContainer, caller: Principal, base_url: str, last: int | None) -> AsyncIterator[bytes]:
    assert caller.user_id is not None
    draining = services.resources.readiness.draining
    with services.live.subscribe(caller.user_id) as changed:
        async with services.database.read() as connection:
            if last is None:
                last = await repository.newest_change(connection, caller.user_id)
            known = await repository.changed_since(connection, caller.user_id, last)
        sent = {row.id: row.change_seq for row in known if row.change_seq <= last}
        yield b"retry: 2000\n\n"
        while True:
            changed.clear()
            try:
                async with services.database.read() as connection:
                    if not await users.is_active(connection, caller.user_id):
                        return
                    rows = await repository.changed_since(connection, caller.user_id, last)
            except Unavailable:
                await asyncio.sleep(_AWAY_SECONDS)  # the stream outlives the database's restart
                yield b": keep-alive\n\n"
                continue
            for row in rows:
                if sent.get(row.id, 0) < row.change_seq:
                    sent[row.id] = row.change_seq
                    last = max(last, row.change_seq)
                    yield _event(row, base_url)
            if draining.is_on:
                return  # the client comes back, to a process that stays
            try:
                async with asyncio.timeout(services.live.look_seconds):
                    await until_first(changed.wait(), draining.wait())
            except TimeoutError:
                yield b": keep-alive\n\n"


def _event(row: Row, base_url: str) -> bytes:
    return b"id: %d\nevent: request\ndata: %s\n\n" % (row.change_seq, orjson.dumps(render_request(row, base_url)))


async def _find(connection: Reading, caller: Principal, request_id: str, action: RequestAction) -> Row:
    row = await repository.find(connection, request_id)
    if row is None:
        raise NotFound(f"There is no request {request_id}.")
    is_owner = row.owner_id == caller.user_id
    require(caller, action, ObjectFacts(relations=frozenset({Relation.OWNER}) if is_owner else frozenset()))
    return row
