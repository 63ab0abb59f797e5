"""Jobs over HTTP: reading. What clients send is read in ``jobs/writing.py``."""

from fastapi import APIRouter
from starlette.requests import Request

from limner_api.access.catalog_policies import JobAction
from limner_api.access.dependencies import BaseURL, Context, Reading, SignedIn
from limner_api.access.objects import find_job
from limner_api.access.policies import require
from limner_api.access.visibility import visible
from limner_api.jobs.listing import find_shown, listing, render_job, visibility
from limner_api.lists.pages import fetch_page
from limner_common.http.json import JSONAnswer

router = APIRouter(tags=["jobs"])


@router.get("/api/jobs")
async def list_jobs(request: Request, who: SignedIn, context: Context, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """List the jobs the caller may see, newest first; filter, search, sort and page as all lists."""
    shown = visible(who.principal, context, visibility, who.memberships)
    page = await fetch_page(reading, request.query_params, listing, shown)
    return JSONAnswer(page.render(request, base_url, lambda row: render_job(row, base_url)))


@router.get("/api/jobs/{job_id}")
async def retrieve_job(job_id: int, who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Get a job."""
    accessed = await find_job(reading, who, job_id)
    require(who.principal, JobAction.VIEW, accessed.facts)
    return JSONAnswer(render_job(await find_shown(reading, job_id), base_url))
