"""The history of a job over HTTP."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from limner_annotations.access import READ, UPDATE, OpenJob, author_of, open_job, with_current_labels
from limner_annotations.requests import container_of
from limner_annotations.revisions import history
from limner_annotations.revisions.answers import REVISION_HEADER, PieceStream, is_known, not_modified
from limner_annotations.revisions.pieces import job_pieces
from limner_annotations.revisions.schemas import Restored, RevisionPage
from limner_annotations.revisions.service import find_state
from limner_annotations.revisions.states import JobState, expected_revision
from limner_common.grants import Grant
from limner_common.http.granted import Granted
from limner_common.http.json import JSONAnswer

router = APIRouter(tags=["annotation history"])

_PATH = "/api/jobs/{job_id}/annotations/revisions"

Page = Annotated[int, Query(ge=1)]
PageSize = Annotated[int, Query(ge=1, le=500)]


@router.get(_PATH)
@router.get(_PATH + "/", include_in_schema=False)
async def list_revisions(
    job_id: int, request: Request, grant: Granted, page: Page = 1, page_size: PageSize = 50
) -> Response:
    """List the revisions of a job, the newest first, a page at a time.

    Each has who, when, what kind of change, how many objects came, changed and went, and whether it can still be read
    (``is_kept``). Needs ``job:view:annotations``.
    """
    _, state = await _open(request, grant, job_id)
    results = await history.read_page(container_of(request).database, state, page=page, page_size=page_size)
    base = f"{grant.base_url}{request.url.path}?page_size={page_size}&page="
    return JSONAnswer(
        msgspec.json.encode(
            RevisionPage(
                count=state.revision,
                next=f"{base}{page + 1}" if state.revision > page * page_size else None,
                previous=f"{base}{page - 1}" if page > 1 else None,
                results=results,
            )
        ),
        headers={REVISION_HEADER: str(state.revision)},
    )


@router.get(_PATH + "/{revision}")
@router.get(_PATH + "/{revision}/", include_in_schema=False)
async def read_revision(job_id: int, revision: int, request: Request, grant: Granted) -> Response:
    """Read what a job held at a revision, as the present labels want it; revision 0 is empty.

    A revision that is not kept any more is answered with 410. Needs ``job:view:annotations``.
    """
    job, state = await _open(request, grant, job_id)
    state.require(revision)
    etag = f'"{revision}.{state.version(job.task.labels_version)}"'
    headers = {"ETag": etag, REVISION_HEADER: str(revision), "Cache-Control": "private, no-cache"}
    if is_known(request, etag):
        return not_modified(headers)
    return PieceStream(job_pieces(container_of(request), job_id, revision, job.task.schema), headers=headers)


@router.get(_PATH + "/{revision}/diff")
@router.get(_PATH + "/{revision}/diff/", include_in_schema=False)
async def compare_revisions(job_id: int, revision: int, request: Request, grant: Granted, to: int | None = None) -> Response:
    """Compare a revision of a job with another, by default the present one.

    ``created`` and ``updated`` are documents of the objects as they are in the second, ``deleted`` has ids by kind. Needs
    ``job:view:annotations``.
    """
    job, state = await _open(request, grant, job_id)
    second = state.revision if to is None else to
    database = container_of(request).database
    return JSONAnswer(await history.compare(database, state, revision, second, job.task.schema))


@router.post(_PATH + "/{revision}/restore")
@router.post(_PATH + "/{revision}/restore/", include_in_schema=False)
async def restore_revision(job_id: int, revision: int, request: Request, grant: Granted) -> Response:
    """Bring a job back to what it held at a revision: one new revision, which can be undone in the same way.

    Objects of labels that were deleted since stay away. ``If-Match`` as for saving. Needs ``job:update:annotations``.
    """
    container = container_of(request)
    author, expected = author_of(grant, f"revision {revision}"), expected_revision(request.headers.get("if-match"))

    async def restore(job: OpenJob) -> JobState:
        async with container.database.begin() as uow:
            return await history.restore(uow, job, revision, author, expected=expected)

    state = await with_current_labels(container, await open_job(container, grant, job_id, UPDATE), restore)
    answer = Restored(revision=state.revision, restored=revision)
    return JSONAnswer(msgspec.json.encode(answer), headers={REVISION_HEADER: str(state.revision)})


async def _open(request: Request, grant: Grant, job_id: int) -> tuple[OpenJob, JobState]:
    container = container_of(request)
    job = await open_job(container, grant, job_id, READ)
    return job, await find_state(container.database, job.task.id, job_id)
