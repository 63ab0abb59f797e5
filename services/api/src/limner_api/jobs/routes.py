"""Routes under ``/api/jobs``, except those that other services answer."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.catalog_policies import JobAction
from limner_api.access.dependencies import BaseURL, Context, Lists, ObjectId, Reading, SignedIn, Work
from limner_api.access.objects import find_job
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts
from limner_api.access.visibility import visible
from limner_api.jobs import service
from limner_api.jobs.listing import find_shown, listing, render_job, visibility
from limner_api.jobs.schemas import JobCreate, JobUpdate
from limner_api.lists.pages import fetch_page
from limner_common.http.json import JSONAnswer

router = APIRouter(prefix="/api/jobs", tags=["jobs"])


@router.get("")
async def list_jobs(request: Request, who: SignedIn, context: Context, lists: Lists, base_url: BaseURL) -> JSONAnswer:
    """List the jobs the caller may see, newest first; filter, search, sort and page as all lists."""
    require(who.principal, JobAction.LIST, ObjectFacts(context.organization_id, context.role))
    shown = visible(who.principal, context, visibility, who.memberships)
    page = await fetch_page(lists, request.query_params, listing, shown, is_kept=True)
    return JSONAnswer(page.render(request, base_url, lambda row: render_job(row, base_url)))


@router.post("", status_code=201)
async def create_job(who: SignedIn, work: Work, body: JobCreate) -> Response:
    """Make a job by itself: refused, because jobs are made with the data of their task."""
    await service.create_job(work, who, body)
    return Response(status_code=201)


@router.get("/{job_id}")
async def retrieve_job(job_id: ObjectId, who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Get a job."""
    accessed = await find_job(reading, who, job_id)
    require(who.principal, JobAction.VIEW, accessed.facts)
    return JSONAnswer(render_job(await find_shown(reading, job_id), base_url))


@router.patch("/{job_id}")
async def update_job(
    job_id: ObjectId, who: SignedIn, work: Work, base_url: BaseURL, body: JobUpdate | None = None
) -> JSONAnswer:
    """Change a job: its assignee the state, whoever manages its task also stage and assignee."""
    await service.update_job(work, who, job_id, body or JobUpdate())
    return JSONAnswer(render_job(await find_shown(work.connection, job_id), base_url))


@router.delete("/{job_id}", status_code=204)
async def delete_job(job_id: ObjectId, who: SignedIn, work: Work) -> Response:
    """Delete a ground truth job; others go with their task."""
    await service.delete_job(work, who, job_id)
    return Response(status_code=204)
