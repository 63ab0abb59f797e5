"""From names to addresses."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Protocol

from limner_common.egress.addresses import IPAddress, parse_address
from limner_common.egress.errors import RemoteUnreachable


class Resolver(Protocol):
    """Finds the addresses of a name."""

    async def resolve(self, host: str) -> Sequence[IPAddress]:
        """Return the addresses of ``host``, best first, at least one.

        Raises:
            RemoteUnreachable: It has none, or that cannot be found out now.
        """
        ...


class SystemResolver:
    """Asks what the system is set up to ask."""

    async def resolve(self, host: str) -> Sequence[IPAddress]:
        """See ``Resolver.resolve``."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise RemoteUnreachable(f"The address of {host} cannot be found.") from None
        addresses = dict.fromkeys(parse_address(str(item[4][0])) for item in found)
        if not addresses:
            raise RemoteUnreachable(f"The address of {host} cannot be found.")
        return list(addresses)
