"""A service behind a socket answers through ``RemoteApp`` as it would in this process."""

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from limner_common.errors import Unavailable
from limner_common.http.upstream import REPEATABLE, RemoteApp, Upstreams
from tests.support.connections import listening
from tests.support.http_server import served


@asynccontextmanager
async def through_gateway(service: ASGIApp) -> AsyncIterator[str]:
    """Address of a server that passes everything on to a server of ``service``."""
    async with served(service) as address:
        upstreams = Upstreams({"other": RemoteApp(address)})
        async with served(upstreams.app("other")) as front:
            yield front
        await upstreams.close()


async def answer(send: Send, status: int = 200, headers: Any = (), body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


class Look:
    """Keeps what arrived and answers with a cookie."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        await answer(send, headers=[(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"content-length", b"0")])

    def headers(self) -> dict[bytes, bytes]:
        return dict(self.scopes[-1]["headers"])


async def raw_exchange(address: str, request: bytes) -> bytes:
    """What a server answers to bytes, until it closes."""
    url = httpx.URL(address)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request)
    found = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    await writer.wait_closed()
    return found


async def test_path_and_query_arrive_as_sent() -> None:
    look = Look()
    async with through_gateway(look) as front:
        target = b"/a%2Fb/../c%20d/%C3%A9;x=1?q=%26&&r=a+b"
        await raw_exchange(front, b"GET " + target + b" HTTP/1.1\r\nHost: seen.example\r\nConnection: close\r\n\r\n")
    scope = look.scopes[-1]
    assert scope["raw_path"].split(b"?")[0] + b"?" + scope["query_string"] == target


async def test_headers_arrive_as_sent_but_for_those_of_the_connection() -> None:
    look = Look()
    async with through_gateway(look) as front:
        await raw_exchange(
            front,
            b"GET / HTTP/1.1\r\nHost: seen.example\r\nX-Limner-Grant: g\r\nX-Two: 1\r\nX-Two: 2\r\nTE: trailers\r\n"
            b"Expect: 100-continue\r\nConnection: close\r\n\r\n",
        )
    names = [name for name, _ in look.scopes[-1]["headers"]]
    assert sorted(names) == [b"host", b"x-limner-grant", b"x-two", b"x-two"]
    assert look.headers()[b"host"] != b"seen.example"


async def test_nothing_of_one_client_reaches_the_next() -> None:
    look = Look()
    async with through_gateway(look) as front:
        for _ in range(2):
            async with httpx.AsyncClient(timeout=60) as client:
                found = await client.get(front)
        assert found.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert b"cookie" not in look.headers()


async def test_the_server_in_front_says_the_date_alone() -> None:
    async with through_gateway(Look()) as front, httpx.AsyncClient(timeout=60) as client:
        assert len((await client.get(front)).headers.get_list("date")) == 1


async def test_compressed_answers_pass_as_they_are() -> None:
    seen: list[bytes] = []

    async def packed(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(dict(scope["headers"]).get(b"accept-encoding", b"none"))
        await answer(send, headers=[(b"content-encoding", b"gzip")], body=b"not really gzip")

    async with through_gateway(packed) as front:
        found = await raw_exchange(front, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert seen == [b"none"]
    assert b"content-encoding: gzip" in found.lower() and b"not really gzip" in found


@pytest.mark.parametrize(
    ("method", "status", "headers"),
    [
        ("HEAD", 200, {"content-length": "5000", "upload-offset": "7"}),
        ("GET", 204, {"upload-offset": "7"}),
        ("GET", 304, {"etag": '"a"'}),
        ("PATCH", 204, {"upload-offset": "7"}),
        ("GET", 416, {"content-range": "bytes */10", "content-length": "0"}),
    ],
)
async def test_answers_without_body_keep_their_headers_and_the_connection(
    method: str, status: int, headers: dict[str, str]
) -> None:
    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, status, [(name.encode(), value.encode()) for name, value in headers.items()])

    async with through_gateway(bare) as front, httpx.AsyncClient(timeout=60) as client:
        for _ in range(3):
            found = await asyncio.wait_for(client.request(method, front), 60)
            assert (found.status_code, found.content) == (status, b"")
            assert {name: found.headers[name] for name in headers} == headers
            assert found.headers.get("content-length", "0") == headers.get("content-length", "0")


async def test_bodies_of_both_directions_stream_in_little_memory() -> None:
    total, piece = 96 * 1024**2, b"x" * 65536
    received = 0

    async def mirror(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal received
        while True:
            message = await receive()
            received += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(total // len(piece)):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def body() -> AsyncIterator[bytes]:
        for _ in range(total // len(piece)):
            yield piece

    returned = 0
    async with through_gateway(mirror) as front, httpx.AsyncClient(timeout=120) as client:
        tracemalloc.start()
        try:
            async with client.stream("POST", front, content=body()) as response:
                async for part in response.aiter_raw():
                    returned += len(part)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert received == returned == total
    assert peak < 24 * 1024**2


async def test_pieces_arrive_before_the_answer_ends() -> None:
    arrived = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await asyncio.wait_for(arrived.wait(), 60)
        await send({"type": "http.response.body", "body": b"two"})

    async with (
        through_gateway(slow) as front,
        httpx.AsyncClient(timeout=60) as client,
        client.stream("GET", front) as response,
    ):
        pieces = []
        async for piece in response.aiter_raw():
            pieces.append(piece)
            arrived.set()
    assert pieces == [b"one", b"two"]


async def test_a_client_that_leaves_ends_the_work_behind_it() -> None:
    ended = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        ended.set()

    async with through_gateway(endless) as front, httpx.AsyncClient(timeout=60) as client:
        async with client.stream("GET", front) as response:
            await anext(response.aiter_raw())
        await asyncio.wait_for(ended.wait(), 60)


async def test_an_upload_cut_short_is_cut_short_for_the_service() -> None:
    seen: list[str] = []
    ended = asyncio.Event()

    async def upload(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            seen.append(message["type"])
            if message["type"] == "http.disconnect":
                break
        ended.set()

    async with through_gateway(upload) as front:
        url = httpx.URL(front)
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"PATCH /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nsome")
        await writer.drain()
        while not seen:
            await asyncio.sleep(0.01)
        writer.close()
        await writer.wait_closed()
        await asyncio.wait_for(ended.wait(), 60)
    assert seen[-1] == "http.disconnect"


async def test_a_service_that_cannot_be_reached_is_unavailable_for_a_while() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and it does not listen; nor can anybody else meanwhile
        remote = RemoteApp(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        async with served(remote) as front, httpx.AsyncClient(timeout=60) as client:
            found = await client.post(front, json={})
    assert (found.status_code, found.headers["retry-after"]) == (503, "2")
    assert found.json() == {"detail": "A part of the service is not reachable."}
    await remote.client.aclose()


@pytest.mark.parametrize(("method", "expected"), [("GET", 200), ("HEAD", 200), ("DELETE", 503)])
async def test_only_reading_is_repeated_when_the_connection_breaks(method: str, expected: int) -> None:
    calls = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        await reader.readuntil(b"\r\n\r\n")
        calls += 1
        if calls > 1:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

    async with listening(serve) as port:
        remote = RemoteApp(f"http://127.0.0.1:{port}")
        async with served(remote) as front, httpx.AsyncClient(timeout=60) as client:
            assert (await client.request(method, front)).status_code == expected
        assert calls == (2 if expected == 200 else 1)
        await remote.client.aclose()


async def broken_once(method: str, content: bytes | AsyncIterator[bytes], *, is_repeatable: bool) -> tuple[int, list[bytes]]:
    """Send a request to a service that dies on the first one it has read; returns the status, and the bodies it read."""
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"content-length: " in head:
            bodies.append(await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0])))
        else:
            bodies.append(await reader.readuntil(b"\r\n0\r\n\r\n"))
        if len(bodies) > 1:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        await remote({**scope, REPEATABLE: is_repeatable}, receive, send)

    async with listening(serve, limit=8 * 1024**2) as port:
        remote = RemoteApp(f"http://127.0.0.1:{port}")
        async with served(front) as address, httpx.AsyncClient(timeout=60) as client:
            found = await client.request(method, address, content=content)
        await remote.client.aclose()
    return found.status_code, bodies


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST", "DELETE"])
async def test_what_may_be_repeated_is_sent_again_with_its_body(method: str) -> None:
    body = bytes(range(256)) * 4096
    assert await broken_once(method, body, is_repeatable=True) == (200, [body, body])
    assert await broken_once(method, body, is_repeatable=False) == (503, [body])


async def test_a_body_that_is_too_long_to_be_held_is_sent_once() -> None:
    body = b"x" * (1024**2 + 1)
    assert await broken_once("PATCH", body, is_repeatable=True) == (503, [body])


async def test_a_body_of_unknown_length_is_sent_once() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"

    status, bodies = await broken_once("PATCH", pieces(), is_repeatable=True)
    assert (status, len(bodies)) == (503, 1)


def test_a_service_that_is_not_installed_is_unavailable() -> None:
    upstreams = Upstreams({})
    for ask in (upstreams.app, upstreams.client):
        with pytest.raises(Unavailable, match="no service 'inference'"):
            ask("inference")
