"""Both forms of every path are answered: with and without the slash at the end.

Existing clients use one form for some routes and the other for the rest, and must not be redirected.
"""

from starlette.types import ASGIApp, Receive, Scope, Send


class TrailingSlashes:
    """Middleware that takes the slashes off the end of the paths of the public API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request under its path without the slash."""
        if scope["type"] == "http" and scope["path"].endswith("/") and scope["path"].startswith("/api/"):
            scope = {**scope, "path": scope["path"].rstrip("/")}
            if raw := scope.get("raw_path"):
                scope["raw_path"] = raw.split(b"?")[0].rstrip(b"/")
        await self._app(scope, receive, send)
