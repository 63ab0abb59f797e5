"""The service's application."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, FastAPI

from limner_api.access.dependencies import read_authenticated
from limner_api.access_tokens import routes as access_tokens
from limner_api.base_path import BasePath
from limner_api.container import ApiContainer
from limner_api.gateway.routes import gateway_routes
from limner_api.identity import routes as identity
from limner_api.invitations import routes as invitations
from limner_api.jobs import routes as jobs
from limner_api.labels import routes as labels
from limner_api.memberships import routes as memberships
from limner_api.organizations import routes as organizations
from limner_api.projects import routes as projects
from limner_api.requests import routes as requests
from limner_api.server import routes as server
from limner_api.slashes import TrailingSlashes
from limner_api.tasks import facts, internal_routes
from limner_api.tasks import routes as tasks
from limner_api.users import routes as users
from limner_api.web.client import client_route
from limner_common.http.app import create_service_app
from limner_common.http.routing import add_routes

# Labels of a large project are the largest body that is not streamed.
_BODY_MAX_BYTES = 16 * 1024 * 1024
_PUBLIC_BODY_MAX_BYTES = 64 * 1024

#: Routes that answer without knowing who asks. Everything else is refused to nobody in particular.
PUBLIC_ROUTERS: Sequence[APIRouter] = (identity.public_router, server.public_router)

#: Routes for people who are signed in; those asked most come first, as routes are tried in order.
SIGNED_IN_ROUTERS: Sequence[APIRouter] = (
    jobs.router,
    tasks.router,
    projects.router,
    labels.router,
    requests.router,
    identity.router,
    access_tokens.router,
    users.router,
    organizations.router,
    memberships.router,
    invitations.router,
    server.router,
    server.metrics_router,
)

#: Routes for other services; each checks a grant.
INTERNAL_ROUTERS: Sequence[APIRouter] = (facts.router, internal_routes.router)


def create_app(container: ApiContainer) -> FastAPI:
    """Return the application of the service."""
    app = create_service_app("api", container, INTERNAL_ROUTERS, title="Limner", is_public=True)
    for router in PUBLIC_ROUTERS:
        add_routes(app, router, max_body_bytes=_PUBLIC_BODY_MAX_BYTES)
    for router in SIGNED_IN_ROUTERS:
        add_routes(app, router, dependencies=[Depends(read_authenticated)], max_body_bytes=_BODY_MAX_BYTES)
    app.router.routes.extend(gateway_routes(container))
    if container.settings.web_folder is not None:
        app.router.routes.append(client_route(container.settings.web_folder, container.settings.base_path))
    app.add_middleware(TrailingSlashes)
    if container.settings.base_path:
        app.add_middleware(BasePath, base_path=container.settings.base_path)
    return app
