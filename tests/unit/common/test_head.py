"""HEAD is answered wherever GET is."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from limner_common.errors import NotFound
from limner_common.http.app import create_service_app
from limner_common.http.inprocess import InProcessTransport

endings: list[str] = []


async def _for_ever() -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"again\n"
            await asyncio.sleep(0.001)
    finally:
        endings.append("stream")


def _client() -> httpx.AsyncClient:
    router = APIRouter()

    @router.get("/things/{name}")
    async def read(name: str) -> Response:
        if name == "none":
            raise NotFound
        return Response(b"x" * 100, headers={"ETag": '"1"'})

    @router.post("/things")
    async def make() -> Response:
        return Response(status_code=201)

    @router.get("/live")
    async def live() -> StreamingResponse:
        return StreamingResponse(_for_ever(), media_type="text/event-stream")

    @router.head("/files/{name}")
    async def look(name: str) -> Response:
        return Response(headers={"Upload-Offset": "7"})

    @router.get("/files/{name}")
    async def fetch(name: str) -> Response:
        return Response(b"file")

    app = create_service_app("test", None, [router], title="Test")
    return httpx.AsyncClient(transport=InProcessTransport(app), base_url="http://test")


@pytest.mark.parametrize("path", ["/things/a", "/things/none", "/health/live", "/metrics"])
async def test_head_has_the_status_and_headers_of_get_and_no_body(path: str) -> None:
    async with _client() as client:
        got = await client.get(path)
        head = await client.head(path)
    assert head.status_code == got.status_code
    assert head.content == b""
    changing = ("x-request-id", "content-length") if path == "/metrics" else ("x-request-id",)
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in got.headers.items() if k not in changing
    }


async def test_head_of_what_is_only_posted_is_refused() -> None:
    async with _client() as client:
        assert (await client.head("/things")).status_code == 405


async def test_head_of_an_endless_stream_ends_it() -> None:
    endings.clear()
    async with _client() as client:
        head = await asyncio.wait_for(client.head("/live"), 60)
    assert head.headers["content-type"].startswith("text/event-stream")
    assert endings in ([], ["stream"])  # never begun, or ended


async def test_a_route_for_head_alone_goes_first() -> None:
    async with _client() as client:
        assert (await client.head("/files/a")).headers["upload-offset"] == "7"
        assert (await client.get("/files/a")).content == b"file"


async def test_the_description_shows_get_only() -> None:
    async with _client() as client:
        document = (await client.get("/internal/test/openapi.json")).json()
    assert set(document["paths"]["/things/{name}"]) == {"get"}
