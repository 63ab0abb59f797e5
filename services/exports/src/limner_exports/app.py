"""The service's application."""

from fastapi import FastAPI

from limner_exports.container import ExportsContainer
from limner_common.http.app import create_service_app


def create_app(container: ExportsContainer) -> FastAPI:
    """Return the application of the service."""
    return create_service_app("exports", container, [], title="Limner exports")
