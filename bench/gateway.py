"""What one request and one fact cost the gateway: ``python -m bench.gateway``.

Starts real engines and one process of ``api``; the services behind it are a bare server that answers at once. It prints the
processor time of ``api`` for a request of each kind and for a fact about a save, sent steadily by a few clients,
less what the process takes while nobody asks.
"""

import argparse
import asyncio
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import psutil
import uvloop
from tests.support.cluster import Cluster
from tests.support.engines import Engines, own_engines
from tests.support.nursery import Nursery
from tests.support.product import ADMIN

from bench.cluster import processor_seconds
from limner_allinone.composition import SERVICE_NAMES
from limner_common.bus import TopicSpec
from limner_common.bus.kafka import KafkaBus, KafkaConnection
from limner_common.events import new_message
from limner_contracts.annotations.v1.job_annotations_event_pb2 import JobAnnotationsEvent
from limner_contracts.topics import TOPICS

_API = "serve api 0"
_JOBS = 100
_CLIENTS = 20
_TOPIC = "limner.annotations.job.v1"
_SHAPE = {"type": "rectangle", "frame": 3, "label_id": 1, "points": [1.25, 2.5, 300.75, 400.5], "attributes": []}

Act = Callable[[], Awaitable[object]]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.gateway", description="Measure what a request costs the gateway.")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each row (default: 15)")
    parser.add_argument("--per-second", type=float, default=50.0, help="requests or facts (default: 50)")
    parser.add_argument("--rows", nargs="+", help="rows to measure (default: all)")
    parser.add_argument("--profile", help="command to run beside each row; {pid} and {row} are filled in")
    arguments = parser.parse_args()
    with _running_api() as (cluster, engines):
        uvloop.run(_measure(cluster, engines, arguments))
    return 0


@contextlib.contextmanager
def _running_api() -> Iterator[tuple[Cluster, Engines]]:
    with tempfile.TemporaryDirectory(prefix="limner-bench-gateway-") as folder, own_engines() as engines:
        nursery = Nursery()
        behind = subprocess.Popen([sys.executable, "-m", "bench.gateway_behind"], stdout=subprocess.PIPE, text=True)
        try:
            assert behind.stdout is not None
            address = f"http://127.0.0.1:{int(behind.stdout.readline())}"
            cluster = Cluster(Path(folder), engines, nursery, replicas=1, extra={"LIMNER_LOG_LEVEL": "warning"})
            cluster.migrate()
            api = cluster.members[_API]
            api.extra = {
                "LIMNER_UPSTREAMS": json.dumps({name: address for name in SERVICE_NAMES if name != "api"}),
                "LIMNER_DATABASE_POOL_SIZE": "8",
            }
            cluster.start([_API])
            yield cluster, engines
            assert cluster.stop([_API]) == {_API: 0}
        finally:
            nursery.close()
            behind.kill()
            behind.wait()


async def _measure(cluster: Cluster, engines: Engines, arguments: argparse.Namespace) -> None:
    api = cluster.members[_API]
    assert api.process is not None
    process = psutil.Process(api.process.pid)
    url = f"http://127.0.0.1:{api.health_port}"
    await _make_jobs(cluster, url)
    async with httpx.AsyncClient(base_url=url) as login:
        key = (await login.post("/api/auth/login", json={"username": ADMIN[0], "password": ADMIN[1]})).json()["key"]
    topics = [TopicSpec(name, topic.partitions, topic.retention_hours) for name, topic in TOPICS.items()]
    bus = KafkaBus(KafkaConnection([engines.kafka_servers]), topics, prefix=cluster.topic_prefix, partitions=2)
    clients = [await _Client.connected(api.health_port, key) for _ in range(_CLIENTS)]
    rows: dict[str, Act] = {
        "save": lambda: _one(clients, "PATCH", "/api/jobs/{}/annotations?action=create", {"shapes": [_SHAPE] * 5}),
        "fact about a save": lambda: _tell(bus),
        "annotations": lambda: _one(clients, "GET", "/api/jobs/{}/annotations"),
        "chunk": lambda: _one(clients, "GET", "/api/jobs/{}/data?type=chunk&quality=compressed&index=0"),
        "job": lambda: _one(clients, "GET", "/api/jobs/{}"),
        "labels": lambda: _one(clients, "GET", "/api/labels?job_id={}&page_size=500"),
    }
    try:
        await _run(rows["save"], 3.0, 50.0)
        await _run(rows["fact about a save"], 1.0, 20.0)
        await asyncio.sleep(2)
        idle = await _cores(process, asyncio.sleep(arguments.seconds))
        print(f"{'idle':<24}{1000 * idle:>10.1f} ms per second", flush=True)
        for name in arguments.rows or rows:
            profiler = _profiler(arguments.profile, process.pid, name)
            started = time.monotonic()
            counts: list[int] = []
            cores = await _cores(process, _run(rows[name], arguments.seconds, arguments.per_second, counts))
            cost = (cores - idle) * (time.monotonic() - started) / counts[0]
            print(f"{name:<24}{1000 * cost:>10.2f} ms, {counts[0]} in all", flush=True)
            if profiler is not None:
                await asyncio.to_thread(profiler.wait)
            await asyncio.sleep(1.5)
    finally:
        await bus.close()
        for client in clients:
            client.writer.close()


