"""The way to another service: in this process, or over the network. Both stream and both are plain ASGI to the caller."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import httpx
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner_common.errors import Unavailable
from limner_common.http.connection import Connection, ConnectionBroken, ExchangeFailed
from limner_common.http.connections import Connections
from limner_common.http.errors import render_compat
from limner_common.http.inprocess import InProcessTransport
from limner_common.racing import until_first

log = structlog.get_logger(__name__)

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
#: ``expect`` is answered by the server in front as soon as we read the body.
_NOT_SENT = _HOP_BY_HOP | {b"host", b"expect"}
#: Servers say these themselves, once.
_NOT_RETURNED = _HOP_BY_HOP | {b"date", b"server"}
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

#: Key of the scope of a request that may be sent again under its id: who answers it does it once.
REPEATABLE = "limner.repeatable"
#: Bodies of such requests up to this length are held for it; longer ones pass by.
_HELD_BYTES = 1024 * 1024

#: How long a server keeps an idle connection. We give ours up earlier, so that none is used while the other end closes it.
SERVER_KEEP_ALIVE_SECONDS = 75
_KEEP_ALIVE_SECONDS = 45
_TIMEOUT = httpx.Timeout(600, connect=5)
_LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=_KEEP_ALIVE_SECONDS)


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
        """Return the application that answers for a service.

        Raises:
            Unavailable: The installation has no such service.
        """
        if service not in self._apps:
            raise Unavailable(f"This installation has no service '{service}'.", code="service_not_installed")
        return self._apps[service]

    def client(self, service: str) -> httpx.AsyncClient:
        """Return an HTTP client of a service; bodies stream in both directions.

        Raises:
            Unavailable: The installation has no such service.
        """
        if service not in self._clients:
            app = self.app(service)
            self._clients[service] = app.client if isinstance(app, RemoteApp) else _in_process_client(app, service)
        return self._clients[service]

    async def close(self) -> None:
        """Close all connections to other services."""
        for client in self._clients.values():
            await client.aclose()
        for app in self._apps.values():
            if isinstance(app, RemoteApp):
                await app.close()


def _in_process_client(app: ASGIApp, service: str) -> httpx.AsyncClient:
    transport = InProcessTransport(app)
    return httpx.AsyncClient(transport=transport, base_url=f"http://{service}", timeout=httpx.Timeout(300, connect=5))


class RemoteApp:
    """A service elsewhere, as an ASGI application: a streaming reverse proxy.

    Path, query, headers and body pass as they are: nothing is decoded, no cookie is kept, no redirect followed. A request
    without a body that only reads is sent a second time when the connection breaks before an answer, and so is one that
    is ``REPEATABLE``, unless its body is too long to be held.

    Args:
        base_url: Address of the service, such as ``http://media:8000``.
    """

    def __init__(self, base_url: str) -> None:
        self._address = base_url
        self._connections = Connections(base_url, keep_seconds=_KEEP_ALIVE_SECONDS)
        #: For what is asked in our own name. Retries of a transport are those of connecting only.
        self.client = httpx.AsyncClient(
            base_url=base_url, transport=httpx.AsyncHTTPTransport(retries=3, limits=_LIMITS), timeout=_TIMEOUT
        )

    async def close(self) -> None:
        """End all connections."""
        self._connections.close()
        await self.client.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request; answers 503 when the service cannot be reached before it has answered."""
        try:
            answer, whole = await self._ask(scope, receive)
        except _ClientGone:
            return
        except ExchangeFailed as error:
            log.warning("upstream_unreachable", address=self._address, error=repr(error))
            refusal = render_compat(Unavailable("A part of the service is not reachable.", retry_after_seconds=2))
            await refusal(scope, receive, send)
            return
        try:
            # What follows a success (a request to be noted) happens on the way of this message, whoever waits for it.
            await send(_start(answer))
            if whole is None:
                await until_first(_pass_on(answer, send), _gone(receive))
            else:  # at once behind the start, so that nobody gets the one without the other should we die
                await send({"type": "http.response.body", "body": whole})
        finally:
            self._connections.give_back(answer)

    async def _ask(self, scope: Scope, receive: Receive) -> tuple[Connection, bytes | None]:
        """Send the request; returns the answer, and its body where that has come or the request may be sent again."""
        headers = dict(scope["headers"])
        has_body = b"content-length" in headers or b"transfer-encoding" in headers
        is_repeatable = bool(scope.get(REPEATABLE))
        if has_body and not (is_repeatable and _is_short(headers)):
            return await self._exchange(scope, _body(receive), is_whole=False)
        held = b"".join([piece async for piece in _body(receive)]) if has_body else b""
        if not is_repeatable and scope["method"] not in _READING:
            return await self._exchange(scope, held, is_whole=False)
        try:
            return await self._exchange(scope, held, is_whole=is_repeatable)
        except ConnectionBroken:
            await asyncio.sleep(random.uniform(0.01, 0.1))
            return await self._exchange(scope, held, is_whole=is_repeatable)

    async def _exchange(
        self, scope: Scope, body: bytes | AsyncIterator[bytes], *, is_whole: bool
    ) -> tuple[Connection, bytes | None]:
        connection = await self._connections.lend()
        try:
            head, is_chunked = self._head(scope)
            await connection.send(scope["method"], head, body, is_chunked=is_chunked)
            await connection.read_head()
            if is_whole:
                return connection, b"".join([piece async for piece in connection.pieces()])
            return connection, connection.whole_body()
        except BaseException:
            self._connections.give_back(connection)
            raise

    def _head(self, scope: Scope) -> tuple[bytes, bool]:
        """Return all of a request before its body, and whether the body goes in pieces of which nobody knows how many."""
        names = {name for name, _ in scope["headers"]}
        is_chunked = b"transfer-encoding" in names
        not_sent = _NOT_SENT | {b"content-length"} if is_chunked else _NOT_SENT
        headers = [(name, value) for name, value in scope["headers"] if name not in not_sent]
        if is_chunked:
            headers.append((b"transfer-encoding", b"chunked"))
        elif b"content-length" not in names and scope["method"] not in _READING:
            headers.append((b"content-length", b"0"))
        # The target goes out as it came in: percent signs and dots mean what the client meant.
        lines = [
            b"%b %b HTTP/1.1" % (scope["method"].encode(), _target(scope)),
            b"host: " + self._connections.host_header,
            *(b"%b: %b" % header for header in headers),
        ]
        return b"\r\n".join(lines) + b"\r\n\r\n", is_chunked


def _is_short(headers: Mapping[bytes, bytes]) -> bool:
    length = headers.get(b"content-length", b"")
    return b"transfer-encoding" not in headers and length.isdigit() and int(length) <= _HELD_BYTES


class _ClientGone(Exception):
    """Nobody waits for the answer any more."""


def _target(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope.get("query_string", b"")
    return path.split(b"?")[0] + (b"?" + query if query else b"")


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGone
        if body := message.get("body", b""):
            yield body
        if not message.get("more_body", False):
            return


def _start(answer: Connection) -> Message:
    headers = [(name, value) for name, value in answer.headers if name not in _NOT_RETURNED]
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def _pass_on(answer: Connection, send: Send) -> None:
    async for piece in answer.pieces():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    """Return when the client has gone; what is left of its body is read and dropped."""
    while (await receive())["type"] != "http.disconnect":
        pass
