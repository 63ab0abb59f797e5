"""Runs a consumer: each message's effect once, poison set aside, failures retried without breaking the order they need."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, aclosing
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from limner_common.bus.following import handling
from limner_common.bus.lanes import Lanes
from limner_common.bus.metrics import INTERRUPTIONS, MESSAGE_SECONDS, MESSAGES, STALLED
from limner_common.bus.port import Bus, Delivery, Subscription
from limner_common.db.engine import Database
from limner_common.db.uow import UnitOfWork
from limner_common.errors import DomainError, ErrorKind
from limner_common.observe.metrics import timed

log = structlog.get_logger(__name__)

#: Messages of one group that one process handles at a time, each with a connection of the pool.
_CONCURRENCY = 4
#: Times an order-free consumer fails on a message before it is set aside: what a deadlock or a restart needs.
_PATIENCE = 3
_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 30.0
_LONGEST_AWAY_SECONDS = 10.0


class InvalidMessage(Exception):
    """This message can never work; it goes to the dead letters with this reason."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A named group of one service and what it does with each message.

    Attributes:
        group: Consumer group; also the name in the inbox.
        topics: Topics read.
        handle: The effect, inside the unit of work that also holds the inbox row. Raises ``InvalidMessage`` or a
            ``DomainError`` for poison, which goes to the dead letters at once. Any other exception is a failure.
        is_order_free: The effects come to the same whatever the order of messages. A failed message is then set aside,
            tried again after growing delays, and ends in the dead letters. Otherwise it is tried again in place for ever,
            and the ones behind it on its partition wait.
        is_patient: Nobody waits for the effect: messages may be gathered for half a second. To be told of each costs more
            than most effects.
    """

    group: str
    topics: Sequence[str]
    handle: Callable[[UnitOfWork, Delivery], Awaitable[None]]
    is_order_free: bool = False
    is_patient: bool = False

    async def apply(self, database: Database, delivery: Delivery) -> bool:
        """Bring about the effect of a message; False when it was there before."""
        async with database.begin(is_long=True) as uow:
            is_repeated = await uow.seen(self.group, delivery.event_id)
            if not is_repeated:
                await self.handle(uow, delivery)
        return not is_repeated


@dataclass(frozen=True, slots=True)
class RepeatableConsumer:
    """A consumer whose effect, brought about again, changes nothing: it needs neither the inbox nor a transaction around it.

    Attributes:
        group: See ``Consumer``.
        topics: See ``Consumer``.
        handle: The effect, whole or not at all, such as one statement. Raises like that of a ``Consumer``.
        is_order_free: See ``Consumer``.
        is_patient: See ``Consumer``.
    """

    group: str
    topics: Sequence[str]
    handle: Callable[[Database, Delivery], Awaitable[None]]
    is_order_free: bool = False
    is_patient: bool = False

    async def apply(self, database: Database, delivery: Delivery) -> bool:
        """Bring about the effect of a message; True."""
        await self.handle(database, delivery)
        return True


AnyConsumer: TypeAlias = Consumer | RepeatableConsumer


async def run_consumer(database: Database, bus: Bus, consumer: AnyConsumer) -> None:
    """Consume for ever; joins again after the bus was away."""
    delay = _FIRST_DELAY_SECONDS
    while True:
        subscription = await bus.subscribe(consumer.group, consumer.topics, is_patient=consumer.is_patient)
        member = _Member(database, subscription, consumer)
        try:
            await member.consume()
        except Exception as error:  # whatever broke: what was not committed comes again
            INTERRUPTIONS.labels(consumer.group).inc()
            log.warning("consumer_interrupted", group=consumer.group, error=repr(_first_of(error)))
        finally:
            await asyncio.shield(subscription.close())
        delay = _FIRST_DELAY_SECONDS if member.has_worked else min(delay * 2, _LONGEST_AWAY_SECONDS)
        await asyncio.sleep(delay)


class _Member:
    """One membership in a group, until the bus breaks it."""

    def __init__(self, database: Database, subscription: Subscription, consumer: AnyConsumer) -> None:
        self.has_worked = False
        self._database = database
        self._subscription = subscription
        self._consumer = consumer
        self._turns = asyncio.Semaphore(_CONCURRENCY)

    async def consume(self) -> None:
        async with asyncio.TaskGroup() as tasks, aclosing(self._subscription.deliveries()) as deliveries:
            lanes = Lanes(tasks, self._subscription, self._settle)
            async for delivery in deliveries:
                lanes.put(delivery)

    async def _settle(self, delivery: Delivery) -> None:
        """Try until the message is done, set aside, or another member's."""
        failures = 0
        with ExitStack() as stall:
            while self._subscription.is_held(delivery):
                try:
                    async with self._turns:
                        with timed(MESSAGE_SECONDS, self._consumer.group), self._following(delivery):
                            outcome = await self._try(delivery, failures)
                except Exception as error:  # a failure of the effect, or of the bus in setting the message aside
                    failures += 1
                    if failures == 1:
                        stall.enter_context(STALLED.labels(self._consumer.group).track_inprogress())
                    await self._wait(delivery, failures, error)
                else:
                    MESSAGES.labels(self._consumer.group, outcome).inc()
                    self.has_worked = True
                    return

    def _following(self, delivery: Delivery) -> AbstractContextManager[None]:
        return handling(self._database.schema, self._consumer.group, delivery)

    async def _try(self, delivery: Delivery, failures: int) -> str:
        try:
            is_new = await self._consumer.apply(self._database, delivery)
        except (InvalidMessage, DomainError) as error:
            if _is_outage(error):
                raise
            return await self._bury(delivery, str(error) or repr(error))
        except Exception as error:
            if not self._consumer.is_order_free or failures + 1 < _PATIENCE:
                raise
            return await self._set_aside(delivery, repr(error))
        await self._subscription.commit(delivery)
        return "handled" if is_new else "repeated"

    async def _set_aside(self, delivery: Delivery, reason: str) -> str:
        if not await self._subscription.retry_later(delivery, reason):
            return await self._bury(delivery, f"failed {delivery.attempt} times, last with {reason}")
        log.warning("message_set_aside", reason=reason, attempt=delivery.attempt, **self._names(delivery))
        return "set_aside"

    async def _bury(self, delivery: Delivery, reason: str) -> str:
        await self._subscription.dead_letter(delivery, reason)
        log.error("message_dead_lettered", reason=reason, **self._names(delivery))
        return "dead_lettered"

    async def _wait(self, delivery: Delivery, failures: int, error: Exception) -> None:
        delay = min(_FIRST_DELAY_SECONDS * 2 ** min(failures - 1, 10), _LONGEST_DELAY_SECONDS)
        MESSAGES.labels(self._consumer.group, "failed").inc()
        note = log.warning if failures <= _PATIENCE else log.error
        note("message_failed", failures=failures, retry_in_seconds=delay, error=repr(error), **self._names(delivery))
        await asyncio.sleep(delay)

    def _names(self, delivery: Delivery) -> dict[str, str]:
        return {
            "group": self._consumer.group,
            "topic": delivery.topic,
            "key": delivery.key,
            "event_id": str(delivery.event_id),
        }


def _is_outage(error: Exception) -> bool:
    """Whether something that every message needs is away: then going on with the next one helps nobody."""
    return isinstance(error, DomainError) and error.kind is ErrorKind.UNAVAILABLE


def _first_of(error: Exception) -> Exception:
    """Return what broke: lanes and the reader run in a group, which wraps it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
