"""One member of a consumer group."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from limner_common.bus.kafka.connection import KafkaConnection, closed, translated_outages
from limner_common.bus.kafka.publisher import Publisher
from limner_common.bus.kafka.records import dead_record, delivery_of, due_at, retry_record
from limner_common.bus.kafka.topics import Names
from limner_common.bus.port import Delivery

log = structlog.get_logger(__name__)

#: Records taken from the client's buffer at a time.
_BATCH = 200
_POLL_SECONDS = 1.0
_COMMIT_SECONDS = 1.0
_JOIN_SECONDS = 90.0
_LAST_COMMIT_SECONDS = 5.0
#: Bytes of one answer, and of one partition in it; a larger message comes alone.
_FETCH_BYTES = 8 * 1024**2
_PARTITION_FETCH_BYTES = 1024**2
#: How long the broker gathers what a patient member gets; others are sent the first message at once.
_GATHERING_SECONDS = 0.5
_GATHERED_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Membership:
    """What a subscription is made of.

    Attributes:
        group: Our name of the group.
        topics: Our names of topics.
        retry_delays_seconds: See ``RETRY_DELAYS_SECONDS``.
        session_seconds: After which silence of a member its partitions go to others.
        is_patient: See ``Bus.subscribe``.
    """

    group: str
    topics: Sequence[str]
    names: Names
    retry_delays_seconds: Sequence[float]
    session_seconds: float
    is_patient: bool = False


@dataclass(frozen=True, slots=True)
class _Position:
    place: TopicPartition
    offset: int
    term: int


class KafkaSubscription(ConsumerRebalanceListener):  # type: ignore[misc]
    """See ``Subscription``.

    The group's own retry topic is read beside its topics; each of its partitions holds messages of one delay, so the first
    that is not due holds back none that is. Commits are gathered and sent every second, before a rebalance and at the end.
    A term is the time from one rebalance to the next: what was delivered in an earlier one is not ours any more.

    Args:
        connection: Where to.
        membership: Who is what in which group.
        publisher: Writes what is set aside.
        prepare: Makes sure that the topics exist.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        membership: Membership,
        publisher: Publisher,
        prepare: Callable[[], Any],
    ) -> None:
        self._connection = connection
        self._membership = membership
        self._publisher = publisher
        self._prepare = prepare
        self._retry_topic = membership.names.retry(membership.group)
        self._consumer: AIOKafkaConsumer | None = None
        self._committing: asyncio.Task[None] | None = None
        self._commit_lock = asyncio.Lock()
        self._term = 0
        self._done: dict[TopicPartition, int] = {}  # offsets to commit
        self._paused: set[TopicPartition] = set()  # by our reader
        self._resting: dict[TopicPartition, float] = {}  # until when the next message of a delay is due, loop's clock

    async def deliveries(self) -> AsyncGenerator[Delivery, None]:
        """Yield messages for ever; see ``Subscription``."""
        with translated_outages():
            consumer = await self._join()
            while True:
                self._wake_rested(consumer)
                batches = await consumer.getmany(timeout_ms=int(self._patience() * 1000), max_records=_BATCH)
                term = self._term  # not before: a rebalance may have come to its end in the meantime
                for place, records in batches.items():
                    for record in self._due(consumer, place, records):
                        if term == self._term:
                            yield self._delivery(place, record)

    def is_held(self, delivery: Delivery) -> bool:
        """Say whether the message is still this member's."""
        return self._position(delivery).term == self._term

    async def commit(self, delivery: Delivery) -> None:
        """Say that this message and those before it are done."""
        position = self._position(delivery)
        if position.term == self._term:
            self._done[position.place] = position.offset + 1

    async def retry_later(self, delivery: Delivery, reason: str) -> bool:
        """Set a message aside to come again; False when it did so often enough."""
        delays = self._membership.retry_delays_seconds
        if delivery.attempt > len(delays):
            return False
        due = time.time() + delays[delivery.attempt - 1]
        record = retry_record(delivery, self._retry_topic, delivery.attempt, attempt=delivery.attempt + 1, due_at=due)
        await self._publisher.publish([record])
        await self.commit(delivery)
        return True

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Set a message aside for people."""
        topic = self._membership.names.dead(self._membership.group)
        lay = self._position(delivery)
        place = f"{lay.place.topic}/{lay.place.partition}/{lay.offset}"
        await self._publisher.publish([dead_record(delivery, topic, reason, place)])
        await self.commit(delivery)

    def pause(self, partition: str) -> None:
        """Yield no more of a partition for a while."""
        place = _place(partition)
        if self._consumer is not None and place in self._consumer.assignment():
            self._paused.add(place)
            self._consumer.pause(place)

    def resume(self, partition: str) -> None:
        """Yield messages of a partition again."""
        place = _place(partition)
        self._paused.discard(place)
        if self._consumer is not None and place in self._consumer.assignment() and place not in self._resting:
            self._consumer.resume(place)

    async def close(self) -> None:
        """Leave the group."""
        if self._committing is not None:
            self._committing.cancel()
            await asyncio.gather(self._committing, return_exceptions=True)
        if self._consumer is not None:
            await self._commit_done()
            self._term += 1
            await closed(self._consumer.stop())
            self._consumer = None

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Commit what is done while the partitions are still ours; what is being handled comes again, to no effect."""
        await self._commit_done()
        self._term += 1
        self._done.clear()
        self._paused.clear()
        self._resting.clear()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Do nothing: the client reads on from the last commits, and the term has begun."""

    async def _join(self) -> AIOKafkaConsumer:
        await self._prepare()
        membership = self._membership
        consumer = AIOKafkaConsumer(
            **self._connection.client_options(f"limner-{membership.group}"),
            group_id=membership.names.group(membership.group),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=[_own_assignor()],
            session_timeout_ms=int(membership.session_seconds * 1000),
            heartbeat_interval_ms=int(membership.session_seconds * 1000 / 5),
            rebalance_timeout_ms=30_000,
            fetch_min_bytes=_GATHERED_BYTES if membership.is_patient else 1,
            fetch_max_wait_ms=int(_GATHERING_SECONDS * 1000),
            fetch_max_bytes=_FETCH_BYTES,
            max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
        )
        consumer.subscribe([*map(membership.names.topic, membership.topics), self._retry_topic], listener=self)
        try:
            async with asyncio.timeout(_JOIN_SECONDS):
                await consumer.start()
        except BaseException:
            await asyncio.shield(closed(consumer.stop()))
            raise
        self._consumer = consumer
        self._committing = asyncio.create_task(self._keep_committing())
        return consumer

    def _delivery(self, place: TopicPartition, record: Any) -> Delivery:
        topic = self._membership.names.without_prefix(place.topic)
        position = _Position(place, record.offset, self._term)
        return delivery_of(record, topic, f"{place.topic}:{place.partition}", position)

    def _position(self, delivery: Delivery) -> _Position:
        assert isinstance(delivery.position, _Position)
        return delivery.position

    def _due(self, consumer: AIOKafkaConsumer, place: TopicPartition, records: Sequence[Any]) -> Iterator[Any]:
        """Yield records to deliver now; at the first whose time has not come its partition rests."""
        for record in records:
            wait = due_at(record) - time.time() if place.topic == self._retry_topic else 0.0
            if wait > 0:
                consumer.pause(place)
                consumer.seek(place, record.offset)
                self._resting[place] = asyncio.get_running_loop().time() + wait
                return
            yield record

    def _wake_rested(self, consumer: AIOKafkaConsumer) -> None:
        now = asyncio.get_running_loop().time()
        for place in [place for place, until in self._resting.items() if until <= now]:
            del self._resting[place]
            if place not in self._paused:
                consumer.resume(place)

    def _patience(self) -> float:
        """Return for how many seconds to wait for messages before partitions that rest are looked at."""
        now = asyncio.get_running_loop().time()
        return max(0.0, min([_POLL_SECONDS, *(until - now for until in self._resting.values())]))

    async def _keep_committing(self) -> None:
        while True:
            await asyncio.sleep(_COMMIT_SECONDS)
            await self._commit_done()

    async def _commit_done(self) -> None:
        async with self._commit_lock:
            done, self._done = self._done, {}
            if not done or self._consumer is None:
                return
            try:
                async with asyncio.timeout(_LAST_COMMIT_SECONDS):
                    await self._consumer.commit(done)
            except (CommitFailedError, IllegalStateError):
                log.info("commit_after_rebalance", group=self._membership.group)  # the new owner commits
            except (KafkaError, TimeoutError) as error:
                log.warning("commit_failed", group=self._membership.group, error=repr(error))
                self._done = {**done, **self._done}  # with the next ones


def _own_assignor() -> type[StickyPartitionAssignor]:
    """Return an assignor for one consumer: aiokafka's keeps what it remembers on the class, where groups would mix."""
    return type("OwnStickyAssignor", (StickyPartitionAssignor,), {"member_assignment": None})


def _place(partition: str) -> TopicPartition:
    topic, _, number = partition.rpartition(":")
    return TopicPartition(topic, int(number))
