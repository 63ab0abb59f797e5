"""The product below a path: settings, the middleware, the client's page."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from limner_api.base_path import BasePath
from limner_api.settings import ApiSettings
from limner_api.web.client import WebClient, client_route


def settings(**values: Any) -> ApiSettings:
    return ApiSettings(**values)


@pytest.mark.parametrize(
    ("given", "public_url", "base_path"),
    [
        ({}, None, ""),
        ({"base_path": "/"}, None, ""),
        ({"base_path": "/label/"}, None, "/label"),
        ({"base_path": "/team/label-2"}, None, "/team/label-2"),
        ({"public_url": "https://example.org/"}, "https://example.org", ""),
        ({"public_url": "https://example.org/label/"}, "https://example.org/label", "/label"),
        ({"public_url": "https://example.org/label", "base_path": "/label"}, "https://example.org/label", "/label"),
    ],
)
def test_the_path_is_given_alone_or_with_the_address(given: dict[str, str], public_url: str | None, base_path: str) -> None:
    read = settings(**given)
    assert (read.public_url, read.base_path) == (public_url, base_path)


@pytest.mark.parametrize(
    "given",
    [
        {"base_path": "label"},
        {"base_path": "/a//b"},
        {"base_path": "/a/../b"},
        {"base_path": "/a b"},
        {"base_path": '/"onload'},
        {"public_url": "example.org"},
        {"public_url": "ftp://example.org"},
        {"public_url": "https://example.org/?a=1"},
        {"public_url": "https://example.org/one", "base_path": "/two"},
        {"public_url": "https://example.org", "base_path": "/label"},
    ],
)
def test_what_is_no_path_or_no_address_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings(**given)


async def seen(path: str) -> Any:
    async def answer(request: Request) -> JSONResponse:
        return JSONResponse([request.url.path, request.scope["raw_path"].decode()])

    app = BasePath(Starlette(routes=[Route("/{rest:path}", answer)]), "/label")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return (await client.get(path)).json()


@pytest.mark.parametrize(
    ("asked", "path", "raw"),
    [
        ("/label", "/", "/"),
        ("/label/", "/", "/"),
        ("/label/api/tasks/1", "/api/tasks/1", "/api/tasks/1"),
        ("/label/api/a%20b?c=/label", "/api/a b", "/api/a%20b"),
        ("/label/label/x", "/label/x", "/label/x"),
        ("/api/tasks", "/api/tasks", "/api/tasks"),
        ("/labels/x", "/labels/x", "/labels/x"),
        ("/health/live", "/health/live", "/health/live"),
    ],
)
async def test_the_path_is_taken_off_once(asked: str, path: str, raw: str) -> None:
    assert await seen(asked) == [path, raw]


@pytest.mark.parametrize("asked", ["/", "/tasks/5", "/index.html"])
@pytest.mark.parametrize(("base_path", "expected"), [("", "/"), ("/label", "/label/")])
async def test_the_page_says_below_which_path_it_is_seen(tmp_path: Path, asked: str, base_path: str, expected: str) -> None:
    source = Path(__file__).parents[3] / "web" / "index.html"
    (tmp_path / "index.html").write_bytes(source.read_bytes())
    app = Starlette(routes=[client_route(tmp_path, base_path)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get(asked)
    assert answer.text.count(f'<base href="{expected}" />') == 1
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_client_that_is_not_built_is_said(tmp_path: Path) -> None:
    app = WebClient(tmp_path, "/label")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.text) == (404, "The web client is not built. Run: make web\n")
