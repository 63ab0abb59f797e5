"""The service's application."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from limner_api.access.dependencies import read_caller
from limner_api.container import ApiContainer
from limner_api.gateway.routes import gateway_routes
from limner_api.identity import routes as identity
from limner_api.requests import routes as requests
from limner_api.server import routes as server
from limner_api.users import routes as users
from limner_common.http.app import create_service_app

#: Routes that answer without knowing who asks. Everything else is refused to nobody in particular.
PUBLIC_ROUTERS: Sequence[APIRouter] = (identity.public_router, server.public_router)

#: Routes for people who are signed in.
SIGNED_IN_ROUTERS: Sequence[APIRouter] = (
    identity.router,
    users.router,
    server.router,
    requests.router,
)

#: Routes for other services; each checks a grant.
INTERNAL_ROUTERS: Sequence[APIRouter] = ()


def create_app(container: ApiContainer) -> FastAPI:
    """Return the application of the service."""
    signed_in = APIRouter(dependencies=[Depends(read_caller)])
    for router in SIGNED_IN_ROUTERS:
        signed_in.include_router(router)
    app = create_service_app(
        "api", container, [*PUBLIC_ROUTERS, signed_in, *INTERNAL_ROUTERS], title="Limner", readiness=[container.is_ready]
    )
    app.router.routes.extend(gateway_routes(container))
    app.add_middleware(SlashlessPaths)
    return app


class SlashlessPaths:
    """Serves ``/api/…/`` as ``/api/…``: clients use both forms and must not be redirected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Drop slashes at the end of the path of a request to the public API."""
        if scope["type"] == "http" and scope["path"].endswith("/") and scope["path"].startswith("/api/"):
            scope = {**scope, "path": scope["path"].rstrip("/")}
            if raw := scope.get("raw_path"):
                scope["raw_path"] = raw.rstrip(b"/")
        await self._app(scope, receive, send)
