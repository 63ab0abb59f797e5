"""The service's application."""

from fastapi import FastAPI

from limner_analytics.container import AnalyticsContainer
from limner_analytics.events.routes import router as events_router
from limner_common.http.app import create_service_app


def create_app(container: AnalyticsContainer) -> FastAPI:
    """Return the application of the service."""
    return create_service_app("analytics", container, [events_router], title="Limner analytics")
