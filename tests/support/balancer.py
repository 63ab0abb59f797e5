"""Spreads connections over the replicas of services, as a cluster's network does: ``python -m tests.support.balancer``.

Every service has one address. A connection goes to a replica that was ready a moment ago, taking turns. One to a replica
that has died since is refused, as in a cluster; but at the front door an ingress tries the next one.
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

_PROBE_SECONDS = 0.5
_BLOCK_BYTES = 256 * 1024


@dataclass
class _Address:
    port: int
    replicas: list[int]
    is_front: bool
    ready: list[int] = field(default_factory=list)
    turn: Iterator[int] = field(default_factory=itertools.count)

    async def probe(self) -> None:
        async with httpx.AsyncClient(timeout=3) as client:
            while True:
                self.ready = [port for port in self.replicas if await _is_ready(client, port)]
                await asyncio.sleep(_PROBE_SECONDS)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there_reader, there_writer = await self._connect()
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tries = len(self.ready) if self.is_front else 1
        for last in range(1, tries + 1):
            try:
                port = self.ready[next(self.turn) % len(self.ready)]
                return await asyncio.open_connection("127.0.0.1", port, limit=_BLOCK_BYTES)
            except OSError:
                if last == tries:
                    raise
        raise ConnectionRefusedError("no replica is ready")


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
    except OSError:
        writer.transport.abort()


async def _serve(addresses: Sequence[_Address]) -> None:
    for address in addresses:
        await asyncio.start_server(address.pass_on, "127.0.0.1", address.port, limit=_BLOCK_BYTES, backlog=512)
    await asyncio.gather(*(address.probe() for address in addresses))


@contextmanager
def balancing(addresses: Mapping[int, Sequence[int]], front: int) -> Iterator[None]:
    """Run a balancer.

    Args:
        addresses: Ports of replicas by port of their service.
        front: The port that people use.
    """
    told = [{"port": port, "replicas": list(replicas), "is_front": port == front} for port, replicas in addresses.items()]
    process = subprocess.Popen([sys.executable, "-m", "tests.support.balancer", json.dumps(told)])
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    uvloop.run(_serve([_Address(**address) for address in json.loads(sys.argv[1])]))
