"""People at work on a cluster: ``python -m bench.annotators --people 50 200``.

Starts real engines and the product as separate processes behind one address, all on this machine, and lets simulated people
open jobs, read chunks and save every few seconds. It prints rates, latencies and errors of what they did, and the processor
time and memory of each service; what they saved is read back and compared at the end.
"""

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvloop
from tests.support.cluster import Cluster
from tests.support.product import ADMIN

from bench.client import Client
from bench.cluster import memory_mib, process_groups, processor_seconds, running_cluster
from bench.data import LABELS, Media
from bench.memory import MEBIBYTE
from bench.report import RESULTS

_PHOTOS_PER_TASK = 40
_PHOTOS_PER_JOB = 8
_PHOTOS_PER_CHUNK = 4
_SHAPES_PER_SAVE = 5
#: Of a job before the next one is opened.
_SAVES_PER_JOB = 6
_THINKING_SECONDS = (2.0, 4.0)
_RAMP_SECONDS = 10.0
_REQUEST_SECONDS = 60.0


@dataclass
class Found:
    """What people met while the clock ran.

    Attributes:
        seconds: Of each answer, by what was done.
        errors: What went wrong instead, with how often.
        body_bytes: Of all answers.
        is_counting: Whether the people have all come and none has been asked to leave.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    body_bytes: int = 0
    is_counting: bool = False


@dataclass
class Person:
    """Somebody with jobs of their own.

    Attributes:
        client: A connection of their own.
        jobs: Their jobs, each with the label to mark with, in the order in which they go through them again and again.
        found: Where they write down what they met.
        saved: Ids of shapes that were accepted, by job.
    """

    client: httpx.AsyncClient
    jobs: Sequence[tuple[int, int]]
    found: Found
    saved: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    async def work(self, stop: asyncio.Event) -> None:
        """Open one job after the other, look at it and save, until told to stop."""
        turn = 0
        while not stop.is_set():
            job_id, label_id = self.jobs[turn % len(self.jobs)]
            turn += 1
            frames = await self._open(job_id)
            if frames is None:
                await self._think(stop)
                continue
            for _ in range(_SAVES_PER_JOB):
                await self._think(stop)
                if stop.is_set():
                    return
                await self._save(job_id, label_id, random.choice(frames))

    async def check(self) -> tuple[int, int]:
        """Return how many accepted shapes are stored, and how many are not."""
        there = missing = 0
        for job_id, ids in self.saved.items():
            answer = await self.client.get(f"/api/jobs/{job_id}/annotations")
            stored = {shape["id"] for shape in answer.raise_for_status().json()["shapes"]}
            there += len(ids & stored)
            missing += len(ids - stored)
        return there, missing

    async def _open(self, job_id: int) -> range | None:
        job = await self._ask("open: job", "GET", f"/api/jobs/{job_id}")
        if job is None:
            return None
        await self._ask("open: labels", "GET", f"/api/labels?job_id={job_id}&page_size=500")
        await self._ask("open: frames' facts", "GET", f"/api/jobs/{job_id}/data/meta")
        await self._ask("open: annotations", "GET", f"/api/jobs/{job_id}/annotations")
        facts = job.json()
        for number in range(_PHOTOS_PER_JOB // _PHOTOS_PER_CHUNK):
            path = f"/api/jobs/{job_id}/data?type=chunk&quality=compressed&index={number}"
            await self._ask("read a chunk", "GET", path)
        return range(facts["start_frame"], facts["stop_frame"] + 1)

    async def _save(self, job_id: int, label_id: int, frame: int) -> None:
        shapes = [
            {"type": "rectangle", "frame": frame, "label_id": label_id, "points": _box(), "attributes": []}
            for _ in range(_SHAPES_PER_SAVE)
        ]
        body = {"version": 0, "tags": [], "tracks": [], "shapes": shapes}
        answer = await self._ask("save", "PATCH", f"/api/jobs/{job_id}/annotations?action=create", body)
        if answer is not None:
            self.saved[job_id] |= {shape["id"] for shape in answer.json()["shapes"]}

    async def _ask(self, what: str, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response | None:
        started = time.perf_counter()
        try:
            answer = await self.client.request(method, path, json=body)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            self.found.errors[f"{what}: {str(error) or type(error).__name__}"[:160]] += 1
            return None
        if self.found.is_counting:
            self.found.seconds[what].append(time.perf_counter() - started)
            self.found.body_bytes += len(answer.content)
        return answer

    async def _think(self, stop: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), random.uniform(*_THINKING_SECONDS))


@dataclass(frozen=True)
class Cost:
    """What a group of processes took while people worked.

    Attributes:
        processes: How many.
        cores: Processor seconds per second.
        memory_mib: Held for themselves at the end, all together.
    """

    processes: int
    cores: float
    memory_mib: float


def main() -> int:
    """Run the load; returns 1 when anything failed or is missing."""
    parser = argparse.ArgumentParser(prog="bench.annotators", description="Let simulated people work on a cluster.")
    parser.add_argument("--people", nargs="+", type=int, default=[50, 200], help="how many, one run each (default: 50 200)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each run (default: 60)")
    parser.add_argument("--replicas", type=int, default=1, help="processes of each service and its workers (default: 1)")
    arguments = parser.parse_args()
    with running_cluster(replicas=arguments.replicas) as cluster:
        jobs = _make_jobs(cluster, max(arguments.people))
        documents = [uvloop.run(_run(cluster, jobs, people, arguments.seconds)) for people in arguments.people]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "annotators.json").write_text(json.dumps(documents, indent=1) + "\n")
    return 1 if any(document["errors"] or document["missing"] for document in documents) else 0


def _make_jobs(cluster: Cluster, people: int) -> list[tuple[int, int]]:
    """Make two jobs for each person, of photos; returns ids of jobs and of the label in their task."""
    client = Client(cluster.url, *ADMIN)
    photos = Media().photos(_PHOTOS_PER_TASK)
    jobs: list[tuple[int, int]] = []
    while len(jobs) < 2 * people:
        task_id = client.new_task(f"photos {len(jobs)}", LABELS, segment_size=_PHOTOS_PER_JOB)
        client.upload(task_id, photos)
        client.finish(client.start_data(task_id, chunk_size=_PHOTOS_PER_CHUNK))
        label_id = client.get(f"/api/labels?task_id={task_id}")["results"][0]["id"]
        found = client.get(f"/api/jobs?task_id={task_id}&page_size=100&sort=id")["results"]
        jobs += [(job["id"], label_id) for job in found]
    client.close()
    return jobs


async def _run(cluster: Cluster, jobs: Sequence[tuple[int, int]], people: int, seconds: float) -> dict[str, Any]:
    found, stop = Found(), asyncio.Event()
    async with _people(cluster.url, jobs, people, found) as crowd:
        running = []
        for person in crowd:
            running.append(asyncio.create_task(person.work(stop)))
            await asyncio.sleep(_RAMP_SECONDS / people)
        before, started, found.is_counting = _processor_seconds(cluster), time.monotonic(), True
        await asyncio.sleep(seconds)
        passed, found.is_counting = time.monotonic() - started, False
        costs = _costs(cluster, before, passed)
        stop.set()
        await asyncio.gather(*running)
        counts = [await person.check() for person in crowd]
    stored, missing = sum(there for there, _ in counts), sum(gone for _, gone in counts)
    _print(people, passed, found, costs, stored, missing)
    return {
        "people": people,
        "seconds": passed,
        "latencies": {
            what: _latencies(taken) | {"per_second": len(taken) / passed} for what, taken in found.seconds.items()
        },
        "errors": dict(found.errors),
        "costs": {name: vars(cost) for name, cost in costs.items()},
        "stored": stored,
        "missing": missing,
    }


@contextlib.asynccontextmanager
async def _people(url: str, jobs: Sequence[tuple[int, int]], people: int, found: Found) -> AsyncIterator[list[Person]]:
    async with contextlib.AsyncExitStack() as stack:
        token = await _token(url)
        crowd = []
        for number in range(people):
            client = httpx.AsyncClient(
                base_url=url,
                headers={"Authorization": f"Token {token}"},
                timeout=_REQUEST_SECONDS,
                # Servers close what is idle for longer; asking on such a connection would look like a failure.
                limits=httpx.Limits(max_connections=2, keepalive_expiry=2.0),
            )
            await stack.enter_async_context(client)
            crowd.append(Person(client, jobs[2 * number : 2 * number + 2], found))
        yield crowd


async def _token(url: str) -> str:
    async with httpx.AsyncClient(base_url=url, timeout=_REQUEST_SECONDS) as client:
        answer = await client.post("/api/auth/login", json={"username": ADMIN[0], "password": ADMIN[1]})
        token: str = answer.raise_for_status().json()["key"]
        return token


def _box() -> list[float]:
    x, y = random.uniform(0, 1000), random.uniform(0, 800)
    return [round(x, 2), round(y, 2), round(x + random.uniform(10, 200), 2), round(y + random.uniform(10, 150), 2)]


def _processor_seconds(cluster: Cluster) -> dict[str, float]:
    return {name: sum(map(processor_seconds, processes)) for name, processes in process_groups(cluster).items()}


def _costs(cluster: Cluster, before: dict[str, float], seconds: float) -> dict[str, Cost]:
    after = _processor_seconds(cluster)
    costs = {}
    for name, processes in process_groups(cluster).items():
        memory = sum(map(memory_mib, processes))
        costs[name] = Cost(len(processes), max(0.0, after[name] - before.get(name, 0.0)) / seconds, memory)
    return costs


def _latencies(taken: Sequence[float]) -> dict[str, float]:
    if len(taken) < 2:
        return {"p50": taken[0], "p95": taken[0], "p99": taken[0]}
    parts = statistics.quantiles(taken, n=100)
    return {"p50": parts[49], "p95": parts[94], "p99": parts[98]}


def _print(people: int, seconds: float, found: Found, costs: dict[str, Cost], stored: int, missing: int) -> None:
    print(f"\n{people} people, {seconds:.0f} s, {found.body_bytes / seconds / MEBIBYTE:.1f} MiB/s to them")
    print(f"  {'what':<22}{'per s':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}")
    for what, taken in sorted(found.seconds.items()):
        values = _latencies(taken)
        texts = "".join(f"{1000 * values[name]:>9.0f}" for name in ("p50", "p95", "p99"))
        print(f"  {what:<22}{len(taken) / seconds:>8.1f}{texts}")
    print(f"  {'process':<22}{'count':>8}{'cores':>9}{'MiB':>9}")
    for name, cost in sorted(costs.items()):
        print(f"  {name:<22}{cost.processes:>8}{cost.cores:>9.2f}{cost.memory_mib:>9.0f}")
    print(f"  {stored} saved shapes read back, {missing} missing, {sum(found.errors.values())} errors", flush=True)
    for text, count in found.errors.most_common(10):
        print(f"    {count} × {text}")


if __name__ == "__main__":
    sys.exit(main())
