"""A server of bare connections, for answers that no HTTP server would give."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_END_SECONDS = 60


@contextlib.asynccontextmanager
async def listening(serve: Serve, **options: Any) -> AsyncIterator[int]:
    """Serve connections at a port of the loopback address; in the end all that came have been served and closed.

    Python's own server leaves those that it has just taken to the garbage, which a later test would have to answer for.

    Args:
        serve: Answers one connection, which is closed after it.
        options: Of ``asyncio.start_server``.
    """
    tasks_before = asyncio.all_tasks()

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve_and_close, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        while begun := asyncio.all_tasks() - tasks_before - {asyncio.current_task()}:
            _, late = await asyncio.wait(begun, timeout=_END_SECONDS)
            assert not late, late
