"""The product below a path of a host that others share: requests arrive with the path, everything inside is without it.

A proxy may take the path off itself: then requests arrive without it and pass as they are.
"""

from starlette.types import ASGIApp, Receive, Scope, Send


class BasePath:
    """Middleware that takes the path off.

    Args:
        app: Knows nothing of the path.
        base_path: Such as ``/label``; no slash at the end.
    """

    def __init__(self, app: ASGIApp, base_path: str) -> None:
        self._app = app
        self._path = base_path
        self._raw = base_path.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request under the rest of its path."""
        if scope["type"] == "http" and (scope["path"] + "/").startswith(self._path + "/"):
            scope = {**scope, "path": scope["path"].removeprefix(self._path) or "/"}
            if raw := scope.get("raw_path"):
                scope["raw_path"] = raw.removeprefix(self._raw) or b"/"
        await self._app(scope, receive, send)
