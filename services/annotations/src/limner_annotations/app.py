"""The service's application."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from limner_annotations.container import AnnotationsContainer
from limner_annotations.jobs.routes import router as jobs_router
from limner_annotations.revisions.routes import router as revisions_router
from limner_annotations.revisions.states import RevisionMismatch
from limner_annotations.tasks.routes import router as tasks_router
from limner_annotations.transfers.routes import router as transfers_router
from limner_common.http.app import create_service_app
from limner_common.http.json import JSONAnswer


def create_app(container: AnnotationsContainer) -> FastAPI:
    """Return the application of the service."""
    routers = [revisions_router, jobs_router, tasks_router, transfers_router]
    app = create_service_app("annotations", container, routers, title="Limner annotations")
    app.add_exception_handler(RevisionMismatch, _on_mismatch)
    return app


async def _on_mismatch(_request: Request, error: Exception) -> Response:
    """Answer 409 with what a client needs to merge its change: the present revision and the ids that differ."""
    assert isinstance(error, RevisionMismatch)
    body = {
        "detail": error.message,
        "code": error.code,
        "expected": error.expected,
        "revision": error.current,
        "created": error.difference.created,
        "ended": error.difference.ended,
        "is_cut": error.difference.is_cut,
    }
    return JSONAnswer(body, 409)
