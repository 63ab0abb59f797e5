"""The internal route by which other services cancel work of this one."""

from fastapi import APIRouter
from starlette.responses import Response

from limner_common.db import Database
from limner_common.http.granted import ServiceGranted
from limner_common.work.queue import WorkQueue


def work_router(service: str, database: Database, queue: WorkQueue) -> APIRouter:
    """Return the router of a service's work items."""
    router = APIRouter(prefix=f"/internal/{service}/work", include_in_schema=False)

    @router.post("/{item_id}/cancel", status_code=204)
    async def cancel(item_id: str, _grant: ServiceGranted) -> Response:
        """Cancel a queued item at once, ask a running one to stop."""
        async with database.begin() as uow:
            await queue.request_cancel(uow, item_id)
        return Response(status_code=204)

    return router
