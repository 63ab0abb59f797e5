"""HEAD wherever there is GET: the same status and headers, no body."""

import asyncio

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner_common.http.matching import QuickRoute
from limner_common.racing import until_first


class ReadableRoute(QuickRoute, APIRoute):
    """A route that answers HEAD where it answers GET; its description shows GET only."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match HEAD as GET, unless the route has a HEAD of its own."""
        return super().matches({**scope, "method": "GET"} if self._is_head_of_get(scope) else scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; the endpoint sees the method that was sent."""
        if self._is_head_of_get(scope):
            await self.app(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    def _is_head_of_get(self, scope: Scope) -> bool:
        if scope.get("method") != "HEAD":
            return False
        methods = self.methods or set[str]()
        return "GET" in methods and "HEAD" not in methods


class HeadAnswers:
    """Middleware that ends the answer to HEAD with its headers, and whatever would only make a body that nobody sees."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start" and not answered.is_set():
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                answered.set()

        async def run() -> None:
            # What fails after the headers is of no interest: they are what was asked for.
            try:
                await self._app(scope, receive, send_head)
            except Exception:
                if not answered.is_set():
                    raise

        await until_first(run(), answered.wait())
