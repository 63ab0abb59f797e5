"""Bare servers that requests are held against, each in a process of its own under the same server as the product.

    python -m bench.bare bytes SIZE
    python -m bench.bare round-trip DATABASE_URL
    python -m bench.bare task-list DATABASE_URL

The first line of the output is the port.
"""

import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_ROUND_TRIP = "SELECT id, username, first_name, last_name, email, groups, is_active FROM api.users WHERE id = $1"
_TASK_LIST = """
    SELECT t.*, p.name AS project_name, o.id AS owner, o.username AS owner_username, a.username AS assignee_username,
        count(*) OVER () AS total,
        (SELECT count(*) FROM api.jobs j WHERE j.task_id = t.id) AS job_count,
        (SELECT count(*) FROM api.jobs j WHERE j.task_id = t.id AND j.state = 'completed') AS completed_job_count
    FROM api.tasks t LEFT JOIN api.projects p ON p.id = t.project_id
        LEFT JOIN api.users o ON o.id = t.owner_id LEFT JOIN api.users a ON a.id = t.assignee_id
    ORDER BY t.id DESC LIMIT 100
"""


@contextlib.contextmanager
def bare_server(kind: str, argument: str) -> Iterator[int]:
    """Run a bare server while the block runs; yields its port."""
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "bench.bare", kind, argument]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def bytes_app(size: int) -> Any:
    """Return an application that answers the same bytes to everything."""
    body = bytes(size)
    headers = [(b"content-type", b"application/octet-stream"), (b"content-length", str(size).encode())]

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def round_trip_app(url: str) -> FastAPI:
    """Return an application whose one route reads one row."""
    app = FastAPI(lifespan=_pool_of(url))

    @app.get("/")
    async def read_row(request: Request) -> dict[str, Any]:
        row = await request.app.state.pool.fetchrow(_ROUND_TRIP, 1)
        return dict(row)

    return app


def task_list_app(url: str) -> FastAPI:
    """Return an application whose one route reads a page of tasks in one statement and encodes the rows."""
    app = FastAPI(lifespan=_pool_of(url))

    @app.get("/")
    async def read_page(request: Request) -> Response:
        rows = await request.app.state.pool.fetch(_TASK_LIST)
        body = msgspec.json.encode({"count": rows[0]["total"], "results": [dict(row) for row in rows]})
        return Response(body, media_type="application/json")

    return app


def _pool_of(url: str) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(url, min_size=10, max_size=10) as pool:
            app.state.pool = pool
            yield

    return lifespan


def main() -> None:
    """Serve until terminated."""
    kind, argument = sys.argv[1:]
    app = {"bytes": lambda: bytes_app(int(argument)), "round-trip": lambda: round_trip_app(argument)}.get(
        kind, lambda: task_list_app(argument)
    )()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        lifespan="off" if kind == "bytes" else "on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
