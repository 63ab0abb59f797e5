"""Tells waiting streams of this process that somebody's requests changed."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import structlog

from limner_api.metrics import LIVE_LISTENERS
from limner_api.requests.repository import LIVE_CHANNEL
from limner_common.errors import DomainError
from limner_common.signals import Signals

log = structlog.get_logger(__name__)

_RETRY_SECONDS: Final = 2.0
#: How long a stream sleeps between two looks of its own: as proxies like it, and more often while nobody would call it.
_LOOK_SECONDS: Final = 15.0
_LOOK_DEAF_SECONDS: Final = 2.0


class LiveHub:
    """One listener for all streams of the process.

    Starts listening with the first stream and stops with the last.

    Args:
        signals: What is listened to.
    """

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._waiting: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._is_listening = False

    @property
    def look_seconds(self) -> float:
        """How long a stream may rely on being called before it looks by itself."""
        return _LOOK_SECONDS if self._is_listening else _LOOK_DEAF_SECONDS

    @contextmanager
    def subscribe(self, user_id: int) -> Iterator[asyncio.Event]:
        """Lend an event that is set whenever the user's requests may have changed."""
        changed = asyncio.Event()
        self._waiting[user_id].add(changed)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        LIVE_LISTENERS.inc()
        try:
            yield changed
        finally:
            LIVE_LISTENERS.dec()
            self._waiting[user_id].discard(changed)
            if not self._waiting[user_id]:
                del self._waiting[user_id]
            if not self._waiting:
                self._task.cancel()
                self._task = None

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        while True:
            try:
                async with self._signals.listen(LIVE_CHANNEL, self._heard) as lost:
                    self._is_listening = True
                    self._wake_all()  # something may have changed while nobody listened
                    await lost.wait()
            except DomainError as error:
                log.warning("live_listen_lost", error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)
            finally:
                self._is_listening = False

    def _heard(self, text: str) -> None:
        for event in self._waiting.get(int(text), ()):
            event.set()

    def _wake_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()
