"""The engines themselves: each answers, keeps what it promised to keep, and is found again."""

import asyncio
import io
import os
import secrets
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from redis import Redis

from tests.support.engines import Engines
from tools.engines import Engine, EngineProblem, Stack
from tools.engines.daemon import Daemon
from tools.engines.engine import free_ports
from tools.engines.supplies import Supplies

pytestmark = pytest.mark.engines


async def test_postgres_keeps_rows(engines: Engines) -> None:
    connection = await asyncpg.connect(engines.new_database())
    await connection.execute("CREATE TABLE kept (value int)")
    await connection.execute("INSERT INTO kept VALUES (7)")
    assert await connection.fetchval("SELECT value FROM kept") == 7
    await connection.close()


async def test_postgres_wants_the_password(engines: Engines) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(engines.stack.postgres.url().replace(engines.stack.postgres.password, "wrong"))


async def test_engines_are_reached_over_tls(engines: Engines) -> None:
    stack = engines.stack
    trusted = {engine.name: ssl.create_default_context(cafile=engine.certificates.authority) for engine in stack.engines}
    connection = await asyncpg.connect(stack.postgres.url(), ssl=trusted["postgres"])
    assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    await connection.close()
    with Redis.from_url(stack.redis.tls_url, ssl_ca_certs=str(stack.redis.certificates.authority)) as client:
        assert client.ping()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_kafka_knows_its_user(engines: Engines, mechanism: str) -> None:
    kafka = engines.stack.kafka
    settings = {
        "bootstrap_servers": kafka.secured_servers,
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=kafka.certificates.authority),
        "sasl_mechanism": mechanism,
        "sasl_plain_username": kafka.user,
    }
    admin = AIOKafkaAdminClient(**settings, sasl_plain_password=kafka.password)
    await admin.start()
    assert isinstance(await admin.list_topics(), list)
    await admin.close()
    refused = AIOKafkaAdminClient(**settings, sasl_plain_password="wrong")
    with pytest.raises(KafkaError):
        await refused.start()
    await refused.close()


def test_redis_is_bounded_and_evicts_what_is_used_least(engines: Engines) -> None:
    with Redis.from_url(engines.redis_url) as client:
        client.set("key", b"value")
        assert client.get("key") == b"value"
        assert client.config_get("maxmemory*")["maxmemory-policy"] == "allkeys-lfu"
        assert int(client.config_get("maxmemory")["maxmemory"]) > 0


async def test_kafka_passes_messages_on_in_order(engines: Engines) -> None:
    topic = f"{engines.topic_prefix}order"
    await _make_topic(engines, topic)
    await _send(engines, topic, range(20))
    assert await _read(engines, topic, 20) == list(range(20))


def test_minio_keeps_objects(engines: Engines) -> None:
    bucket, content = engines.new_bucket(), secrets.token_bytes(6 * 1024**2)
    store = engines.minio()
    store.put_object(bucket, "a/b", io.BytesIO(content), len(content), part_size=5 * 1024**2)
    answer = store.get_object(bucket, "a/b", offset=5 * 1024**2, length=100)
    assert answer.read() == content[5 * 1024**2 :][:100]
    answer.close()
    answer.release_conn()


async def test_what_was_acknowledged_survives_a_kill(mortal_engines: Engines) -> None:
    engines, topic = mortal_engines, f"{mortal_engines.topic_prefix}killed"
    url, bucket = engines.new_database(), engines.new_bucket()
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    await _make_topic(engines, topic)
    await _send(engines, topic, [1, 2])
    engines.minio().put_object(bucket, "kept", io.BytesIO(b"kept"), 4)

    addresses = engines.stack.settings()
    for engine in engines.stack.engines:
        await asyncio.to_thread(engine.kill)
        assert not engine.is_running
    await asyncio.to_thread(engines.stack.start)

    assert engines.stack.settings() == addresses
    connection.terminate()
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT value FROM kept") == 7
    await connection.close()
    assert await _read(engines, topic, 2) == [1, 2]
    assert engines.minio().get_object(bucket, "kept").data == b"kept"


def test_an_engine_that_is_paused_answers_again_when_it_goes_on(mortal_engines: Engines) -> None:
    redis = mortal_engines.stack.redis
    redis.pause()
    assert redis.is_running and not redis.answers()
    redis.resume()
    redis.daemon.wait_until(redis.answers, timeout_seconds=60)


def test_starting_again_finds_what_runs(mortal_engines: Engines) -> None:
    again = Stack(mortal_engines.stack.folder, is_throwaway=True)
    before = [engine.daemon.process() for engine in mortal_engines.stack.engines]
    again.start()
    assert [engine.daemon.process() for engine in again.engines] == before
    assert None not in before


def test_engines_of_tests_end_with_a_run_that_is_killed(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("left") / "redis"
    script = (
        "import sys, time, pathlib; from tools.engines.redis import Redis; from tools.engines.supplies import Supplies;"
        "e = Redis(pathlib.Path(sys.argv[1]), Supplies(pathlib.Path(sys.argv[1])), is_throwaway=True); e.start();"
        "print(e.daemon.process().pid, flush=True); time.sleep(600)"
    )
    run = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True, cwd=os.getcwd())
    assert run.stdout is not None
    try:
        server = psutil.Process(int(run.stdout.readline()))
    finally:
        run.kill()
        run.wait()
        run.stdout.close()
    server.wait(60)


def test_a_program_that_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineProblem, match=r"'redis-server' is not installed. On Debian: apt-get install redis-server"):
        Supplies(tmp_path).program("redis-server")
    with pytest.raises(EngineProblem, match="maven"):
        Supplies(tmp_path).kafka()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_an_engine_that_ends_while_starting_says_why(tmp_path: Path) -> None:
    class Broken(Engine):
        name = "broken"

        def prepare(self) -> None: ...

        def command(self) -> list[str | Path]:
            return [sys.executable, "-c", "raise SystemExit('no such disk')"]

        def answers(self) -> bool:
            return False

        def settings(self) -> dict[str, str]:
            return {}

    # Not: did not answer in so many seconds.
    with pytest.raises(EngineProblem, match="broken ended while it was starting: no such disk"):
        Broken(tmp_path / "broken", Supplies(tmp_path), is_throwaway=True).start()


def test_a_process_is_known_again_after_the_clock_was_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, signal.SIGTERM, is_mortal=True)
    daemon.start([sys.executable, "-c", "import time; time.sleep(600)"], {})
    try:
        started = psutil.boot_time()
        monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: started + 3600)
        assert daemon.process() is not None
    finally:
        daemon.kill()
    assert daemon.process() is None


def test_a_port_is_given_once_though_nobody_listens_there_yet() -> None:
    code = "import sys; from tools.engines.engine import free_ports; print(*free_ports(500), flush=True); sys.stdin.read()"
    others = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        given = [int(word) for other in others for word in _line(other).split()]
        given += [*free_ports(50), *free_ports(50)]
        assert len(set(given)) == len(given) == 1100
    finally:
        for other in others:
            other.communicate()


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


async def _make_topic(engines: Engines, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=engines.kafka_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def _send(engines: Engines, topic: str, numbers: object) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=engines.kafka_servers, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        for number in numbers:  # type: ignore[attr-defined]
            await producer.send_and_wait(topic, str(number).encode(), key=b"key")
    finally:
        await producer.stop()


async def _read(engines: Engines, topic: str, count: int) -> list[int]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=engines.kafka_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [int((await asyncio.wait_for(anext(consumer), 60)).value) for _ in range(count)]
    finally:
        await consumer.stop()
