"""Health and metrics on a port of their own: for kubelets and Prometheus, never for people.

The applications answer ``/health`` too; but workers have no other port, and ``/metrics`` is for administrators on the public
one (docs/adr/0007-metrics-have-a-port-of-their-own.md).
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import structlog
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from limner_allinone.listening import listen
from limner_common.observe.page import MetricsPage, Neighbour

log = structlog.get_logger(__name__)

_HEALTH = frozenset({"/health/live", "/health/ready"})
_METRICS = "/metrics"
_SECONDS = 2.0


@contextlib.asynccontextmanager
async def answering_probes(app: ASGIApp, page: MetricsPage, host: str, port: int | None) -> AsyncIterator[None]:
    """Answer probes while inside; does nothing without a port.

    Args:
        app: Answers for the health of the service.
        page: The process's metrics.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one, None does not listen.

    Raises:
        Conflict: The address is taken or not ours.
    """
    if port is None:
        yield
        return
    listener = listen(host, port, advice="Choose another with --health-port.")
    log.info("probes_answered", host=host, port=listener.getsockname()[1])
    async with _serving(app, page, listener):
        yield


@contextlib.asynccontextmanager
async def answering_probes_on_socket(app: ASGIApp, page: MetricsPage, path: Path) -> AsyncIterator[None]:
    """Answer probes on a Unix socket while inside; see ``neighbour_at``."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(16)
    async with _serving(app, page, listener):
        yield


def neighbour_at(path: Path) -> Neighbour:
    """Return what reads the metrics of the process that answers on a Unix socket."""

    async def read() -> str:
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://neighbour", timeout=_SECONDS) as client:
                return (await client.get(_METRICS)).raise_for_status().text
        except httpx.HTTPError as error:
            raise ConnectionError(repr(error)) from error

    return read


@contextlib.asynccontextmanager
async def _serving(app: ASGIApp, page: MetricsPage, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        _Probes(app, page),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = _BackgroundServer(config)
    with contextlib.closing(listener):
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="probes")
        try:
            yield
        finally:
            server.should_exit = True
            await serving


class _BackgroundServer(uvicorn.Server):
    """A server that leaves signals to the program it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle none."""
        yield


class _Probes:
    """Answers health by asking the application, metrics by itself, and nothing else."""

    def __init__(self, app: ASGIApp, page: MetricsPage) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in _HEALTH:
            await self._app(scope, receive, send)
        elif scope["path"] == _METRICS and scope["method"] in ("GET", "HEAD"):
            await (await self._page.answer())(scope, receive, send)
        else:
            await Response("Only /health/live, /health/ready and /metrics are answered here.\n", 404)(scope, receive, send)
