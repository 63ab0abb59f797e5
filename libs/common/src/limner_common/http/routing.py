"""Adds routers to an application so that finding a route is cheap.

FastAPI keeps included routers as they are and looks through them twice per request, route by route. Here their routes
become the application's own.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from limner_common.http.head import ReadableRoute

_COPIED = (
    "response_model",
    "status_code",
    "tags",
    "summary",
    "description",
    "response_description",
    "responses",
    "deprecated",
    "methods",
    "operation_id",
    "response_model_include",
    "response_model_exclude",
    "response_model_by_alias",
    "response_model_exclude_unset",
    "response_model_exclude_defaults",
    "response_model_exclude_none",
    "include_in_schema",
    "response_class",
    "name",
    "openapi_extra",
    "strict_content_type",
)


def add_routes(
    app: FastAPI, router: APIRouter, *, dependencies: Sequence[Any] = (), max_body_bytes: int | None = None
) -> None:
    """Make the routes of a router the application's own.

    Args:
        app: Gets the routes, after those it has.
        router: Where they are declared; it includes no other routers.
        dependencies: ``Depends`` that are resolved before those of each route.
        max_body_bytes: Largest body of a request; None leaves it to the routes.
    """
    for route in router.routes:
        if not isinstance(route, APIRoute):
            raise TypeError(f"{route!r} is no plain route; add included routers one by one")
        app.router.add_api_route(
            route.path,
            route.endpoint,
            dependencies=[*dependencies, *route.dependencies],
            max_body_size=max_body_bytes,
            route_class_override=ReadableRoute,
            **{name: getattr(route, name) for name in _COPIED},
        )
