"""One connection to an HTTP/1.1 server for a proxy: heads and bodies pass as they are, and nothing happens on its own.

The clients that there are decode, repeat and remember for whoever calls them, at several times the cost of what is left
here: the parser is the one that our server reads requests with.
"""

import asyncio
import select
from collections import deque
from collections.abc import AsyncIterator
from typing import Final, cast

import httptools

Headers = list[tuple[bytes, bytes]]

#: Of an answer that nobody has read yet; the other end is then held back.
_UNREAD_MAX_BYTES: Final = 128 * 1024
#: Of a request that has not left yet.
_UNSENT_MAX_BYTES: Final = 128 * 1024
#: How long the other end may take to send or to accept anything.
_SILENCE_SECONDS: Final = 600


class ExchangeFailed(Exception):
    """No answer, or not all of one; the message says why."""


class ConnectionBroken(ExchangeFailed):
    """The connection ended, or what came was not HTTP: the other end may or may not have done what it was asked for."""


class Connection(asyncio.Protocol):
    """One connection, for one exchange after the other: ``send``, ``read_head``, ``pieces`` to their end.

    Attributes:
        status: Status of the answer.
        headers: Headers of the answer, as they came.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._unread: deque[bytes] = deque()
        self._unread_bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._failure: ExchangeFailed | None = None
        self._is_full = False
        self._is_held_back = False
        self._is_for_head = False
        self._has_head = False
        self._is_over = True
        self._is_whole = True
        self._lasts = True

    @property
    def is_reusable(self) -> bool:
        """Whether another exchange may follow: all was sent and read, and both ends keep the connection."""
        return self._is_over and self._is_whole and self._lasts and not self._unread and self._is_open()

    def has_news(self) -> bool:
        """Whether something came while nothing was asked for: most often the other end's farewell."""
        assert self._transport is not None
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """End the connection; what was not sent is dropped."""
        if self._transport is not None:
            self._transport.abort()

    async def send(self, method: str, head: bytes, body: bytes | AsyncIterator[bytes], *, is_chunked: bool) -> None:
        """Send a request; an end of the connection meanwhile is told by ``read_head``: there may be an answer all the same.

        Args:
            method: Its method.
            head: All before the body.
            body: What follows, or its pieces.
            is_chunked: Whether the head promises pieces without saying how long they are together.

        Raises:
            ExchangeFailed: The other end accepts nothing.
        """
        assert self._transport is not None
        self.status, self.headers = 0, []
        self._parser = httptools.HttpResponseParser(self)
        self._is_for_head, self._has_head, self._is_over, self._is_whole = method == "HEAD", False, False, False
        if isinstance(body, bytes):
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            async for piece in body:
                await self._pass(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
                if not self._is_open():
                    return
            if is_chunked:
                await self._pass(b"0\r\n\r\n")
        self._is_whole = True

    async def read_head(self) -> None:
        """Wait for status and headers of the answer.

        Raises:
            ExchangeFailed: None came.
        """
        while not self._has_head:
            await self._next_event()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the answer's body as it comes.

        Raises:
            ExchangeFailed: It ended early.
        """
        while True:
            while self._unread:
                piece = self._unread.popleft()
                self._unread_bytes -= len(piece)
                yield piece
            if self._is_over:
                return
            if self._is_held_back and self._transport is not None:  # and so never at the end of an exchange
                self._is_held_back = False
                self._transport.resume_reading()
            await self._next_event()

    def whole_body(self) -> bytes | None:
        """Return the answer's body when all of it has come already, instead of ``pieces``; None when not."""
        if not self._is_over:
            return None
        body = b"".join(self._unread)
        self._unread.clear()
        self._unread_bytes = 0
        return body

    async def _pass(self, piece: bytes) -> None:
        while self._is_full and self._is_open():
            await self._next_event()
        if self._transport is not None and self._is_open():
            self._transport.write(piece)

    async def _next_event(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                await self._waiter
        except TimeoutError:
            raise ExchangeFailed(f"nothing for {_SILENCE_SECONDS} seconds") from None
        finally:
            self._waiter = None

    def _is_open(self) -> bool:
        return self._failure is None and self._transport is not None and not self._transport.is_closing()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What the loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(_UNSENT_MAX_BYTES)

    def pause_writing(self) -> None:
        """Let senders wait."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Let senders go on."""
        self._is_full = False
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        if self._parser is None or self._is_over:
            self._fail("something came that nobody asked for")
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(f"what came is not HTTP: {error}")
        if self._unread_bytes > _UNREAD_MAX_BYTES and not self._is_over and not self._is_held_back and self._is_open():
            assert self._transport is not None
            self._is_held_back = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; an answer of unknown length is whole then."""
        if exc is None and self._failure is None and self._has_head and self._ends_with_connection():
            self._is_over, self._lasts = True, False
        self._fail(f"the connection ended: {exc!r}" if exc else "the connection ended")

    def _fail(self, why: str) -> None:
        self._failure = self._failure or ConnectionBroken(why)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.abort()
        self._wake()

    # What the parser tells.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those behind a body are dropped."""
        if not self._has_head:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Take the status; what only says that an answer will come is passed over."""
        assert self._parser is not None
        if self._has_head:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self.headers = []
            return
        self.status, self._has_head, self._lasts = status, True, self._parser.should_keep_alive()
        self._is_over = self._is_for_head

    def on_body(self, data: bytes) -> None:
        """Keep a piece until it is read."""
        if self._is_over:  # not part of the answer, whatever it is
            self._lasts = False
            return
        self._unread.append(data)
        self._unread_bytes += len(data)

    def on_message_complete(self) -> None:
        """Note that all has come."""
        self._is_over = self._has_head

    def on_message_begin(self) -> None:
        """Note a second answer, which nobody asked for."""
        if self._is_over:
            self._lasts = False

    def _ends_with_connection(self) -> bool:
        return not any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)
