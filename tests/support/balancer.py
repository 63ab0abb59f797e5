"""Spreads connections over the replicas of services, as a cluster's network does: ``python -m tests.support.balancer``.

Every service has one address. A connection goes to a replica that was ready a moment ago, taking turns; when it has
died since and refuses, to the next, and at last to those that were not: on a busy machine an answer that they are may be
long in coming. Nothing that was begun is sent a second time.
"""

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import uvloop

#: How often replicas are asked whether they are ready.
PROBE_SECONDS = 0.5
_BLOCK_BYTES = 256 * 1024


@dataclass
class _Address:
    port: int
    replicas: list[int]
    ready: list[int] = field(default_factory=list)
    turn: Iterator[int] = field(default_factory=itertools.count)
    passing: "set[asyncio.Task[None] | None]" = field(default_factory=set)

    async def probe(self) -> None:
        async with httpx.AsyncClient(timeout=3) as client:
            while True:
                self.ready = [port for port in self.replicas if await _is_ready(client, port)]
                await asyncio.sleep(PROBE_SECONDS)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self.passing.add(task)  # or it may be collected as garbage while it runs
        with contextlib.suppress(OSError):
            there_reader, there_writer = await self._connect()
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        writer.close()
        self.passing.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        first = next(self.turn)
        ready = [port for port in self.replicas if port in self.ready]
        others = [port for port in self.replicas if port not in self.ready]
        for ports in (ready, others):
            for number in range(len(ports)):
                with contextlib.suppress(OSError):
                    port = ports[(first + number) % len(ports)]
                    return await asyncio.open_connection("127.0.0.1", port, limit=_BLOCK_BYTES)
        raise ConnectionRefusedError("no replica listens")


async def _is_ready(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200
    except httpx.HTTPError:
        return False


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end of one direction, and pass the end on; a connection that breaks breaks the other one too."""
    try:
        while block := await reader.read(_BLOCK_BYTES):
            writer.write(block)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except (OSError, RuntimeError):  # the latter is uvloop's, for an end that is closed already
        writer.transport.abort()


async def _serve(addresses: Sequence[_Address]) -> None:
    for address in addresses:
        await asyncio.start_server(address.pass_on, "127.0.0.1", address.port, limit=_BLOCK_BYTES, backlog=512)
    await asyncio.gather(*(address.probe() for address in addresses))


@contextmanager
def balancing(addresses: Mapping[int, Sequence[int]]) -> Iterator[None]:
    """Run a balancer for the ports of replicas by the port of their service."""
    told = [{"port": port, "replicas": list(replicas)} for port, replicas in addresses.items()]
    process = subprocess.Popen([sys.executable, "-m", "tests.support.balancer", json.dumps(told)])
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    uvloop.run(_serve([_Address(**address) for address in json.loads(sys.argv[1])]))
