"""The service's application."""

from fastapi import FastAPI

from limner_common.http.app import create_service_app
from limner_exports.container import ExportsContainer
from limner_exports.exporting.polling import router as polling_router
from limner_exports.exporting.routes import router as exporting_router
from limner_exports.importing.routes import router as importing_router
from limner_exports.listing.routes import router as listing_router


def create_app(container: ExportsContainer) -> FastAPI:
    """Return the application of the service."""
    # Fixed words come before uploads: dataset/download would be taken for the address of an upload otherwise.
    routers = [listing_router, exporting_router, polling_router, importing_router]
    return create_service_app("exports", container, routers, title="Limner exports")
