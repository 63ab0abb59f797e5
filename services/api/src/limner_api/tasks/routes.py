"""Routes under ``/api/tasks``, except those that other services answer."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.catalog_policies import TaskAction
from limner_api.access.dependencies import BaseURL, Context, Lists, ObjectId, Reading, SignedIn, Work
from limner_api.access.objects import find_task
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts
from limner_api.access.visibility import visible
from limner_api.lists.pages import fetch_page
from limner_api.requests.service import creation_status
from limner_api.tasks import service
from limner_api.tasks.listing import find_shown, listing, render_task, visibility
from limner_api.tasks.schemas import TaskCreate, TaskUpdate
from limner_api.tasks.updating import update_task as change_task
from limner_common.http.json import JSONAnswer

router = APIRouter(prefix="/api/tasks", tags=["tasks"])


@router.get("")
async def list_tasks(request: Request, who: SignedIn, context: Context, lists: Lists, base_url: BaseURL) -> JSONAnswer:
    """List the tasks the caller may see, newest first; filter, search, sort and page as all lists."""
    require(who.principal, TaskAction.LIST, ObjectFacts(context.organization_id, context.role))
    shown = visible(who.principal, context, visibility, who.memberships)
    page = await fetch_page(lists, request.query_params, listing, shown, is_kept=True)
    return JSONAnswer(page.render(request, base_url, lambda row: render_task(row, base_url)))


@router.post("", status_code=201)
async def create_task(who: SignedIn, context: Context, work: Work, base_url: BaseURL, body: TaskCreate) -> JSONAnswer:
    """Make a task, with labels of its own or in a project. Its data are uploaded next."""
    task_id = await service.create_task(work, who, context, body)
    return JSONAnswer(render_task(await find_shown(work.connection, task_id), base_url), 201)


@router.get("/{task_id}")
async def retrieve_task(task_id: ObjectId, who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Get a task."""
    accessed = await find_task(reading, who, task_id)
    require(who.principal, TaskAction.VIEW, accessed.facts)
    return JSONAnswer(render_task(await find_shown(reading, task_id), base_url))


@router.patch("/{task_id}")
async def update_task(
    task_id: ObjectId, who: SignedIn, work: Work, base_url: BaseURL, body: TaskUpdate | None = None
) -> JSONAnswer:
    """Change a task; moving it into a project gives its annotations the project's labels of the same names."""
    await change_task(work, who, task_id, body or TaskUpdate())
    return JSONAnswer(render_task(await find_shown(work.connection, task_id), base_url))


@router.delete("/{task_id}", status_code=204)
async def delete_task(task_id: ObjectId, who: SignedIn, work: Work) -> Response:
    """Delete a task with its jobs, labels, data and annotations."""
    accessed = await find_task(work.connection, who, task_id)
    require(who.principal, TaskAction.DELETE, accessed.facts)
    await service.delete_task(work, who.principal, accessed)
    return Response(status_code=204)


@router.get("/{task_id}/status")
async def task_status(task_id: ObjectId, who: SignedIn, reading: Reading) -> JSONAnswer:
    """Say how far the creation of a task's data is, in the form of older clients."""
    accessed = await find_task(reading, who, task_id)
    require(who.principal, TaskAction.VIEW, accessed.facts)
    return JSONAnswer(await creation_status(reading, task_id))
