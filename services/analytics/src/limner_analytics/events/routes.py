"""Events over HTTP."""

from fastapi import APIRouter
from starlette.requests import Request

from limner_analytics.container import AnalyticsContainer
from limner_analytics.events import repository
from limner_analytics.events.client_events import decode_batch, render_batch, rows_of
from limner_common.clock import utc_now
from limner_common.http.granted import Granted
from limner_common.http.json import JSONAnswer, read_body

router = APIRouter(tags=["events"])

_MAX_BODY_BYTES = 32 * 1024**2


@router.post("/api/events")
async def ingest_events(request: Request, grant: Granted) -> JSONAnswer:
    """Store a batch of client events; sending the same batch again stores nothing twice."""
    container: AnalyticsContainer = request.app.state.container
    batch = decode_batch(await read_body(request, limit_bytes=_MAX_BODY_BYTES))
    rows = rows_of(batch, grant, utc_now())
    async with container.database.begin() as uow:
        await repository.store(uow, rows)
    return JSONAnswer(render_batch(batch, rows, grant), 201)
