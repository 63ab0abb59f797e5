"""Both forms of every path are answered: with and without the slash at the end.

Existing clients use one form for some routes and the other for the rest; redirecting would cost them a round trip.
"""

from starlette.types import ASGIApp, Receive, Scope, Send


class TrailingSlashes:
    """Middleware that takes the slash off the end of API paths."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, without the slash at the end of an API path."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith("/api/") and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/")}
            if raw := scope.get("raw_path"):
                scope["raw_path"] = raw.split(b"?")[0].rstrip(b"/")
        await self._app(scope, receive, send)
