"""Runs a consumer: each message's effect once, poison set aside, failures retried in place."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from limner_common.bus.metrics import INTERRUPTIONS, MESSAGE_SECONDS, MESSAGES
from limner_common.bus.port import Bus, Delivery, Subscription
from limner_common.db.engine import Database
from limner_common.db.uow import UnitOfWork
from limner_common.errors import DomainError
from limner_common.observe.metrics import timed

log = structlog.get_logger(__name__)


class InvalidMessage(Exception):
    """This message can never work; it goes to the dead letters with this reason."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A named group of one service and what it does with each message.

    Attributes:
        group: Consumer group; also the name in the inbox.
        topics: Topics read.
        handle: The effect, inside the unit of work that also holds the inbox row. Raises ``InvalidMessage`` for poison;
            any other exception is retried with backoff and stops the partition until it passes.
    """

    group: str
    topics: Sequence[str]
    handle: Callable[[UnitOfWork, Delivery], Awaitable[None]]


async def run_consumer(database: Database, bus: Bus, consumer: Consumer) -> None:
    """Consume for ever; joins again after the bus or the database was away."""
    delay = 0.2
    while True:
        subscription: Subscription | None = None
        try:
            subscription = await bus.subscribe(consumer.group, consumer.topics)
            async for delivery in subscription.deliveries():
                await _deliver(database, subscription, consumer, delivery)
                delay = 0.2
        except asyncio.CancelledError:
            raise
        except Exception as error:  # whatever broke: nothing was committed for this message, so take it again
            INTERRUPTIONS.labels(consumer.group).inc()
            log.warning("consumer_interrupted", group=consumer.group, error=repr(error))
            await asyncio.sleep(delay)
            delay = min(delay * 2, 10.0)
        finally:
            if subscription is not None:
                await asyncio.shield(subscription.close())


async def _deliver(database: Database, subscription: Subscription, consumer: Consumer, delivery: Delivery) -> None:
    outcome = "failed"
    try:
        with timed(MESSAGE_SECONDS, consumer.group):
            outcome = await _handle(database, subscription, consumer, delivery)
    finally:
        MESSAGES.labels(consumer.group, outcome).inc()
    await subscription.commit(delivery)


async def _handle(database: Database, subscription: Subscription, consumer: Consumer, delivery: Delivery) -> str:
    try:
        async with database.begin() as uow:
            is_repeated = await uow.seen(consumer.group, delivery.event_id)
            if not is_repeated:
                await consumer.handle(uow, delivery)
    except (InvalidMessage, DomainError) as error:
        if isinstance(error, DomainError) and error.kind == "unavailable":
            raise
        log.error("message_dead_lettered", group=consumer.group, topic=delivery.topic, key=delivery.key, reason=str(error))
        await subscription.dead_letter(delivery, str(error) or repr(error))
        return "dead_lettered"
    return "repeated" if is_repeated else "handled"
