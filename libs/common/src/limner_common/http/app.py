"""The application every service starts from: error shapes, request ids, health, metrics."""

import time
from collections.abc import Iterable
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner_common.http.errors import answer_to_bug, install_error_handlers
from limner_common.http.head import HeadAnswers
from limner_common.http.json import JSONAnswer
from limner_common.http.metrics import REQUEST_SECONDS, REQUESTS_IN_PROGRESS
from limner_common.http.routing import add_routes
from limner_common.http.tracing import TracedRequests
from limner_common.ids import new_uuid
from limner_common.observe import tracing
from limner_common.observe.context import REQUEST_ID_HEADER
from limner_common.observe.page import MetricsPage
from limner_common.readiness import Draining, Readiness
from limner_common.work.routes import work_router

log = structlog.get_logger(__name__)

_REQUEST_ID = REQUEST_ID_HEADER.encode()
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def create_service_app(
    name: str,
    container: Any,
    routers: Iterable[APIRouter],
    *,
    title: str,
    is_public: bool = False,
) -> FastAPI:
    """Return a service's application with ``app.state.container`` set; opens nothing.

    Args:
        name: Service name, used in metrics.
        container: What the routes' dependencies read their adapters from, with ``database`` and ``queue``; entered by the
            composition root.
        routers: The service's features.
        title: Title of its OpenAPI document.
        is_public: Whether people reach it: then ``/metrics`` is not answered to everybody who does.
    """
    app = FastAPI(
        title=title,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"/internal/{name}/openapi.json",
        redirect_slashes=False,
        default_response_class=JSONAnswer,
    )
    app.state.container = container
    install_error_handlers(app)
    readiness = Readiness(Draining(), name) if container is None else container.resources.readiness
    if container is not None:
        add_routes(app, work_router(name, container.database, container.queue))
        if not is_public:
            add_routes(app, _metrics_router(container.resources.metrics))
    add_routes(app, _health_router(name, readiness))
    for router in routers:
        add_routes(app, router)
    app.add_middleware(HeadAnswers)
    app.add_middleware(_RequestMiddleware, service=name, draining=readiness.draining)
    if tracing.is_on():
        app.add_middleware(TracedRequests, service=name, is_edge=is_public)
    return app


def create_health_app(name: str, readiness: Readiness) -> ASGIApp:
    """Return an application that answers for the health of a process which serves nothing else."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, default_response_class=JSONAnswer)
    add_routes(app, _health_router(name, readiness))
    return app


class _RequestMiddleware:
    """Gives each request an id, measures it, and binds the id to the log; plain ASGI, so bodies stream."""

    def __init__(self, app: ASGIApp, service: str, draining: Draining) -> None:
        self._app = app
        self._service = service
        self._in_progress = REQUESTS_IN_PROGRESS.labels(service)
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _header(scope, _REQUEST_ID) or str(new_uuid())
        started = time.perf_counter()
        status, is_started = 500, False
        self._in_progress.inc()

        async def send_with_id(message: Message) -> None:
            nonlocal status, is_started
            if message["type"] == "http.response.start":
                status, is_started = message["status"], True
                headers = message.setdefault("headers", [])
                if not any(key == _REQUEST_ID for key, _ in headers):
                    message["headers"] = headers = [*headers, (_REQUEST_ID, request_id.encode("latin-1"))]
                if self._draining.is_on:  # whoever asks again then finds a process that stays
                    message["headers"] = [*headers, (b"connection", b"close")]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except ClientDisconnect:
                status = 499
                log.info("client_gone", path=scope["path"], method=scope["method"])
            except Exception:
                # Here and not in a handler of the framework, which would run where nobody knows the request's id any more.
                log.exception("unhandled_error", path=scope["path"], method=scope["method"])
                if is_started:
                    raise  # the server cuts the connection: an answer that ends early must not look whole
                await answer_to_bug()(scope, receive, send_with_id)
            finally:
                self._in_progress.dec()
                route = getattr(scope.get("route"), "path", "unmatched")
                if not route.startswith(("/health", "/metrics")):
                    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
                    REQUEST_SECONDS.labels(self._service, method, route, status).observe(time.perf_counter() - started)


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text if len(text) <= 64 and text.isprintable() else None
    return None


def _health_router(name: str, readiness: Readiness) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> JSONAnswer:
        """Say that this process answers; looks at nothing outside."""
        return JSONAnswer({"status": "ok", "service": name})

    @router.get("/health/ready")
    async def ready() -> JSONAnswer:
        """Say whether everything this process needs is there, and what else is missing."""
        report = await readiness.report()
        body = {"status": report.status, "problems": report.problems, "checks": report.checks}
        return JSONAnswer(body, 200 if report.is_ready else 503)

    return router


def _metrics_router(page: MetricsPage) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def metrics() -> Response:
        """Answer the process's metrics in Prometheus' text form."""
        return await page.answer()

    return router
