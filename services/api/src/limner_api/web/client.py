"""The web client's files: hashed assets for ever, its page for every other path that is no API."""

import asyncio
from pathlib import Path

from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from limner_common.errors import NotAllowed, NotFound
from limner_common.http.errors import render_compat

_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
#: What the build's page says; replaced by the path of this installation.
_BASE = b'<base href="/" />'
_ASK_AGAIN = {"Cache-Control": "no-cache"}


class _ClientPath(Convertor[str]):
    """A path of the client: anything that is no API, so that unknown API routes and methods keep their own answers."""

    regex = "(?!(?:api|internal|health|metrics)(?:/|$)).*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("client_path", _ClientPath())


def client_route(folder: Path, base_path: str = "") -> Route:
    """Return the route that serves the build in ``folder`` to clients that see us below ``base_path``."""
    return Route("/{path:client_path}", WebClient(folder, base_path))


class WebClient:
    """ASGI application of the client.

    Args:
        folder: Folder of the build, with ``index.html``. All its addresses are relative to the page's ``base``.
        base_path: Path below which clients see us, such as ``/label``.
    """

    def __init__(self, folder: Path, base_path: str = "") -> None:
        self._folder = folder.resolve()
        self._page = self._folder / "index.html"
        self._base = f'<base href="{base_path}/" />'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file of the build, or with its page."""
        answer = await self._answer(scope)
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        path = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            return render_compat(NotAllowed(f'Method "{scope["method"]}" not allowed.'))
        file = (self._folder / path.lstrip("/")).resolve()
        if file != self._page and file.is_relative_to(self._folder) and file.is_file():
            lifetime = _FOR_EVER if path.startswith("/assets/") else _ASK_AGAIN
            return FileResponse(file, headers={**_SECURITY, **lifetime})
        accept = Headers(scope=scope).get("accept", "*/*")
        if "text/html" not in accept and "*/*" not in accept:
            return render_compat(NotFound())
        if not self._page.is_file():
            return Response("The web client is not built. Run: make web\n", 404, media_type="text/plain")
        page = (await asyncio.to_thread(self._page.read_bytes)).replace(_BASE, self._base, 1)
        return Response(page, headers={**_SECURITY, **_ASK_AGAIN}, media_type="text/html")
