"""What a check is, and what it finds. A finding says what is wrong, where, and what to do; never a secret."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import httpx
import sqlalchemy as sa

from limner_common.errors import DomainError

#: Longest examination of one engine, seconds.
_PATIENCE_SECONDS: Final = 20.0
_REACH_SECONDS: Final = 3.0

#: What engines and their drivers say; anything else is a bug of ours.
_FOUND: Final = (
    DomainError,
    OSError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    sa.exc.SQLAlchemyError,
    httpx.HTTPError,
)


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class Wrong(Exception):
    """Something does not work; the message and the advice are whole sentences."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


class Doubtful(Wrong):
    """Something works and will make trouble later."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at.

    Attributes:
        name: What; stable, for programs.
        examine: Returns what there is to say when all is well.
        where: Address or folder, without secrets; "" when there is none.
        advice: What to do when it cannot be used and nothing better is known.
        addresses: Host and port of what has to answer; tried when it cannot be used.
        needs: Name of a check without whose success this one says nothing.
    """

    name: str
    examine: Callable[[], Awaitable[str]]
    where: str = ""
    advice: str = ""
    addresses: tuple[tuple[str, int], ...] = ()
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; its fields are stable, for programs.

    Attributes:
        check: What was looked at.
        status: How it is.
        where: Address or folder; "" when there is none.
        message: What was found.
        advice: What to do; "" when there is nothing to do.
    """

    check: str
    status: Status
    where: str
    message: str
    advice: str = ""


async def find(check: Check) -> Finding:
    """Run a check; whatever is wrong with an engine is found, not raised."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return Finding(check.name, Status.OK, check.where, await check.examine())
    except Doubtful as doubt:
        return Finding(check.name, Status.WARNING, check.where, str(doubt), doubt.advice)
    except Wrong as error:
        return Finding(check.name, Status.FAILED, check.where, str(error), error.advice)
    except TimeoutError:
        message = f"It does not answer within {_PATIENCE_SECONDS:.0f} seconds."
    except _FOUND as error:
        message = _sentence(error)
    for host, port in check.addresses:
        if why := await _why_unreachable(host, port):
            message = f"{message} Nothing can be reached at {host}:{port}: {why}."
    return Finding(check.name, Status.FAILED, check.where, message, check.advice)


def skipped(check: Check) -> Finding:
    """Return the finding of a check that nobody ran."""
    return Finding(check.name, Status.SKIPPED, check.where, f"Not looked at, as it needs the {check.needs}.")


def place_of(url: str) -> str:
    """Return where a URL leads: without user, password and parameters."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def address_of(url: str, default_port: int) -> tuple[tuple[str, int], ...]:
    """Return host and port of a URL; nothing for one that leads to a socket in a folder, or that cannot be read."""
    try:
        parts = urlsplit(url)
        return ((parts.hostname, parts.port or default_port),) if parts.hostname else ()
    except ValueError:
        return ()


def _sentence(error: Exception) -> str:
    text = (error.message if isinstance(error, DomainError) else str(error)).strip() or type(error).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."


async def _why_unreachable(host: str, port: int) -> str:
    try:
        async with asyncio.timeout(_REACH_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return error.strerror or str(error)
    writer.close()
    return ""
