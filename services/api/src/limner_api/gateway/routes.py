"""The gateway's routes: one endpoint per public path of another service."""

from itertools import groupby

import asyncpg
import sqlalchemy as sa
import structlog
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from limner_api.access.objects import AccessedObject
from limner_api.container import ApiContainer
from limner_api.gateway.forwarding import authorize, forward
from limner_api.gateway.repository import touch
from limner_api.gateway.table import ROUTES, ForwardedRoute, Target
from limner_api.requests.service import store_announced
from limner_common.errors import DomainError, NotAllowed
from limner_common.http.matching import QuickRoute
from limner_common.requests import REQUEST_HEADER

log = structlog.get_logger(__name__)


def gateway_routes(container: ApiContainer) -> list[QuickRoute]:
    """Return the routes to add to the application, in the table's order."""
    by_path = groupby(sorted(ROUTES, key=_position), key=lambda route: route.path)
    return [QuickRoute(path, _PathEndpoint(container, tuple(routes))) for path, routes in by_path]


def _position(route: ForwardedRoute) -> int:
    return next(index for index, other in enumerate(ROUTES) if other.path == route.path)


class _PathEndpoint:
    """Answers all methods of one path; plain ASGI, so bodies stream both ways."""

    def __init__(self, container: ApiContainer, routes: tuple[ForwardedRoute, ...]) -> None:
        self._container = container
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        route = self._choose(request)
        scope["route"] = route  # the framework notes its own kind of routes only; metrics and traces name requests by it
        _who, accessed, grant = await authorize(request, self._container, route)

        async def afterwards(headers: dict[bytes, bytes]) -> None:
            await self._follow(route, accessed, request.method, headers)

        await forward(
            scope,
            receive,
            send,
            container=self._container,
            service=route.service,
            grant=grant,
            is_repeatable=route.is_repeatable,
            afterwards=afterwards,
        )

    def _choose(self, request: Request) -> ForwardedRoute:
        method = "GET" if request.method == "HEAD" and not self._answers("HEAD") else request.method
        for route in self._routes:
            if method in route.methods and (route.when is None or route.when(request.query_params)):
                return route
        raise NotAllowed(f'Method "{request.method}" not allowed.')

    def _answers(self, method: str) -> bool:
        return any(method in route.methods for route in self._routes)

    async def _follow(
        self, route: ForwardedRoute, accessed: AccessedObject | None, method: str, headers: dict[bytes, bytes]
    ) -> None:
        announced = headers.get(REQUEST_HEADER.encode())
        if announced is not None:
            async with self._container.database.begin() as uow:
                await store_announced(uow, announced)
        if route.touches and accessed is not None and route.target is not Target.NONE and method not in ("GET", "HEAD"):
            await self._touch(accessed)

    async def _touch(self, accessed: AccessedObject) -> None:
        # The write is committed: that its date moves late must not make it look failed. Its event moves the date too.
        try:
            async with self._container.database.driver() as connection:
                await touch(connection, accessed)
        except (DomainError, asyncpg.PostgresError, sa.exc.DBAPIError) as error:
            log.warning("dates_not_moved", task_id=accessed.task_id, job_id=accessed.job_id, error=repr(error))
