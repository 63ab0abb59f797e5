"""What both ways to run share about serving: the socket, opened before anything else is started, and the server."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from types import FrameType

import structlog
import uvicorn

from limner_common.errors import Conflict
from limner_common.readiness import Draining

log = structlog.get_logger(__name__)

_BACKLOG = 512


def listen(host: str, port: int, *, advice: str) -> socket.socket:
    """Return a socket that listens on an address.

    Args:
        host: Name or address, of either version of IP.
        port: Port; 0 takes a free one.
        advice: What to do when the address cannot be had, one sentence.

    Raises:
        Conflict: The address is taken or not ours.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Conflict(f"Limner cannot listen on {host}:{port}: {error.strerror}. {advice}") from error
    listener.listen(_BACKLOG)
    return listener


class OrderlyServer(uvicorn.Server):
    """A server that ends in order on SIGINT and SIGTERM; uvicorn's own raises the signal again when it has stopped.

    The first signal makes it drain: it says that it is not ready, goes on answering for a while, because whoever sends
    requests learns of it with a delay, and closes each connection behind its answer. Then it stops listening and lets
    running requests end. A second signal cuts the while short.

    Args:
        config: As of uvicorn.
        draining: Told when draining begins.
        drain_seconds: How long it goes on listening.
    """

    def __init__(self, config: uvicorn.Config, draining: Draining, *, drain_seconds: float = 0.0) -> None:
        super().__init__(config)
        self._draining = draining
        self._drain_seconds = drain_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; see above."""
        if self._draining.is_on or not self._drain_seconds:
            self._draining.begin()
            super().handle_exit(sig, frame)
            return
        self._draining.begin()
        log.info("draining", seconds=self._drain_seconds)
        asyncio.get_running_loop().call_later(self._drain_seconds, self._stop)

    def _stop(self) -> None:
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while serving."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
