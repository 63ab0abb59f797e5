"""An httpx transport that calls an ASGI application in this process and streams both bodies.

httpx's own ASGI transport collects the whole answer first, which would hold exports and chunks in memory.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
from starlette.types import ASGIApp, Message

_QUEUE_PIECES = 8


class InProcessTransport(httpx.AsyncBaseTransport):
    """Runs requests against ``app``; an answer's pieces wait in a queue of bounded length."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Start the application and return when it has sent its status and headers."""
        exchange = _Exchange(request)
        exchange.task = asyncio.create_task(self._run(exchange))
        status, headers = await exchange.start
        return httpx.Response(status, headers=headers, stream=_Answer(exchange))

    async def _run(self, exchange: "_Exchange") -> None:
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except Exception as error:
            if not exchange.start.done():
                exchange.start.set_exception(httpx.ReadError(repr(error)))
            # Otherwise the handlers below the app have answered 500 and Starlette raises again for the server's log.
        finally:
            await exchange.pieces.put(None)


class _Exchange:
    """One request and its answer, between the application's task and the client."""

    def __init__(self, request: httpx.Request) -> None:
        self.start: asyncio.Future[tuple[int, list[tuple[bytes, bytes]]]] = asyncio.get_running_loop().create_future()
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE_PIECES)
        self.task: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        assert isinstance(request.stream, httpx.AsyncByteStream)
        self._body: Any = request.stream.__aiter__()
        self._is_sent = False
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "headers": [(key.lower(), value) for key, value in request.headers.raw],
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.split(b"?")[0],
            "query_string": request.url.query,
            "server": (request.url.host, request.url.port),
            "client": ("127.0.0.1", 0),
            "root_path": "",
        }

    async def receive(self) -> Message:
        if self._is_sent:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        try:
            return {"type": "http.request", "body": await self._body.__anext__(), "more_body": True}
        except StopAsyncIteration:
            self._is_sent = True
            return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if not self.start.done():
                self.start.set_result((message["status"], list(message.get("headers", []))))
        elif body := message.get("body", b""):
            await self.pieces.put(body)

    async def close(self) -> None:
        """Tell the application that nobody reads any more."""
        self._gone.set()
        if self.task is not None and not self.task.done():
            self.task.cancel()


class _Answer(httpx.AsyncByteStream):
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._exchange.pieces.get()) is not None:
            yield piece

    async def aclose(self) -> None:
        await self._exchange.close()
