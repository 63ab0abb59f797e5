"""Routes under ``/api/projects``, except those that other services answer."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.catalog_policies import ProjectAction, TaskAction
from limner_api.access.dependencies import BaseURL, Context, Lists, ObjectId, Reading, Services, SignedIn, Work
from limner_api.access.objects import find_project, find_task
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts
from limner_api.access.visibility import visible
from limner_api.gateway.forwarding import ForwardedAnswer, grant_for
from limner_api.lists.pages import fetch_page
from limner_api.projects import repository, service
from limner_api.projects.listing import find_shown, listing, render_project, visibility
from limner_api.projects.schemas import ProjectCreate, ProjectUpdate
from limner_common.errors import NotFound
from limner_common.http.json import JSONAnswer

router = APIRouter(prefix="/api/projects", tags=["projects"])


@router.get("")
async def list_projects(request: Request, who: SignedIn, context: Context, lists: Lists, base_url: BaseURL) -> JSONAnswer:
    """List the projects the caller may see, newest first; filter, search, sort and page as all lists."""
    require(who.principal, ProjectAction.LIST, ObjectFacts(context.organization_id, context.role))
    shown = visible(who.principal, context, visibility, who.memberships)
    page = await fetch_page(lists, request.query_params, listing, shown, is_kept=True)
    return JSONAnswer(page.render(request, base_url, lambda row: render_project(row, base_url)))


@router.post("", status_code=201)
async def create_project(who: SignedIn, context: Context, work: Work, base_url: BaseURL, body: ProjectCreate) -> JSONAnswer:
    """Make a project with its labels."""
    project_id = await service.create_project(work, who, context, body)
    return JSONAnswer(render_project(await find_shown(work.connection, project_id), base_url), 201)


@router.get("/{project_id}")
async def retrieve_project(project_id: ObjectId, who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Get a project."""
    accessed = await find_project(reading, who, project_id)
    require(who.principal, ProjectAction.VIEW, accessed.facts)
    return JSONAnswer(render_project(await find_shown(reading, project_id), base_url))


@router.patch("/{project_id}")
async def update_project(
    project_id: ObjectId, who: SignedIn, work: Work, base_url: BaseURL, body: ProjectUpdate | None = None
) -> JSONAnswer:
    """Change a project; its tasks go with it into another organization."""
    await service.update_project(work, who, project_id, body or ProjectUpdate())
    return JSONAnswer(render_project(await find_shown(work.connection, project_id), base_url))


@router.delete("/{project_id}", status_code=204)
async def delete_project(project_id: ObjectId, who: SignedIn, work: Work) -> Response:
    """Delete a project with its labels and all its tasks."""
    accessed = await find_project(work.connection, who, project_id)
    require(who.principal, ProjectAction.DELETE, accessed.facts)
    await service.delete_project(work, who.principal, accessed)
    return Response(status_code=204)


@router.get("/{project_id}/preview")
async def preview_project(
    request: Request, project_id: ObjectId, who: SignedIn, reading: Reading, services: Services
) -> Response:
    """Show the first frame of the project's newest task with data."""
    accessed = await find_project(reading, who, project_id)
    require(who.principal, ProjectAction.VIEW, accessed.facts)
    task_id = await repository.newest_task_with_data(reading, project_id)
    if task_id is None:
        raise NotFound("Project image preview not found")
    task = await find_task(reading, who, task_id)
    grant = grant_for(request, services, who, TaskAction.VIEW, task)
    return ForwardedAnswer(services, "media", grant, f"/api/tasks/{task_id}/preview")
