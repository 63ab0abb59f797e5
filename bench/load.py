"""A load generator in a process of its own: some clients, each with one connection, asking one after the other.

    python -m bench.load < plan.json

The plan names the address, the paths (each client goes through them in turn), headers, the number of clients, and either a
number of seconds or a number of requests altogether. Bodies are counted and dropped.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import uvloop

_BUFFER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of the generator found.

    Attributes:
        seconds: From the first request to the last answer.
        count: Answers.
        body_bytes: Bytes of all bodies.
        latencies: Seconds of each answer, in order of arrival.
        statuses: How many answers had each status.
    """

    seconds: float
    count: int
    body_bytes: int
    latencies: Sequence[float]
    statuses: Mapping[str, int]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.count / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency that this share of the answers stayed below, seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run_load(
    host: str,
    port: int,
    paths: Sequence[str],
    headers: Mapping[str, str],
    *,
    clients: int,
    seconds: float | None = None,
    count: int | None = None,
) -> Load:
    """Run the generator and return what it found.

    Args:
        host: Address.
        port: Port.
        paths: What is asked for, in turn; the clients share the sequence.
        headers: Headers of every request.
        clients: Connections.
        seconds: How long, or
        count: how many requests.
    """
    plan = {
        "host": host,
        "port": port,
        "paths": list(paths),
        "headers": dict(headers),
        "clients": clients,
        "seconds": seconds,
        "count": count,
    }
    command = [sys.executable, "-m", "bench.load"]
    root = Path(__file__).resolve().parents[1]
    result = subprocess.run(command, input=json.dumps(plan), capture_output=True, text=True, cwd=root, timeout=300)
    if result.returncode != 0:
        raise RuntimeError(f"the load generator failed: {result.stderr.strip()[-800:]}")
    load = Load(**json.loads(result.stdout))
    bad = {status: number for status, number in load.statuses.items() if status != "200"}
    if bad:
        raise RuntimeError(f"answers other than 200 for {paths[0]}: {bad}")
    return load


class _Connection(asyncio.BufferedProtocol):
    """One keep-alive connection; answers need a Content-Length or are chunked."""

    def __init__(self) -> None:
        self._buffer = bytearray(_BUFFER_BYTES)
        self._head = bytearray()
        self._left: int | None = None
        self._tail = b""
        self.status = ""
        self.size = 0
        self.done: asyncio.Future[None] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self.status:
            self._body(memoryview(self._buffer)[:nbytes])
            return
        self._head += self._buffer[:nbytes]
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return
        head, rest = bytes(self._head[:end]), bytes(self._head[end + 4 :])
        self._head.clear()
        self._begin(head.decode("latin-1"))
        self._body(memoryview(rest))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_exception(exc or ConnectionError("the connection was closed"))

    async def ask(self, request: bytes) -> None:
        assert self.transport is not None
        self.status, self.size, self._tail = "", 0, b""
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        await self.done

    def _begin(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        self.status = first.split(" ")[1]
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._left = int(fields["content-length"]) if "content-length" in fields else None

    def _body(self, data: memoryview) -> None:
        self.size += len(data)
        if self._left is not None:
            is_over = self.size >= self._left
        else:
            self._tail = (self._tail + bytes(data[-5:]))[-5:]
            is_over = self._tail == b"0\r\n\r\n"
        if is_over and self.done is not None and not self.done.done():
            self.done.set_result(None)


async def _client(plan: dict[str, Any], requests: Iterator[bytes], deadline: float, found: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(_Connection, plan["host"], plan["port"])
    for request in requests:
        started = time.perf_counter()
        if started >= deadline:
            break
        await connection.ask(request)
        found["latencies"].append(time.perf_counter() - started)
        found["body_bytes"] += connection.size
        found["statuses"][connection.status] = found["statuses"].get(connection.status, 0) + 1
    assert connection.transport is not None
    connection.transport.close()


async def _run(plan: dict[str, Any]) -> Load:
    lines = "".join(f"{name}: {value}\r\n" for name, value in plan["headers"].items())
    texts = [f"GET {path} HTTP/1.1\r\nHost: {plan['host']}:{plan['port']}\r\n{lines}\r\n".encode() for path in plan["paths"]]
    endless = cycle(texts)
    requests = endless if plan["count"] is None else iter([next(endless) for _ in range(plan["count"])])
    found: dict[str, Any] = {"latencies": [], "body_bytes": 0, "statuses": {}}
    started = time.perf_counter()
    deadline = started + plan["seconds"] if plan["seconds"] is not None else float("inf")
    await asyncio.gather(*(_client(plan, requests, deadline, found) for _ in range(plan["clients"])))
    return Load(time.perf_counter() - started, len(found["latencies"]), **found)


def main() -> None:
    """Read a plan from standard input, write what was found to standard output."""
    print(json.dumps(asdict(uvloop.run(_run(json.load(sys.stdin))))))


if __name__ == "__main__":
    main()
