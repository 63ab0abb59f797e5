"""Measures ``GET /api/users/self`` against a bare FastAPI route with one statement: `python -m bench.identity_hot_path`.

Both run in a server process each behind uvicorn (httptools, uvloop) on one PostgreSQL; the load comes from this process
over 16 connections. Rounds alternate, so that a busy machine disturbs both alike.
"""

import asyncio
import multiprocessing
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

CLIENTS = 16
ROUNDS = 5
SECONDS = 3.0


async def _serve(app: object, listener: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, http="httptools", loop="uvloop")
    await uvicorn.Server(config).serve(sockets=[listener])


async def _bare(url: str, listener: socket.socket) -> None:
    import asyncpg
    from fastapi import FastAPI

    pool = await asyncpg.create_pool(url, min_size=8, max_size=16)
    app = FastAPI()

    @app.get("/self")
    async def retrieve() -> dict[str, object]:
        row = await pool.fetchrow("SELECT id, username, email FROM api.users WHERE id = $1", 1)
        return dict(row)

    await _serve(app, listener)


async def _ours(url: str, listener: socket.socket) -> None:
    from pydantic import SecretStr
    from tests.support.installation import make_keyrings

    from limner_allinone.composition import install
    from limner_common.settings import ServiceSettings

    with tempfile.TemporaryDirectory() as folder:
        settings = ServiceSettings(
            database_url=SecretStr(url), objects_folder=Path(folder) / "objects", cache_folder=Path(folder) / "cache"
        )
        async with install(settings, make_keyrings(), ["api"]) as installation:
            await _serve(installation.app("api"), listener)


def _run(main: Callable[[str, socket.socket], Awaitable[None]], url: str, listener: socket.socket) -> None:
    import uvloop

    uvloop.run(main(url, listener))  # type: ignore[arg-type]


def _start(main: Callable[[str, socket.socket], Awaitable[None]], url: str) -> tuple[multiprocessing.Process, int]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    process = multiprocessing.Process(target=_run, args=(main, url, listener), daemon=True)
    process.start()
    port: int = listener.getsockname()[1]
    return process, port


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = await reader.readexactly(length)
    assert b" 200 " in head[:20], head + body
    return head + body


async def _load(port: int, path: str, header: str, seconds: float) -> list[float]:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n".encode()
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (started := time.perf_counter()) < end:
            await _request(reader, writer, request)
            times.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return times


def _cpu_seconds(pid: int) -> float:
    """Return the processor time a process has used; unlike the clock it does not grow with what others do."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _login(port: int) -> str:
    body = b'{"username": "admin", "password": "Golden-admin-1"}'
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/json\r\n\r\n"
    answer = await _request(reader, writer, head.encode() + body)
    writer.close()
    cookies = [line.split(b": ")[1].split(b";")[0] for line in answer.split(b"\r\n") if line.startswith(b"set-cookie")]
    return f"Cookie: {b'; '.join(cookies).decode()}\r\n"


async def main() -> int:
    from tests.support.installation import database_server

    from limner_api.all_tables import metadata
    from limner_api.identity.bootstrap import ensure_admin
    from limner_common.db import Database

    async with database_server(["api"]) as server:
        url = await server.clone()
        database = Database(url, metadata)
        await ensure_admin(database, "admin", "Golden-admin-1", "admin@example.com")
        await database.close()
        started = {"bare": _start(_bare, url), "ours": _start(_ours, url)}
        await asyncio.sleep(6)
        ports = {name: port for name, (_, port) in started.items()}
        targets = {"bare": ("/self", ""), "ours": ("/api/users/self", await _login(ports["ours"]))}
        rates: dict[str, list[float]] = {"bare": [], "ours": []}
        costs: dict[str, list[float]] = {"bare": [], "ours": []}
        for round_number in range(ROUNDS + 1):
            for name, (path, header) in targets.items():
                pid = started[name][0].pid
                assert pid is not None
                before = _cpu_seconds(pid)
                times = await _load(ports[name], path, header, SECONDS)
                if round_number:  # the first warms up
                    costs[name].append((_cpu_seconds(pid) - before) / len(times) * 1e6)
                    rates[name].append(len(times) / SECONDS)
                    print(f"{name}: {rates[name][-1]:.0f}/s, {costs[name][-1]:.0f} µs of processor", flush=True)
        for process, _ in started.values():
            process.terminate()
    by_cpu = statistics.median(costs["ours"]) / statistics.median(costs["bare"])
    by_rate = max(rates["bare"]) / max(rates["ours"])
    print(f"ours costs {by_cpu:.2f} times the bare route in processor time, {by_rate:.2f} times in the best rounds")
    return 0


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    sys.exit(asyncio.run(main()))
