"""A wire to a server that tests can cut, silence, slow or wrap in TLS."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    is_cut: bool = False
    is_silent: bool = False
    cut_after_bytes: int | None = None
    connections: int = 0
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
        """Cut all connections; new ones are made unless ``is_cut``."""
        for writer in self._writers:
            writer.transport.abort()

    def cut_each_after(self, size_bytes: int) -> None:
        """Cut every connection, those of now at once, when so many bytes have come from the server."""
        self.cut_after_bytes = size_bytes
        self.cut()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0, ssl=self.tls)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        far_writer: asyncio.StreamWriter | None = None
        try:
            if self.is_cut:
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


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what a server speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
