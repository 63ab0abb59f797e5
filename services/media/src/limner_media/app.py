"""The service's application."""

from fastapi import FastAPI

from limner_common.http.app import create_service_app
from limner_common.work.routes import work_router
from limner_media.container import MediaContainer
from limner_media.frames.routes import router as frames_router
from limner_media.internal.routes import router as internal_router
from limner_media.metas.routes import router as metas_router
from limner_media.uploads.routes import router as uploads_router


def create_app(container: MediaContainer) -> FastAPI:
    """Return the application of the service."""
    # Meta comes before uploads: data/meta would be taken for the address of an upload otherwise.
    routers = [
        metas_router,
        frames_router,
        uploads_router,
        internal_router,
        work_router("media", container.database, container.queue),
    ]
    return create_service_app("media", container, routers, title="Limner media")