async def _cores(process: psutil.Process, work: Awaitable[object]) -> float:
    before, started = processor_seconds(process), time.monotonic()
    await work
    return (processor_seconds(process) - before) / (time.monotonic() - started)


async def _run(act: Act, seconds: float, per_second: float, counts: list[int] | None = None) -> None:
    """Act at a pace, whether or not earlier acts have ended."""
    running: set[asyncio.Future[object]] = set()
    started, number = time.monotonic(), 0
    while (due := started + number / per_second) < started + seconds:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        running.add(asyncio.ensure_future(act()))
        number += 1
    await asyncio.gather(*running)
    if counts is not None:
        counts.append(number)


class _Client:
    """One connection that asks one thing after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> None:
        self.reader = reader
        self.writer = writer
        self.turn = asyncio.Lock()
        self._head = (
            "host: limner.example\r\naccept: */*\r\naccept-encoding: gzip, deflate\r\nconnection: keep-alive\r\n"
            f"user-agent: python-httpx/0.28.1\r\nauthorization: Token {key}\r\n"
        )

    @classmethod
    async def connected(cls, port: int, key: str) -> "_Client":
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1024 * 1024), key)

    async def ask(self, method: str, path: str, document: object) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        told = f"content-length: {len(body)}\r\ncontent-type: application/json\r\n" if body else ""
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{self._head}{told}\r\n".encode() + body)
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        lines = head.lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), None)
        if length is not None:
            await self.reader.readexactly(length)
            return
        assert b"transfer-encoding: chunked" in lines
        while size := int(await self.reader.readline(), 16):
            await self.reader.readexactly(size + 2)
        await self.reader.readexactly(2)


async def _one(clients: list[_Client], method: str, path: str, document: object = None) -> None:
    client = random.choice(clients)
    async with client.turn:
        await client.ask(method, path.format(random.randint(1, _JOBS)), document)


async def _tell(bus: KafkaBus) -> None:
    job_id = random.randint(1, _JOBS)
    event = JobAnnotationsEvent(job_id=job_id, task_id=1 + (job_id - 1) // 10)
    event.saved.revision, event.saved.kind, event.saved.created = 1, "create", 5
    await bus.publish([new_message(_TOPIC, job_id, event, producer="annotations")])


async def _make_jobs(cluster: Cluster, url: str) -> None:
    connection = await asyncpg.connect(cluster.database_url)
    await connection.execute(
        f"""INSERT INTO api.tasks (name, owner_id, data_ready_at, size, mode, chunk_size, image_quality,
                original_chunk_type, compressed_chunk_type)
            SELECT 'task ' || number, (SELECT min(id) FROM api.users), now(), 80, 'annotation', 4, 70, 'imageset', 'imageset'
            FROM generate_series(1, {_JOBS // 10}) number;
            INSERT INTO api.jobs (task_id, start_frame, stop_frame, frame_count)
            SELECT 1 + (number - 1) / 10, 0, 7, 8 FROM generate_series(1, {_JOBS}) number;
            INSERT INTO api.labels (name, color, task_id) SELECT 'car', '#ff0000', id FROM api.tasks"""
    )
    await connection.close()


def _profiler(command: str | None, pid: int, row: str) -> "subprocess.Popen[bytes] | None":
    if command is None:
        return None
    return subprocess.Popen(command.format(pid=pid, row=row.replace(" ", "-")).split())


if __name__ == "__main__":
    sys.exit(main())
