"""Hints between processes. What changed is in the database; a signal only says that it is time to look."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from limner_common.db.uow import UnitOfWork


class Signal(NamedTuple):
    """One hint.

    Attributes:
        channel: Who should hear it; a name such as ``limner_live``.
        text: What about; up to 1000 characters.
    """

    channel: str
    text: str


class Signals(Protocol):
    """Carries signals to all processes that listen.

    A signal may be lost, when the carrier is away or a process dies just after its commit, and it may come twice:
    whoever listens also looks by himself now and then. It never comes before its unit of work is committed.
    """

    async def send(self, uow: "UnitOfWork", signals: Sequence[Signal]) -> None:
        """Tell listeners once ``uow`` has committed, and never when it is rolled back; called just before the commit.

        Carriers other than the database never fail: what cannot be sent is lost.
        """
        ...

    def listen(self, channel: str, heard: Callable[[str], None]) -> AbstractAsyncContextManager[asyncio.Event]:
        """Call ``heard`` with the text of each signal on ``channel`` while the block runs.

        Entering returns when signals sent from now on will be heard. The event given is set when the connection is
        lost: leave then, enter again, and look for what was missed.

        Raises:
            Unavailable: The carrier is away.
        """
        ...
