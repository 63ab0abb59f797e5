"""Opening connections: one way for the pool, for LISTEN and for commands."""

import re
import socket
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

_SCHEMES: Final = ("postgresql", "postgres", "postgresql+asyncpg")
_CONNECT_SECONDS: Final = 5.0
#: A peer that vanished without a word is noticed after this long.
_PEER_SILENT_SECONDS: Final = 30


async def connect_asyncpg(url: str, **options: Any) -> "asyncpg.Connection[Any]":
    """Open one asyncpg connection from either form of URL; ``options`` are the driver's.

    Raises:
        ConnectionError: There is no way to the server, or it does not answer.
        asyncpg.PostgresError: It answers and refuses.
    """
    address = url.replace("postgresql+asyncpg://", "postgresql://", 1)
    try:
        connection = await asyncpg.connect(address, **{"timeout": _CONNECT_SECONDS, **options})
    except ConnectionError:
        raise
    except (OSError, TimeoutError) as error:
        # An unknown host, no route, a certificate that is not trusted: all the same to callers.
        raise ConnectionError(str(error) or f"no answer within {_CONNECT_SECONDS:.0f} seconds") from error
    _notice_death(connection)
    return connection


def check_url(url: str) -> None:
    """Check that a URL has the form of one that leads to PostgreSQL.

    Raises:
        ValueError: It has not. The message repeats nothing of it: it may hold a password.
    """
    scheme, _, rest = url.partition("://")
    hosts = re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].split(",")
    if scheme not in _SCHEMES or not all(map(_is_host, hosts)):
        raise ValueError(
            "it is not of the form postgresql://user:password@host:5432/database;"
            " in user and password write / ? # @ : and % as %2F %3F %23 %40 %3A and %25"
        )


def _is_host(text: str) -> bool:
    """Say whether a text is a host, with or without a port; none at all means a socket."""
    try:
        parts = urlsplit(f"//{text}")
        return parts.port is None or bool(parts.hostname)
    except ValueError:
        return False


def with_parameters(url: str, parameters: Mapping[str, str | None]) -> str:
    """Return a URL with libpq parameters such as ``sslmode`` added; None leaves one as it is."""
    parts = urlsplit(url)
    given = {name: value for name, value in parameters.items() if value is not None}
    if not given:
        return url
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in given]
    return urlunsplit(parts._replace(query=urlencode([*kept, *given.items()])))


def _notice_death(connection: "asyncpg.Connection[Any]") -> None:
    """Let the kernel find out that the server's machine is gone, or a statement would wait for a quarter of an hour."""
    # The driver offers no other way to its socket.
    transport: Any = getattr(connection, "_transport", None)
    found = None if transport is None else transport.get_extra_info("socket")
    if found is None or found.family == socket.AF_UNIX:
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _PEER_SILENT_SECONDS // 2),
        ("TCP_KEEPINTVL", _PEER_SILENT_SECONDS // 6),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", _PEER_SILENT_SECONDS * 1000),
    ):
        if hasattr(socket, name):
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
