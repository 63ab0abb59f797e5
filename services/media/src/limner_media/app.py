"""The service's application."""

from fastapi import FastAPI

from limner_media.container import MediaContainer
from limner_common.http.app import create_service_app


def create_app(container: MediaContainer) -> FastAPI:
    """Return the application of the service."""
    return create_service_app("media", container, [], title="Limner media")
