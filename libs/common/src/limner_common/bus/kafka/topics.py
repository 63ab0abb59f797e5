"""Names of topics and groups, and the creation of what is missing."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from limner_common.bus.kafka.connection import KafkaConnection, closed, translated_outages
from limner_common.bus.port import TopicSpec
from limner_common.errors import Unavailable

log = structlog.get_logger(__name__)

#: The largest message that we publish, bytes. Brokers take 1 MB unless a topic says more.
MAX_MESSAGE_BYTES = 8 * 1024**2
#: Replicas of a topic where nothing is set and there are as many brokers.
_USUAL_REPLICATION = 3
_CREATION_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Names:
    """Names on the broker: ours with a prefix, so that several installations can share it."""

    prefix: str = ""

    def topic(self, name: str) -> str:
        """Return a topic's name on the broker."""
        return self.prefix + name

    def without_prefix(self, topic: str) -> str:
        """Return our name of a topic of the broker."""
        return topic.removeprefix(self.prefix)

    def group(self, name: str) -> str:
        """Return a group's name on the broker."""
        return self.prefix + name

    def retry(self, group: str) -> str:
        """Return the topic of messages that a group gets again; partition 0 replays, the others have a delay each."""
        return f"{self.prefix}limner.retry.{group}"

    def dead(self, group: str) -> str:
        """Return the topic of a group's dead letters."""
        return f"{self.prefix}limner.dead.{group}"

    def groups_of_dead(self, topics: Iterable[str]) -> list[str]:
        """Return the groups that have a topic of dead letters among these."""
        start = self.dead("")
        return sorted(topic.removeprefix(start) for topic in topics if topic.startswith(start))


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    partitions: int
    configs: dict[str, str]


@dataclass(frozen=True, slots=True)
class KafkaState:
    """What an administrator should know about the brokers.

    Attributes:
        brokers: How many there are.
        topics: How many topics the product publishes to.
        missing: Those that are not there yet, and may be made.
    """

    brokers: int
    topics: int
    missing: Sequence[str]


class TopicCreation:
    """Creates topics that are missing; leaves those that exist as they are.

    Args:
        connection: Where.
        names: Prefix of names.
        topics: The product's topics.
        partitions: Of each topic instead of what ``topics`` says, when set.
        replication: Replicas of each; three, or as many as there are brokers, when None.
        retry_levels: Partitions of retry topics.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        names: Names,
        topics: Sequence[TopicSpec],
        *,
        partitions: int | None,
        replication: int | None,
        retry_levels: int,
    ) -> None:
        self._connection = connection
        self._names = names
        self._topics = topics
        self._partitions = partitions
        self._replication = replication
        self._retry_levels = retry_levels
        self._known: set[str] = set()

    async def ensure_all(self) -> None:
        """Create the product's topics.

        Raises:
            Unavailable: Kafka is away or refuses; the message says what to do.
        """
        await self._ensure([self._wanted(topic) for topic in self._topics])

    async def ensure_for(self, group: str) -> None:
        """Create the product's topics and those that a group needs for itself; raises like ``ensure_all``."""
        longest = max((topic.retention_hours for topic in self._topics), default=72)
        retry = self._wanted(TopicSpec(self._names.without_prefix(self._names.retry(group)), 1, longest))
        await self._ensure(
            [
                *(self._wanted(topic) for topic in self._topics),
                replace(retry, partitions=self._retry_levels),
                # Compaction keeps dead letters until a tombstone takes them away.
                _Wanted(self._names.dead(group), 1, {"cleanup.policy": "compact", **_LIMIT}),
            ]
        )

    async def examine(self) -> KafkaState:
        """Look whether the product's topics are there, or may be made; makes none.

        Raises:
            Unavailable: Kafka is away, or refuses to make them; the message says what to do.
        """
        wanted = [self._wanted(topic) for topic in self._topics]
        admin = AIOKafkaAdminClient(**self._connection.client_options("limner-admin"))
        with translated_outages():
            try:
                await admin.start()
                brokers = len((await admin.describe_cluster())["brokers"])
                existing = set(await admin.list_topics())
                missing = [topic for topic in wanted if topic.name not in existing]
                if missing:
                    await self._create(admin, missing, is_rehearsal=True)
            finally:
                await closed(admin.close())
        return KafkaState(brokers, len(wanted), [topic.name for topic in missing])

    def _wanted(self, topic: TopicSpec) -> _Wanted:
        kept = {"retention.ms": str(topic.retention_hours * 3_600_000), **_LIMIT}
        return _Wanted(self._names.topic(topic.name), self._partitions or topic.partitions, kept)

    async def _ensure(self, wanted: Sequence[_Wanted]) -> None:
        if self._known.issuperset(topic.name for topic in wanted):
            return
        options = self._connection.client_options("limner-admin")
        admin = AIOKafkaAdminClient(**options)
        with translated_outages():
            try:
                await admin.start()
                existing = set(await admin.list_topics())
                missing = [topic for topic in wanted if topic.name not in existing]
                if missing:
                    await self._create(admin, missing)
            finally:
                await closed(admin.close())
        self._known.update(topic.name for topic in wanted)

    async def _create(self, admin: AIOKafkaAdminClient, missing: Sequence[_Wanted], *, is_rehearsal: bool = False) -> None:
        replication = self._replication or await self._possible_replication(admin)
        durable = {"min.insync.replicas": "2"} if replication > 2 else {}
        answer = await admin.create_topics(
            [NewTopic(t.name, t.partitions, replication, topic_configs={**t.configs, **durable}) for t in missing],
            timeout_ms=_CREATION_SECONDS * 1000,
            validate_only=is_rehearsal,
        )
        for name, code, said in answer.topic_errors:
            error = for_code(code)
            if error not in (NoError, TopicAlreadyExistsError):
                partitions = next(topic.partitions for topic in missing if topic.name == name)
                raise Unavailable(
                    f"Kafka refuses to create the topic {name}: {said or error.__name__}. Let the user create topics, or"
                    f" create it yourself with {partitions} partitions."
                )
        if not is_rehearsal:
            log.info("topics_created", topics=[topic.name for topic in missing], replication=replication)

    async def _possible_replication(self, admin: AIOKafkaAdminClient) -> int:
        brokers = await self._count_brokers(admin)
        if brokers < _USUAL_REPLICATION:
            log.warning("topics_with_few_replicas", brokers=brokers)
        return min(brokers, _USUAL_REPLICATION)

    @staticmethod
    async def _count_brokers(admin: AIOKafkaAdminClient) -> int:
        # One that came back a moment ago answers before the controller counts it among the brokers again.
        deadline = time.monotonic() + _CREATION_SECONDS
        while not (brokers := (await admin.describe_cluster())["brokers"]):
            if time.monotonic() > deadline:
                raise Unavailable("Kafka has no broker that topics could be created on.")
            await asyncio.sleep(0.5)
        return len(brokers)


_LIMIT = {"max.message.bytes": str(MAX_MESSAGE_BYTES)}
