"""What a process needs, whether it is there, and whether the process is about to end; behind ``/health/ready``.

Things are looked at in the background and probes are told what was seen last: a process that is busy, with all connections
lent and requests waiting, answers its probes at once and is not taken for one that is broken.
"""

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from limner_common.errors import DomainError
from limner_common.observe.metrics import READINESS_CHECK_IS_OK

log = structlog.get_logger(__name__)

#: Between the end of one look and the next.
_INTERVAL_SECONDS: Final = 3.0
#: The same while something that is needed is away: who comes back should be found at once.
_MISSING_INTERVAL_SECONDS: Final = 1.0
#: Of one check. No probe waits for it, so that a slow answer is not taken for none.
_TIMEOUT_SECONDS: Final = 5.0
#: How long a check that is being ended may go on; it has connections of its own.
_CLOSING_SECONDS: Final = 1.0
#: What was seen longer ago than this says nothing any more: the process was frozen, or nobody has asked yet.
_OLDEST_SECONDS: Final = 20.0

#: Checks one thing; raises when it is not there. A ``DomainError`` says it in words for people, whoever they are.
Check = Callable[[], Awaitable[None]]


class Draining:
    """Says that this process was asked to end: it still answers, but nobody should send it more."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    @property
    def is_on(self) -> bool:
        """True from the moment on at which the process was asked to end."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Say so."""
        self._begun.set()

    async def wait(self) -> None:
        """Return when the process is asked to end; for what would otherwise go on for ever."""
        await self._begun.wait()


@dataclass(frozen=True, slots=True)
class Report:
    """How things stand.

    Attributes:
        is_ready: Whether requests can be served.
        checks: "ok", or what is wrong, by what was checked.
    """

    is_ready: bool
    checks: dict[str, str]

    @property
    def status(self) -> str:
        """``ok``, ``degraded`` when something is missing that others can wait for, or ``unavailable``."""
        if not self.is_ready:
            return "unavailable"
        return "ok" if all(state == "ok" for state in self.checks.values()) else "degraded"

    @property
    def problems(self) -> list[str]:
        """What is wrong, for people."""
        return [state for state in self.checks.values() if state != "ok"]


class Readiness:
    """The checks of one service in this process. Nothing is looked at before somebody asks for the first time.

    Args:
        draining: Whether the process is about to end.
        service: Whose checks they are, for metrics and the log.
    """

    def __init__(self, draining: Draining, service: str) -> None:
        self.draining = draining
        self._service = service
        self._checks: dict[str, Check] = {}
        self._needed: set[str] = set()
        self._seen: dict[str, str] = {}
        self._seen_at = float("-inf")
        self._looking = asyncio.Lock()
        self._background: asyncio.Task[None] | None = None
        self._running: dict[str, asyncio.Task[None]] = {}

    def need(self, name: str, check: Check) -> None:
        """Add something without which nothing can be done here: requests should go to another replica."""
        self._checks[name] = check
        self._needed.add(name)

    def watch(self, name: str, check: Check) -> None:
        """Add something that the service gets by without for a while: it is told, and requests go on coming."""
        self._checks[name] = check

    async def report(self) -> Report:
        """Say what was seen at the last look, some seconds ago at most; looks itself only where that is too long ago."""
        if self._checks and self._background is None:
            # Not in the context of the request that happens to be the first.
            context = contextvars.Context()
            self._background = asyncio.create_task(self._look_for_ever(), name=f"readiness:{self._service}", context=context)
        if self._checks and self._age_seconds() > _OLDEST_SECONDS:
            await self._look(unless_younger_than=_OLDEST_SECONDS)
        checks = dict(self._seen)
        if self.draining.is_on:
            return Report(is_ready=False, checks={**checks, "process": "The process is ending."})
        return Report(self._has_all_it_needs(), checks)

    async def aclose(self) -> None:
        """Look no more; before what is looked at is closed. Idempotent."""
        tasks = [*self._running.values(), *([] if self._background is None else [self._background])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSING_SECONDS)

    async def _look_for_ever(self) -> None:
        while True:
            await self._look(unless_younger_than=_MISSING_INTERVAL_SECONDS)
            await asyncio.sleep(_INTERVAL_SECONDS if self._has_all_it_needs() else _MISSING_INTERVAL_SECONDS)

    async def _look(self, *, unless_younger_than: float) -> None:
        async with self._looking:
            if self._age_seconds() <= unless_younger_than:
                return  # somebody else has looked meanwhile
            states = await asyncio.gather(*map(self._state, self._checks))
            self._seen = dict(zip(self._checks, states, strict=True))
            self._seen_at = time.monotonic()

    async def _state(self, name: str) -> str:
        before = self._seen.get(name, "ok")
        state, cause = await self._outcome(name)
        READINESS_CHECK_IS_OK.labels(self._service, name).set(state == "ok")
        if state != before:
            names = {"service": self._service, "check": name, "is_needed": name in self._needed}
            if state == "ok":
                log.info("readiness_check_passes_again", **names)
            else:
                log.warning("readiness_check_failed", state=state, error=cause, **names)
        return state

    async def _outcome(self, name: str) -> tuple[str, str | None]:
        """Return the state for people, and for the log what was raised.

        Nobody waits longer than the time allowed for a check that does not let itself be cancelled, as a driver that parts
        from a silent server in good order; the next one begins when it has ended.
        """
        check = self._checks[name]
        task = self._running.get(name) or asyncio.create_task(_call(check), name=f"readiness:{self._service}:{name}")
        self._running[name] = task
        done, _ = await asyncio.wait({task}, timeout=_TIMEOUT_SECONDS)
        if not done:
            task.cancel()
            return f"{_name(check)}: no answer in {_TIMEOUT_SECONDS:.0f} s", None
        del self._running[name]
        if task.cancelled():
            return f"{_name(check)}: no answer in {_TIMEOUT_SECONDS:.0f} s", None
        match task.exception():
            case None:
                return "ok", None
            case DomainError() as error:
                return error.message, repr(error.__cause__ or error)
            case error:
                return f"{_name(check)}: {type(error).__name__}", repr(error)

    def _has_all_it_needs(self) -> bool:
        return all(self._seen.get(name) == "ok" for name in self._needed)

    def _age_seconds(self) -> float:
        return time.monotonic() - self._seen_at


async def _call(check: Check) -> None:
    await check()


def _name(check: Check) -> str:
    return getattr(check, "__qualname__", type(check).__name__)
