"""Real engines for tests: those that run already, or some that live as long as the run; names that no other run uses."""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from minio import Minio, MinioAdmin
from minio.credentials import StaticProvider
from redis import Redis

from tools.engines import Stack

#: Of each topic of a run.
PARTITIONS = 2


@dataclass
class Engines:
    """The engines as one run of tests uses them.

    Attributes:
        stack: PostgreSQL, Redis, Kafka and MinIO.
        is_own: They belong to this run alone, which may stop and kill them.
        run: What names of this run begin with.
    """

    stack: Stack
    is_own: bool
    run: str = field(default_factory=lambda: f"t{secrets.token_hex(4)}")
    _databases: list[str] = field(default_factory=list)
    _buckets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._redis_database = secrets.randbelow(self.stack.redis.databases - 1) + 1

    @property
    def kafka_servers(self) -> str:
        """Bootstrap servers."""
        return self.stack.kafka.servers

    @property
    def topic_prefix(self) -> str:
        """What names of topics and groups of this run begin with."""
        return f"{self.run}."

    @property
    def redis_url(self) -> str:
        """A numbered database of this run."""
        return self.stack.redis.url(self._redis_database)

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"{self.run}_{len(self._databases)}"
        _in_loop(self._execute, f"CREATE DATABASE {name}")
        self._databases.append(name)
        return self.stack.postgres.url(name)

    def new_bucket(self) -> str:
        """Make an empty bucket and return its name."""
        name = f"{self.run}-{len(self._buckets)}"
        self.minio().make_bucket(name)
        self._buckets.append(name)
        return name

    def minio(self) -> Minio:
        """A client of the object store, with the rights of its root user."""
        engine = self.stack.minio
        return Minio(f"127.0.0.1:{engine.port}", engine.user, engine.password, secure=False)

    @contextmanager
    def new_store_user(self, name: str, bucket: str, rights: list[str]) -> Iterator[str]:
        """Make a user of the object store, who sees a bucket and has some rights on its objects; yields its secret key."""
        engine, secret = self.stack.minio, secrets.token_hex(16)
        credentials = StaticProvider(engine.user, engine.password)
        admin = MinioAdmin(endpoint=f"127.0.0.1:{engine.port}", credentials=credentials, secure=False)
        statements = [
            {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": f"arn:aws:s3:::{bucket}"},
            {"Effect": "Allow", "Action": rights, "Resource": f"arn:aws:s3:::{bucket}/*"},
        ]
        admin.policy_add(name, policy={"Version": "2012-10-17", "Statement": statements})
        admin.user_add(name, secret)
        admin.attach_policy([name], user=name)
        try:
            yield secret
        finally:
            admin.user_remove(name)
            admin.policy_remove(name)

    def object_settings(self, bucket: str) -> dict[str, str]:
        """The product's variables for a bucket."""
        return {**self.stack.minio.settings(), "LIMNER_OBJECTS_S3_BUCKET": bucket}

    def settings(self) -> dict[str, str]:
        """The product's variables for everything but the database: a new bucket, names of this run."""
        return {
            **self.object_settings(self.new_bucket()),
            "LIMNER_REDIS_URL": self.redis_url,
            "LIMNER_KAFKA_SERVERS": self.kafka_servers,
            "LIMNER_KAFKA_PREFIX": f"{self.topic_prefix}{secrets.token_hex(2)}.",
            "LIMNER_KAFKA_PARTITIONS": str(PARTITIONS),
        }

    def flush_redis(self) -> None:
        """Forget all that Redis holds; for engines of one's own."""
        assert self.is_own, "these engines are shared with others"
        with Redis.from_url(self.redis_url) as cache:
            cache.flushall()

    def mend(self) -> None:
        """Start again whatever a test has stopped, killed or paused."""
        assert self.is_own, "these engines are shared with others"
        for engine in self.stack.engines:
            engine.resume()
        self.stack.start()

    def forget(self) -> None:
        """Remove from engines shared with others what this run made."""
        for name in self._databases:
            _in_loop(self._execute, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        store = self.minio()
        for bucket in self._buckets:
            for found in store.list_objects(bucket, recursive=True):
                store.remove_object(bucket, found.object_name)
            store.remove_bucket(bucket)
        with Redis.from_url(self.redis_url) as cache:
            cache.flushdb()
        _in_loop(self._delete_topics)

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.stack.postgres.url())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _delete_topics(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka_servers)
        await admin.start()
        try:
            ours = [topic for topic in await admin.list_topics() if topic.startswith(self.topic_prefix)]
            if ours:
                await admin.delete_topics(ours)
        finally:
            await admin.close()


@contextmanager
def engines_of_run() -> Iterator[Engines]:
    """Lend the engines of ``make engines`` when they run, else own ones."""
    shared = Stack()
    if not shared.is_running:
        with own_engines() as engines:
            yield engines
        return
    engines = Engines(shared, is_own=False)
    try:
        yield engines
    finally:
        engines.forget()


@contextmanager
def own_engines() -> Iterator[Engines]:
    """Start engines that end with this run, however it ends."""
    folder = Path(tempfile.mkdtemp(prefix="limner-engines-"))
    folder.chmod(0o711)  # as root the database runs as somebody else
    stack = Stack(folder, is_throwaway=True)
    try:
        stack.start()
        yield Engines(stack, is_own=True)
    finally:
        for engine in stack.engines:
            engine.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _in_loop(action: object, *arguments: object) -> None:
    """Run a coroutine function to its end, also where a loop is running: in a thread of its own."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(action(*arguments))).result()  # type: ignore[operator]
