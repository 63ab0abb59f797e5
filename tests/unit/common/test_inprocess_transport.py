import asyncio
from collections.abc import AsyncIterator

import httpx
from starlette.types import Receive, Scope, Send

from limner_common.http.inprocess import InProcessTransport


async def test_both_bodies_stream() -> None:
    order: list[str] = []

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            message = await receive()
            if message["body"]:
                order.append(f"app {message['body'].decode()}")
                await send({"type": "http.response.body", "body": message["body"], "more_body": True})
            if not message["more_body"]:
                break
        await send({"type": "http.response.body", "body": b""})

    received = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"1"
        await asyncio.wait_for(received.wait(), 60)  # the answer to the first piece must come before the second is sent
        yield b"2"

    async with (
        httpx.AsyncClient(transport=InProcessTransport(echo), base_url="http://t") as client,
        client.stream("POST", "/", content=body()) as response,
    ):
        async for piece in response.aiter_raw():
            order.append(f"client {piece.decode()}")
            received.set()
    assert order == ["app 1", "client 1", "app 2", "client 2"]


async def test_leaving_an_answer_early_tells_the_application() -> None:
    ended = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
        finally:
            ended.set()

    async with (
        httpx.AsyncClient(transport=InProcessTransport(endless), base_url="http://t") as client,
        client.stream("GET", "/") as response,
    ):
        async for _ in response.aiter_raw():
            break
    await asyncio.wait_for(ended.wait(), 60)


async def test_query_path_and_headers_arrive_as_sent() -> None:
    seen: dict[str, object] = {}

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(path=scope["path"], query=scope["query_string"], header=dict(scope["headers"])[b"x-a"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with httpx.AsyncClient(transport=InProcessTransport(look), base_url="http://t") as client:
        response = await client.get("/a%20b/c", params={"q": "x y"}, headers={"X-A": "1"})
    assert response.status_code == 204
    assert (seen["path"], seen["header"]) == ("/a b/c", b"1")
    assert seen["query"] in (b"q=x+y", b"q=x%20y")
