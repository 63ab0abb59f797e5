"""Saving and loading rectangles with two attributes."""

import asyncio
from dataclasses import dataclass, field

import asyncpg

from bench import limits
from bench.data import LABELS, attributes_of, rectangles
from bench.harness import Bench
from bench.measures import Row, at_most, below, seconds_of, without_collector
from bench.memory import Usage

_FRAMES = 1000
_SIZES = ((1_000, 7), (10_000, 5), (100_000, 3))


@dataclass(slots=True)
class _Times:
    """Seconds of each step, by round."""

    create: list[float] = field(default_factory=list)
    replace: list[float] = field(default_factory=list)
    first_read: list[float] = field(default_factory=list)
    second_read: list[float] = field(default_factory=list)
    decode: list[float] = field(default_factory=list)
    copy: list[float] = field(default_factory=list)
    delete: list[float] = field(default_factory=list)
    select: list[float] = field(default_factory=list)


def run(bench: Bench) -> None:
    """Measure 1,000, 10,000 and 100,000 rectangles in one job."""
    client = bench.client
    task_id = client.new_data_task("boxes", LABELS, [bench.media.small_images(_FRAMES)])
    label_id, attribute_ids = attributes_of(client.get(f"/api/labels?task_id={task_id}")["results"], "car")
    job_id = client.first_job(task_id)
    for count, rounds in _SIZES:
        body = rectangles(count, label_id, attribute_ids, frames=_FRAMES)
        _measure(bench, job_id, body, count, rounds)
    client.remove_task(task_id)


def _measure(bench: Bench, job_id: int, body: bytes, count: int, rounds: int) -> None:
    times = _Times()
    path = f"/api/jobs/{job_id}/annotations"
    usages = {name: Usage() for name in ("create", "first_read", "second_read", "replace")}
    base = 0.0
    for number in range(rounds):
        bench.client.send("DELETE", path)
        bench.quiet()
        if number == 0:
            base = bench.memory.now()
        _round(bench, path, body, times, usages)
        with without_collector():
            asyncio.run(_limits(bench.database_url(), body, times))
    bench.client.send("DELETE", path)
    _report(bench, count, times, usages)
    if count == _SIZES[-1][0]:
        _report_memory(bench, base, usages)


def _round(bench: Bench, path: str, body: bytes, times: _Times, usages: dict[str, Usage]) -> None:
    send = bench.client.send
    steps = {
        "create": lambda: send("PATCH", f"{path}?action=create", body),
        "first_read": lambda: send("GET", path),
        "second_read": lambda: send("GET", path),
        "replace": lambda: send("PUT", path, body),
    }
    for name, step in steps.items():
        with bench.memory.usage() as usage:
            getattr(times, name).append(seconds_of(step))
        kept = usages[name]
        kept.before = max(kept.before, usage.before)
        kept.peak = max(kept.peak, usage.peak)


def _report(bench: Bench, count: int, times: _Times, usages: dict[str, Usage]) -> None:
    saving = [decode + copy for decode, copy in zip(times.decode, times.copy, strict=True)]
    replacing = [save + delete for save, delete in zip(saving, times.delete, strict=True)]
    rows = (
        ("create", "PATCH create", times.create, 3, "msgspec decode + COPY", saving),
        ("replace", "PUT", times.replace, 3, "the same + delete", replacing),
        ("first_read", "GET", times.first_read, 2, "SELECT + encode", times.select),
        ("second_read", "GET again", times.second_read, 2, "SELECT + encode", times.select),
    )
    for name, what, samples, factor, limit_name, limit_samples in rows:
        # Of small bodies the request itself is the larger part; they are shown, not held against an aim.
        aim = at_most(factor) if count == _SIZES[-1][0] else None
        row = Row(f"{what} {count:,} rectangles", "s", samples, aim, limit_name, limit_samples)
        bench.add(row, usages[name])


def _report_memory(bench: Bench, base: float, usages: dict[str, Usage]) -> None:
    peak = max(usage.peak for usage in usages.values()) - base
    bench.add(Row("100,000 rectangles: memory growth at most", "MiB", [peak], below(400)))
    bench.quiet()
    bench.add(Row("100,000 rectangles: memory not given back", "MiB", [max(0.0, bench.memory.now() - base)], below(100)))


async def _limits(url: str, body: bytes, times: _Times) -> None:
    connection = await asyncpg.connect(url)
    try:
        table = limits.ObjectTable(connection)
        await table.create()
        loop = asyncio.get_running_loop()
        started = loop.time()
        decoded = limits.decode_body(body)
        times.decode.append(loop.time() - started)
        rows = limits.object_rows(decoded)
        started = loop.time()
        await table.copy(rows)
        times.copy.append(loop.time() - started)
        started = loop.time()
        await table.read_document()
        times.select.append(loop.time() - started)
        started = loop.time()
        await table.delete()
        times.delete.append(loop.time() - started)
    finally:
        await connection.close()
