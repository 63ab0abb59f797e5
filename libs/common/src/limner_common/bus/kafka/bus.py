"""A bus over Apache Kafka."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from limner_common.bus.kafka.connection import KafkaConnection, translated_outages
from limner_common.bus.kafka.dead_letters import KafkaDeadLetters
from limner_common.bus.kafka.lags import lags_of
from limner_common.bus.kafka.publisher import Publisher
from limner_common.bus.kafka.pulse import Pulse
from limner_common.bus.kafka.records import record_of
from limner_common.bus.kafka.subscription import KafkaSubscription, Membership
from limner_common.bus.kafka.topics import KafkaState, Names, TopicCreation
from limner_common.bus.port import RETRY_DELAYS_SECONDS, Subscription, TopicSpec
from limner_common.db.uow import OutgoingMessage

_LAGS_SECONDS = 10.0


class KafkaBus:
    """Bus over a Kafka cluster. Opens nothing before it is used.

    Args:
        connection: Where, and as whom.
        topics: The product's topics.
        prefix: Of topics and groups, so that several installations can share a cluster.
        partitions: Of each topic instead of what ``topics`` says.
        replication: Replicas of each topic; three, or as many as there are brokers, when None.
        retry_delays_seconds: See ``RETRY_DELAYS_SECONDS``.
        publish_seconds: Until a call of ``publish`` gives up.
        session_seconds: After which silence of a member its partitions go to others.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        topics: Sequence[TopicSpec],
        *,
        prefix: str = "",
        partitions: int | None = None,
        replication: int | None = None,
        retry_delays_seconds: Sequence[float] = RETRY_DELAYS_SECONDS,
        publish_seconds: float = 15.0,
        session_seconds: float = 15.0,
    ) -> None:
        self._connection = connection
        self._names = Names(prefix)
        self._retry_delays_seconds = tuple(retry_delays_seconds)
        self._session_seconds = session_seconds
        self._publisher = Publisher(connection, timeout_seconds=publish_seconds)
        self._pulse = Pulse(connection)
        self._creation = TopicCreation(
            connection,
            self._names,
            topics,
            partitions=partitions,
            replication=replication,
            retry_levels=1 + len(self._retry_delays_seconds),
        )

    @property
    def dead_letters(self) -> KafkaDeadLetters:
        """What groups could not handle."""
        return KafkaDeadLetters(self._connection, self._names, self._publisher, self._creation.ensure_for)

    async def prepare(self) -> None:
        """Create the product's topics when they are missing; see ``Bus.prepare``."""
        await self._creation.ensure_all()

    async def examine(self) -> KafkaState:
        """Return what an administrator should know about the brokers; makes nothing.

        Raises:
            Unavailable: Kafka is away, or refuses us; the message says what to do.
        """
        return await self._creation.examine()

    async def check(self) -> None:
        """Return when a broker answers; see ``Bus.check``."""
        await self._pulse.check()

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Write messages to all replicas in sync; see ``Bus.publish``."""
        await self._creation.ensure_all()
        await self._publisher.publish([record_of(message, self._names.topic(message.topic)) for message in messages])

    async def subscribe(self, group: str, topics: Sequence[str], *, is_patient: bool = False) -> Subscription:
        """Return a member of a group, which joins when it is read."""
        delays, session = self._retry_delays_seconds, self._session_seconds
        membership = Membership(group, topics, self._names, delays, session, is_patient=is_patient)
        return KafkaSubscription(self._connection, membership, self._publisher, partial(self._creation.ensure_for, group))

    async def lags(self, groups: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], int]:
        """Return how many messages groups have not committed; see ``Bus.lags``."""
        with translated_outages():
            async with asyncio.timeout(_LAGS_SECONDS):
                return await lags_of(self._connection, self._names, groups)

    async def maintain(self) -> None:
        """Return at once: brokers tidy their logs themselves."""

    async def close(self) -> None:
        """Release the connections of the producer and of checks."""
        await self._pulse.close()
        await self._publisher.close()
