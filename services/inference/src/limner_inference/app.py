"""The service's application."""

from fastapi import FastAPI

from limner_common.http.app import create_service_app
from limner_inference.container import InferenceContainer
from limner_inference.functions.routes import router as functions_router


def create_app(container: InferenceContainer) -> FastAPI:
    """Return the application of the service."""
    return create_service_app("inference", container, [functions_router], title="Limner inference")
