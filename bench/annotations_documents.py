"""Measure large documents of the annotations service against what its parts cost alone.

    python -m bench.annotations_documents [objects]

Starts a throwaway PostgreSQL and the service in this process. Prints seconds, the ratio to the baseline, and how far the
memory of this process (client included) grew at most.
"""

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import msgspec
from tests.integration.annotations.workshop import Workshop, rectangle
from tests.support.installation import database_server, test_bench

from limner_annotations.revisions.copying import COLUMNS, copy_pieces
from limner_annotations.revisions.documents import ObjectRow
from limner_common.db.engine import connect_asyncpg
from limner_model.annotations import LabeledData

MEBIBYTE = 1024 * 1024


def body_of(count: int) -> bytes:
    """Return a document of rectangles with two attributes, 100 on a frame."""
    attributes = [{"spec_id": 5, "value": "red"}, {"spec_id": 6, "value": "acme"}]
    shapes = [
        rectangle(index // 100, index % 100 * 7.25, attributes=attributes, occluded=False, z_order=0, source="manual")
        for index in range(count)
    ]
    return msgspec.json.encode({"version": 0, "tags": [], "shapes": shapes, "tracks": []})


async def timed(work: Awaitable[Any]) -> tuple[float, Any]:
    """Return how long work took, in seconds, and its result."""
    started = time.perf_counter()
    result = await work
    return time.perf_counter() - started, result


def reset_peak() -> int:
    """Forget the peak of this process's memory; return what it uses now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(field: str) -> int:
    """Return a field of this process's memory, in bytes."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


async def baseline(workshop: Workshop, body: bytes, count: int) -> dict[str, float]:
    """Time the parts alone: decoding, COPY into the table, deleting, selecting and joining."""
    started = time.perf_counter()
    data = msgspec.json.decode(body, type=LabeledData)
    times = {"decode": time.perf_counter() - started}
    encode = msgspec.json.Encoder().encode
    rows = [ObjectRow(1, index, s.frame, s.frame, 1, 1, encode(s)) for index, s in enumerate(data.shapes)]  # type: ignore[arg-type]
    packed = b"".join([piece async for piece in copy_pieces(1, 1, rows)])
    connection = await connect_asyncpg(workshop.container.database.url)

    async def pieces() -> Any:
        for start in range(0, len(packed), 512 * 1024):
            yield packed[start : start + 512 * 1024]

    copy = connection.copy_to_table("objects", schema_name="annotations", columns=COLUMNS, source=pieces(), format="binary")
    times["copy"], _ = await timed(copy)
    query = "SELECT doc FROM annotations.objects WHERE job_id = 1 AND ended_rev IS NULL ORDER BY kind, frame, id"
    times["select"], found = await timed(connection.fetch(query))
    started = time.perf_counter()
    msgspec.json.encode([msgspec.Raw(row[0]) for row in found])
    times["select"] += time.perf_counter() - started
    started = time.perf_counter()
    encode(data)
    times["encode"] = time.perf_counter() - started
    times["delete"], _ = await timed(connection.execute("DELETE FROM annotations.objects WHERE job_id = 1"))
    await connection.close()
    return times


async def run(count: int) -> None:
    """Measure everything once, after a small warm-up."""
    with tempfile.TemporaryDirectory() as folder:
        async with database_server(["annotations"]) as server, test_bench(server, Path(folder), ["annotations"]) as bench:
            workshop = Workshop(bench)
            task = workshop.task(segments=[(0, count // 100)])
            body = body_of(count)
            print(f"{count} rectangles, body {len(body) / MEBIBYTE:.1f} MiB")
            await workshop.job(task, 0, "PUT", content=body_of(1000))
            for round_number in range(3):
                await measure(workshop, task, body, count, is_shown=round_number == 2)


async def measure(workshop: Workshop, task: Any, body: bytes, count: int, *, is_shown: bool) -> None:
    """Time the requests against the baseline and print both."""
    alone = await baseline(workshop, body, count)
    await workshop.job(task, 0, "DELETE")
    bases = {
        "PATCH create": alone["decode"] + alone["copy"],
        "PUT": alone["decode"] + alone["copy"] + alone["delete"],
        "GET cold": alone["select"] + alone["encode"],
        "GET cached": alone["select"] + alone["encode"],
        "DELETE": alone["delete"],
    }
    requests: dict[str, Any] = {
        "PATCH create": lambda: workshop.job(task, 0, "PATCH", "?action=create", content=body),
        "PUT": lambda: workshop.job(task, 0, "PUT", content=body),
        "GET cold": lambda: workshop.job(task, 0, "GET"),
        "GET cached": lambda: workshop.job(task, 0, "GET"),
        "DELETE": lambda: workshop.job(task, 0, "DELETE"),
    }
    if is_shown:
        print("alone: " + ", ".join(f"{name} {seconds:.3f} s" for name, seconds in alone.items()))
    for name, send in requests.items():
        before = reset_peak()
        seconds, answer = await timed(send())
        assert answer.status_code < 300, answer.text
        grown = (memory("VmHWM") - before) / MEBIBYTE
        if is_shown:
            print(f"{name:14}{seconds:7.3f} s  {seconds / bases[name]:5.2f} x baseline   peak +{grown:4.0f} MiB")
        del answer


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
