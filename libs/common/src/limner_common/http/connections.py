"""The connections to one server: lent one exchange each, kept for the next."""

import asyncio
import ssl
import time
from collections import deque
from typing import Final
from urllib.parse import urlsplit

import httpx

from limner_common.http.connection import Connection, ExchangeFailed

_MAX: Final = 200
_IDLE_MAX: Final = 50
_WAIT_SECONDS: Final = 600
_CONNECT_SECONDS: Final = 5
#: Whoever spreads connections has found out by the last of these which replica has died.
_CONNECT_DELAYS_SECONDS: Final = (0.0, 0.5, 1.0)


class Unreachable(ExchangeFailed):
    """There is no way to the server; it was not asked anything."""


class Connections:
    """The connections to one server. Opens none before it is used.

    Args:
        address: Such as ``http://media:8000``.
        keep_seconds: How long one is kept that nobody uses; less than the server keeps it.
    """

    def __init__(self, address: str, *, keep_seconds: float) -> None:
        parts = urlsplit(address)
        self._is_secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._is_secure else 80)
        self.host_header = parts.netloc.rpartition("@")[2].encode()
        self._keep_seconds = keep_seconds
        self._idle: deque[tuple[float, Connection]] = deque()  # since when, the longest first
        self._free = asyncio.Semaphore(_MAX)
        self._is_closed = False
        self._context: ssl.SSLContext | None = None

    async def lend(self) -> Connection:
        """Return a connection for one exchange; it has to be given back, however that ends.

        Raises:
            Unreachable: There is no way to the server, or all connections are lent for too long.
        """
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise Unreachable("all connections are in use") from None
        try:
            return self._kept() or await self._open()
        except BaseException:
            self._free.release()
            raise

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next exchange if its last one has come to its end, and end it otherwise."""
        self._free.release()
        if self._is_closed or not connection.is_reusable:
            connection.close()
            return
        now = time.monotonic()
        self._idle.append((now, connection))
        while len(self._idle) > _IDLE_MAX or now - self._idle[0][0] > self._keep_seconds:
            self._idle.popleft()[1].close()

    def close(self) -> None:
        """End the connections that are not lent; those that are end when they are given back."""
        self._is_closed = True
        while self._idle:
            self._idle.pop()[1].close()

    def _kept(self) -> Connection | None:
        while self._idle:
            since, connection = self._idle.pop()
            if connection.is_reusable and time.monotonic() - since < self._keep_seconds and not connection.has_news():
                return connection
            connection.close()
        return None

    async def _open(self) -> Connection:
        for delay in _CONNECT_DELAYS_SECONDS:
            try:
                return await self._connect()
            except (OSError, TimeoutError):
                await asyncio.sleep(delay)
        try:
            return await self._connect()
        except (OSError, TimeoutError) as error:
            raise Unreachable(repr(error)) from error

    async def _connect(self) -> Connection:
        if self._is_secure and self._context is None:
            self._context = httpx.create_ssl_context()  # trusts whom our other clients trust
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, connection = await loop.create_connection(Connection, self._host, self._port, ssl=self._context)
        return connection
