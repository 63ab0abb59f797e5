"""The service's application."""

from fastapi import FastAPI

from limner_annotations.container import AnnotationsContainer
from limner_common.http.app import create_service_app


def create_app(container: AnnotationsContainer) -> FastAPI:
    """Return the application of the service."""
    return create_service_app("annotations", container, [], title="Limner annotations")
