"""The service's application."""

from fastapi import FastAPI

from limner_inference.container import InferenceContainer
from limner_common.http.app import create_service_app


def create_app(container: InferenceContainer) -> FastAPI:
    """Return the application of the service."""
    return create_service_app("inference", container, [], title="Limner inference")
