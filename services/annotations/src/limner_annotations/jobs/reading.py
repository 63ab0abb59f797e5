"""Reading a job's document."""

from starlette.requests import Request
from starlette.responses import Response

from limner_annotations.access import OpenJob
from limner_annotations.container import AnnotationsContainer
from limner_annotations.revisions.answers import REVISION_HEADER
from limner_annotations.revisions.pieces import job_pieces
from limner_annotations.revisions.service import find_state
from limner_annotations.revisions.serving import serve_document


async def serve_job(container: AnnotationsContainer, request: Request, job: OpenJob) -> Response:
    """Answer with all that a job holds now.

    The entity tag begins with the revision and a point; ``Limner-Revision`` has the revision alone.

    Raises:
        NotFound: The job was deleted.
    """
    state = await find_state(container.database, job.task.id, job.id)
    version = state.version(job.task.labels_version)
    schema = job.task.schema if state.is_stale(job.task.labels_version) else None
    return await serve_document(
        container,
        request,
        etag=f'"{version}"',
        headers={REVISION_HEADER: str(state.revision)},
        cache_key=f"annotations/jobs/{job.id}/{version}",
        size_bytes=state.counts.document_bytes,
        pieces=lambda: job_pieces(container, job.id, state.revision, schema),
    )
