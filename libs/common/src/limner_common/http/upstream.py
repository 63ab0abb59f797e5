"""The way to another service: in this process, or over the network. Both stream and both are plain ASGI to the caller."""

from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from limner_common.errors import Unavailable
from limner_common.http.errors import render_compat
from limner_common.http.inprocess import InProcessTransport

log = structlog.get_logger(__name__)

_HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}


class Upstreams:
    """Where the services are: an ASGI application each, and an HTTP client each.

    Args:
        apps: Application by service name: the service itself, or a ``RemoteApp`` for one elsewhere.
    """

    def __init__(self, apps: dict[str, ASGIApp]) -> None:
        self._apps = apps
        self._clients: dict[str, httpx.AsyncClient] = {}

    def has(self, service: str) -> bool:
        """Return whether the installation has a service, here or elsewhere."""
        return service in self._apps

    def app(self, service: str) -> ASGIApp:
        """Return the application that answers for a service."""
        return self._apps[service]

    def client(self, service: str) -> httpx.AsyncClient:
        """Return an HTTP client of a service; bodies stream in both directions."""
        if service not in self._clients:
            app = self._apps[service]
            self._clients[service] = app.client if isinstance(app, RemoteApp) else _in_process_client(app, service)
        return self._clients[service]

    async def close(self) -> None:
        """Close all clients."""
        for client in self._clients.values():
            await client.aclose()


def _in_process_client(app: ASGIApp, service: str) -> httpx.AsyncClient:
    transport = InProcessTransport(app)
    return httpx.AsyncClient(transport=transport, base_url=f"http://{service}", timeout=httpx.Timeout(300, connect=5))


class RemoteApp:
    """A service elsewhere, as an ASGI application: a streaming reverse proxy.

    Args:
        base_url: Address of the service, such as ``http://media:8000``.
    """

    def __init__(self, base_url: str) -> None:
        self.client = httpx.AsyncClient(
            base_url=base_url,
            timeout=httpx.Timeout(600, connect=5),
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=50),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request; answers 503 when the service cannot be reached before it has answered."""
        path = scope.get("raw_path") or scope["path"].encode()
        query = scope.get("query_string", b"")
        url = self.client.base_url.copy_with(raw_path=path.split(b"?")[0] + (b"?" + query if query else b""))
        headers = [(k, v) for k, v in scope["headers"] if k not in _HOP_BY_HOP and k != b"host"]
        has_body = any(k in (b"content-length", b"transfer-encoding") for k, _ in scope["headers"])
        request = self.client.build_request(
            scope["method"], url, headers=headers, content=_body(receive) if has_body else None
        )
        try:
            response = await self.client.send(request, stream=True)
        except httpx.TransportError as error:
            log.warning("upstream_unreachable", host=url.host, error=repr(error))
            answer = render_compat(Unavailable("A part of the service is not reachable.", retry_after_seconds=2))
            await answer(scope, receive, send)
            return
        try:
            kept = [(k.lower(), v) for k, v in response.headers.raw if k.lower() not in _HOP_BY_HOP]
            await send({"type": "http.response.start", "status": response.status_code, "headers": kept})
            async for piece in response.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            with suppress(httpx.TransportError):
                await response.aclose()


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise httpx.ReadError("client went away")
        if body := message.get("body", b""):
            yield body
        if not message.get("more_body", False):
            return
