"""What both ways to run share about serving: the socket, opened before anything else is started, and the server."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import uvicorn

from limner_common.errors import Conflict

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
    """A server that ends in order on SIGINT and SIGTERM; uvicorn's own raises the signal again when it has stopped."""

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
