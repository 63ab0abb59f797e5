"""A wire to a server that tests can cut, silence, slow or wrap in TLS."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK_BYTES = 64 << 10


@dataclass
class Wire:
    """Forwards connections to a server.

    Attributes:
        host: Where the server listens; with ``port`` 0 the path of its socket.
        port: Its port.
        tls: What this end speaks TLS with; plain when None.
        is_cut: New connections are closed at once.
        is_silent: Nothing passes in either direction any more, and nobody is told.
        cut_after_bytes: A connection is cut when so many bytes have come from the server.
        connections: How many were made in all.
        instead: What is answered at once to whoever asks, in the server's place.
        loop: The loop of a wire that lives in a thread of its own.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    is_cut: bool = False
    is_silent: bool = False
    cut_after_bytes: int | None = None
    connections: int = 0
    instead: bytes | None = None
    loop: asyncio.AbstractEventLoop | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Where this end listens, host:port."""
        return f"127.0.0.1:{self.listening_port}"

    @property
    def listening_port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Cut all connections, and return when they are cut; new ones are made unless ``is_cut``."""
        if self.loop is None:
            self._abort()
        else:
            asyncio.run_coroutine_threadsafe(self._abort_there(), self.loop).result(60)

    def cut_each_after(self, size_bytes: int) -> None:
        """Cut every connection, those of now at once, when so many bytes have come from the server."""
        self.cut_after_bytes = size_bytes
        self.cut()

    def mend(self) -> None:
        """Let everything pass again, on new connections."""
        self.is_cut, self.is_silent, self.cut_after_bytes, self.instead = False, False, None, None
        self.cut()

    async def _abort_there(self) -> None:
        self._abort()

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0, ssl=self.tls)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self._abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        far_writer: asyncio.StreamWriter | None = None
        try:
            if self.is_cut:
                return
            if self.instead is not None:
                await reader.read(_BLOCK_BYTES)
                writer.write(self.instead)
                writer.close()
                await writer.wait_closed()
                return
            if self.port:
                far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
            else:
                far_reader, far_writer = await asyncio.open_unix_connection(self.host)
            upward = asyncio.create_task(self._pump(reader, far_writer, None))
            downward = asyncio.create_task(self._pump(far_reader, writer, self.cut_after_bytes))
            await asyncio.wait([upward, downward], return_when=asyncio.FIRST_COMPLETED)
            upward.cancel()
            downward.cancel()
            await asyncio.gather(upward, downward, return_exceptions=True)
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            for one in (writer, far_writer):
                if one is not None:
                    one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left_bytes: int | None) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await reader.read(_BLOCK_BYTES if left_bytes is None else min(_BLOCK_BYTES, left_bytes)):
                while self.is_silent:
                    await asyncio.sleep(0.02)
                writer.write(block)
                await writer.drain()
                if left_bytes is not None:
                    left_bytes -= len(block)


@asynccontextmanager
async def wire_to(host: str, port: int = 0, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """Open a wire to a server, or to its socket when ``port`` is 0."""
    wire = Wire(host, port, tls)
    await wire.open()
    try:
        yield wire
    finally:
        await wire.close()


@contextmanager
def wire_in_a_thread(host: str, port: int) -> Iterator[Wire]:
    """Open a wire for tests without an event loop; they set its attributes, and may call ``cut`` and ``mend``."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    wire = Wire(host, port, loop=loop)
    asyncio.run_coroutine_threadsafe(wire.open(), loop).result(60)
    try:
        yield wire
    finally:
        asyncio.run_coroutine_threadsafe(wire.close(), loop).result(60)
        asyncio.run_coroutine_threadsafe(_settle(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


async def _settle() -> None:
    """Let what was cut end before its loop does."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what a server speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
