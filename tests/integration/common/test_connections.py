"""The connections of a proxy: whatever a server sends, in whatever parts, an answer comes whole or is said to be broken."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from limner_common.http import connection as connection_module
from limner_common.http import connections as connections_module
from limner_common.http.connection import Connection, ConnectionBroken, ExchangeFailed
from limner_common.http.connections import Connections, Unreachable
from tests.support.certificates import Authority, Issued

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answers each request that ends with its head with the next of some texts, and counts its connections."""

    def __init__(self, *answers: bytes, closes: bool = False) -> None:
        self.connections = 0
        self._answers = list(answers)
        self._closes = closes

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while self._answers and await _head(reader):
            writer.write(self._answers.pop(0))
            await writer.drain()
            if self._closes:
                return


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


@asynccontextmanager
async def connected(handle: Handle, *, keep_seconds: float = 45, issued: Issued | None = None) -> AsyncIterator[Connections]:
    context = None
    if issued is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    scheme, port = "http" if context is None else "https", server.sockets[0].getsockname()[1]
    connections = Connections(f"{scheme}://127.0.0.1:{port}", keep_seconds=keep_seconds)
    try:
        yield connections
    finally:
        connections.close()
        server.close()
        await server.wait_closed()


async def ask(connections: Connections, method: str = "GET") -> tuple[int, bytes]:
    """Make one exchange; returns status and body."""
    lent = await connections.lend()
    try:
        await _send(lent, method)
        return lent.status, b"".join([piece async for piece in lent.pieces()])
    finally:
        connections.give_back(lent)


async def _send(lent: Connection, method: str = "GET") -> None:
    await lent.send(method, f"{method} / HTTP/1.1\r\nhost: x\r\n\r\n".encode(), b"", is_chunked=False)
    await lent.read_head()


async def test_a_connection_serves_one_exchange_after_the_other() -> None:
    server = Server(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\nX-Trailer: 1\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour",
    )
    async with connected(server) as connections:
        found = [await ask(connections) for _ in range(4)]
    assert found == [(200, b"one"), (200, b"two"), (204, b""), (200, b"four")]
    assert server.connections == 1


async def test_long_answers_follow_each_other_however_slowly_they_are_read() -> None:
    body = bytes(range(256)) * 4096
    server = Server(*[b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body] * 3)
    async with connected(server) as connections:
        for pause in (0.0, 0.001, 0.0):
            lent = await connections.lend()
            await _send(lent)
            found = b""
            async for piece in lent.pieces():
                found += piece
                await asyncio.sleep(pause)
            assert found == body
            connections.give_back(lent)
    assert server.connections == 1


async def test_an_answer_may_come_byte_by_byte() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        for byte in b"HTTP/1.1 200 OK\r\nX-Name: value\r\nContent-Length: 3\r\n\r\nabc":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    async with connected(drip) as connections:
        lent = await connections.lend()
        await _send(lent)
        assert lent.headers == [(b"x-name", b"value"), (b"content-length", b"3")]
        assert b"".join([piece async for piece in lent.pieces()]) == b"abc"
        connections.give_back(lent)


async def test_an_answer_without_a_length_lasts_until_the_connection_ends() -> None:
    async with connected(Server(b"HTTP/1.1 200 OK\r\n\r\nall of it", closes=True)) as connections:
        assert await ask(connections) == (200, b"all of it")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"this is no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ],
)
async def test_what_breaks_off_or_is_no_http_is_never_taken_for_an_answer(answer: bytes) -> None:
    async with connected(Server(answer, closes=True)) as connections:
        with pytest.raises(ConnectionBroken):
            await asyncio.wait_for(ask(connections), 60)


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("GET", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"),
        ("GET", b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\natoo much"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"),
    ],
)
async def test_a_connection_that_cannot_be_trusted_any_more_is_not_used_again(method: str, answer: bytes) -> None:
    server = Server(answer, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc")
    async with connected(server) as connections:
        assert await ask(connections, method) == (200, b"" if method == "HEAD" else b"a")
        assert await ask(connections) == (200, b"c")
    assert server.connections == 2


async def test_an_exchange_that_nobody_reads_to_its_end_ends_the_connection() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
    server = Server(answer, answer)
    async with connected(server) as connections:
        lent = await connections.lend()
        await _send(lent)
        connections.give_back(lent)
        assert await ask(connections) == (200, b"a")
    assert server.connections == 2


async def test_a_connection_that_the_server_has_ended_or_that_is_old_is_not_used() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
    server = Server(answer, answer, closes=True)
    async with connected(server) as connections:
        assert await ask(connections) == (200, b"a")
        await asyncio.sleep(0.05)
        assert await ask(connections) == (200, b"a")
    assert server.connections == 2
    server = Server(answer, answer)
    async with connected(server, keep_seconds=0) as connections:
        assert await ask(connections) == (200, b"a")
        assert await ask(connections) == (200, b"a")
    assert server.connections == 2


async def test_a_connection_that_comes_back_after_the_end_is_not_kept() -> None:
    ended = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert await reader.read() == b""
        ended.set()

    async with connected(handle) as connections:
        lent = await connections.lend()
        await _send(lent)
        connections.close()
        connections.give_back(lent)
        await asyncio.wait_for(ended.wait(), 30)


async def test_a_server_that_accepts_or_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_SILENCE_SECONDS", 0.2)
    gone = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async with connected(deaf) as connections:
        for body in (b"", endless()):
            lent = await connections.lend()
            with pytest.raises(ExchangeFailed, match="nothing for"):
                await lent.send("POST", b"POST / HTTP/1.1\r\n\r\n", body, is_chunked=not isinstance(body, bytes))
                await lent.read_head()
            connections.give_back(lent)
        gone.set()


async def test_an_answer_that_comes_before_all_was_sent_is_an_answer() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await writer.drain()
        while await reader.read(65536):  # or the end of the connection would overtake the answer
            pass

    async def long() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield b"x" * 65536

    async with connected(refuse) as connections:
        lent = await connections.lend()
        await lent.send("POST", b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", long(), is_chunked=True)
        await lent.read_head()
        assert (lent.status, lent.whole_body()) == (413, b"big")
        connections.give_back(lent)


async def test_a_server_is_trusted_over_tls_as_by_our_other_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "_CONNECT_DELAYS_SECONDS", (0.0,))
    (ours := tmp_path / "ours").mkdir()
    authority = Authority(ours)
    body = bytes(range(256)) * 4096
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    server = Server(answer, answer, answer)
    async with connected(server, issued=authority.issue("server")) as connections:
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(connections)
        connections.close()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    server = Server(answer, answer, answer)
    async with connected(server, issued=authority.issue("server")) as connections:
        assert [await ask(connections) for _ in range(3)] == [(200, body)] * 3
    assert server.connections == 1
