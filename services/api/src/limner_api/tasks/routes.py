"""Tasks over HTTP: reading and deleting. What clients send is read in ``tasks/writing.py``."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.catalog_policies import TaskAction
from limner_api.access.dependencies import BaseURL, Context, Reading, SignedIn, Work
from limner_api.access.objects import find_task
from limner_api.access.policies import require
from limner_api.access.visibility import visible
from limner_api.lists.pages import fetch_page
from limner_api.requests.service import creation_status
from limner_api.tasks import service
from limner_api.tasks.listing import find_shown, listing, render_task, visibility
from limner_common.http.json import JSONAnswer

router = APIRouter(tags=["tasks"])


@router.get("/api/tasks")
async def list_tasks(request: Request, who: SignedIn, context: Context, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """List the tasks the caller may see, newest first; filter, search, sort and page as all lists."""
    shown = visible(who.principal, context, visibility, who.memberships)
    page = await fetch_page(reading, request.query_params, listing, shown)
    return JSONAnswer(page.render(request, base_url, lambda row: render_task(row, base_url)))


@router.get("/api/tasks/{task_id}")
async def retrieve_task(task_id: int, who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Get a task."""
    accessed = await find_task(reading, who, task_id)
    require(who.principal, TaskAction.VIEW, accessed.facts)
    return JSONAnswer(render_task(await find_shown(reading, task_id), base_url))


@router.delete("/api/tasks/{task_id}")
async def delete_task(task_id: int, who: SignedIn, work: Work) -> Response:
    """Delete a task with its jobs, labels, data and annotations."""
    accessed = await find_task(work.connection, who, task_id)
    require(who.principal, TaskAction.DELETE, accessed.facts)
    await service.delete_task(work, accessed)
    return Response(status_code=204)


@router.get("/api/tasks/{task_id}/status")
async def task_status(task_id: int, who: SignedIn, reading: Reading) -> JSONAnswer:
    """Say how far the creation of a task's data is, in the form of older clients."""
    accessed = await find_task(reading, who, task_id)
    require(who.principal, TaskAction.VIEW, accessed.facts)
    status: dict[str, Any] = await creation_status(reading, task_id)
    return JSONAnswer(status)
