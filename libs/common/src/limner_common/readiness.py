"""What a process needs, whether it is there, and whether the process is about to end; behind ``/health/ready``."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from limner_common.errors import DomainError

#: Shorter than a kubelet waits for an answer.
_TIMEOUT_SECONDS = 2.0

#: Checks one thing; raises when it is not there. A ``DomainError`` says it in words for people.
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
    """The checks of one service in this process.

    Args:
        draining: Whether the process is about to end.
    """

    def __init__(self, draining: Draining) -> None:
        self.draining = draining
        self._checks: dict[str, Check] = {}
        self._needed: set[str] = set()

    def need(self, name: str, check: Check) -> None:
        """Add something without which nothing can be served: requests should go to another replica."""
        self._checks[name] = check
        self._needed.add(name)

    def watch(self, name: str, check: Check) -> None:
        """Add something that the service gets by without for a while: it is told, and requests go on coming."""
        self._checks[name] = check

    async def report(self) -> Report:
        """Check everything at once; takes two seconds at most."""
        states = await asyncio.gather(*(_state(check) for check in self._checks.values()))
        checks = dict(zip(self._checks, states, strict=True))
        is_ready = all(checks[name] == "ok" for name in self._needed)
        if self.draining.is_on:
            return Report(is_ready=False, checks={**checks, "process": "The process is ending."})
        return Report(is_ready, checks)


async def _state(check: Check) -> str:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await check()
    except DomainError as error:
        return error.message
    except TimeoutError:
        return f"{_name(check)}: no answer in {_TIMEOUT_SECONDS:.0f} s"
    except Exception as error:
        return f"{_name(check)}: {type(error).__name__}"
    return "ok"


def _name(check: Check) -> str:
    return getattr(check, "__qualname__", type(check).__name__)
