"""A page of the list of tasks."""

import asyncio

import asyncpg

from bench.bare import bare_server
from bench.data import LABELS
from bench.harness import Bench
from bench.measures import Row, above, at_most

_TASKS = 1000
_JOBS_PER_TASK = 3
_CLIENTS = 16
_SECONDS = 4.0
_ROUNDS = 3
_PAGE = "/api/tasks?page_size=100"


def run(bench: Bench) -> None:
    """Hold pages of 100 of 1,000 tasks against one statement and its rows encoded, in turns."""
    photo = bench.media.photos(1)
    task_id = bench.client.new_data_task("list", LABELS, photo)
    asyncio.run(_multiply(bench.database_url(), task_id))
    assert bench.client.get(_PAGE)["count"] >= _TASKS
    ours, limits, rates, tails = [], [], [], []
    with bare_server("task-list", bench.database_url()) as port, bench.memory.usage() as usage:
        for _ in range(_ROUNDS):
            bare = bench.load(["/"], clients=_CLIENTS, seconds=_SECONDS, port=port)
            load = bench.load([_PAGE], clients=_CLIENTS, seconds=_SECONDS)
            limits.append(1000 / bare.rate)
            ours.append(1000 / load.rate)
            rates.append(load.rate)
            tails.append(load.percentile(0.95))
    name = f"tasks, page of 100 of {_TASKS:,}, {_CLIENTS} clients"
    limit_name = "one SQL query and encoding its rows"
    row = Row(f"{name}: time per request", "ms", ours, at_most(4), limit_name, limits, notes={"p95_seconds": tails})
    bench.add(row, usage)
    bench.add(Row(f"{name}: requests", "1/s", rates, above(200)))
    bench.add(Row(f"{name}: p95 of latency", "s", tails))


async def _multiply(url: str, task_id: int) -> None:
    """Copy a task and its first job in the database: the list is measured, not the making of tasks."""
    connection = await asyncpg.connect(url)
    try:
        task_columns = await _columns(connection, "tasks")
        job_columns = await _columns(connection, "jobs")
        await connection.execute(
            f"INSERT INTO api.tasks ({task_columns}) SELECT {task_columns} FROM api.tasks, generate_series(2, $2) "
            "WHERE id = $1",
            task_id,
            _TASKS,
        )
        others = job_columns.replace('"task_id"', "t.id").replace('"', "")
        await connection.execute(
            f"INSERT INTO api.jobs ({job_columns}) SELECT {_qualified(others)} FROM api.jobs j, api.tasks t, "
            "generate_series(1, $2) WHERE j.task_id = $1 AND t.id > $1",
            task_id,
            _JOBS_PER_TASK,
        )
        await connection.execute("ANALYZE api.tasks, api.jobs")
    finally:
        await connection.close()


def _qualified(columns: str) -> str:
    return ", ".join(column if "." in column else f"j.{column}" for column in columns.split(", "))


async def _columns(connection: asyncpg.Connection, table: str) -> str:
    rows = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'api' AND table_name = $1 "
        "AND column_name <> 'id' AND is_generated = 'NEVER'",
        table,
    )
    return ", ".join(f'"{row[0]}"' for row in rows)
