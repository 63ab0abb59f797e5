"""Projects over HTTP: reading and deleting. What clients send is read in ``projects/writing.py``."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.catalog_policies import ProjectAction
from limner_api.access.dependencies import BaseURL, Context, Reading, SignedIn, Work
from limner_api.access.objects import find_project
from limner_api.access.policies import require
from limner_api.access.visibility import visible
from limner_api.lists.pages import fetch_page
from limner_api.projects import service
from limner_api.projects.listing import find_shown, listing, render_project, visibility
from limner_common.http.json import JSONAnswer

router = APIRouter(tags=["projects"])


@router.get("/api/projects")
async def list_projects(
    request: Request, who: SignedIn, context: Context, reading: Reading, base_url: BaseURL
) -> JSONAnswer:
    """List the projects the caller may see, newest first; filter, search, sort and page as all lists."""
    shown = visible(who.principal, context, visibility, who.memberships)
    page = await fetch_page(reading, request.query_params, listing, shown)
    return JSONAnswer(page.render(request, base_url, lambda row: render_project(row, base_url)))


@router.get("/api/projects/{project_id}")
async def retrieve_project(project_id: int, who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Get a project."""
    accessed = await find_project(reading, who, project_id)
    require(who.principal, ProjectAction.VIEW, accessed.facts)
    return JSONAnswer(render_project(await find_shown(reading, project_id), base_url))


@router.delete("/api/projects/{project_id}")
async def delete_project(project_id: int, who: SignedIn, work: Work) -> Response:
    """Delete a project with its labels and all its tasks."""
    accessed = await find_project(work.connection, who, project_id)
    require(who.principal, ProjectAction.DELETE, accessed.facts)
    await service.delete_project(work, accessed)
    return Response(status_code=204)
