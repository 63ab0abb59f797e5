"""Exports of 5,000 images with 36,000 shapes, and the import of what COCO made of them."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg

from bench.client import Json
from bench.data import LABELS, mixed_shapes
from bench.format_limits import export_seconds, frames_of, import_seconds, label_schema
from bench.harness import Bench
from bench.limits import ObjectTable, PlainBody, decode_body, object_rows
from bench.measures import Row, at_most, below, without_collector
from bench.memory import Usage
from limner_exports.formats import ExportFrame

_IMAGES = 5_000
_SHAPES = 36_000
_TIMES_LARGER = 10
_FORMATS = ("COCO 1.0", "CVAT for images 1.1", "YOLO 1.1")
_ROUNDS = 3
#: The worker may grow by so much more for ten times as much: what the C library and Python round up to.
_FLAT_MIB = 10.0
_SMALL_IMAGE = (64, 48)
_SIZE = f"of {_IMAGES:,} images, {_SHAPES:,} shapes"


@dataclass(frozen=True, slots=True)
class _Scene:
    """The task, and what is in it."""

    task_id: int
    job_id: int
    labels: list[Json]
    body: PlainBody


def run(bench: Bench) -> None:
    """Measure three formats, the import, and memory at ten times the size."""
    scene = _make(bench, _IMAGES, 1)
    usages = {format_name: _export_rows(bench, scene, format_name) for format_name in _FORMATS}
    _import_row(bench, scene)
    bench.client.remove_task(scene.task_id)
    _large(bench, usages["COCO 1.0"].worker_grown)


def _make(bench: Bench, images: int, parts: int) -> _Scene:
    client = bench.client
    task_id = client.new_data_task("export", LABELS, [bench.media.small_images(images)])
    labels = client.get(f"/api/labels?task_id={task_id}")["results"]
    job_id = client.first_job(task_id)
    document = mixed_shapes(_SHAPES, labels, frames=_IMAGES)
    body = decode_body(document)
    for part in range(parts):
        if part:
            document = mixed_shapes(_SHAPES, labels, frames=_IMAGES, first=part * _IMAGES)
        client.send("PATCH", f"/api/jobs/{job_id}/annotations?action=create", document)
    return _Scene(task_id, job_id, labels, body)


def _export_rows(bench: Bench, scene: _Scene, format_name: str) -> Usage:
    seconds: list[float] = []
    notes: dict[str, list[float]] = {"select_seconds": [], "writer_seconds": []}
    frames = frames_of(scene.body, _IMAGES, _SMALL_IMAGE)
    with bench.memory.usage() as usage:
        for _ in range(_ROUNDS):
            _touch(bench, scene)
            bench.quiet()
            seconds.append(_export(bench, scene.task_id, format_name)[0])
            bench.quiet()
            with without_collector():
                limit = asyncio.run(_export_limit(bench, scene, format_name, frames))
            notes["select_seconds"].append(limit[0])
            notes["writer_seconds"].append(limit[1])
    plain = [select + write for select, write in zip(*notes.values(), strict=True)]
    what = f"{format_name} export"
    bench.add(Row(f"{what} {_SIZE}", "s", seconds, at_most(3), "SELECT + our writer from memory", plain, notes=notes), usage)
    _add_worker(bench, what, usage)
    return usage


def _add_worker(bench: Bench, what: str, usage: Usage) -> None:
    bench.add(Row(f"{what}: worker", "MiB", [usage.worker_peak], below(150)))
    bench.add(Row(f"{what}: growth of it", "MiB", [usage.worker_grown]))


def _export(bench: Bench, task_id: int, format_name: str) -> tuple[float, Json]:
    client = bench.client
    started = time.perf_counter()
    path = f"/api/tasks/{task_id}/dataset/export?format={quote(format_name)}&save_images=false"
    request = client.finish(client.send("POST", path).json()["rq_id"])
    return time.perf_counter() - started, request


def _touch(bench: Bench, scene: _Scene) -> None:
    """Write a revision, so that no earlier file fits."""
    path = f"/api/jobs/{scene.job_id}/annotations?action=create"
    label_id = scene.labels[0]["id"]
    shape = {"type": "rectangle", "frame": 0, "label_id": label_id, "points": [1.0, 1.0, 9.0, 9.0]}
    made = bench.client.send("PATCH", path, {"version": 0, "tags": [], "tracks": [], "shapes": [shape]}).json()
    bench.client.send("PATCH", path.replace("create", "delete"), made)


async def _export_limit(bench: Bench, scene: _Scene, format_name: str, frames: list[ExportFrame]) -> tuple[float, float]:
    connection = await asyncpg.connect(bench.database_url())
    try:
        table = ObjectTable(connection)
        await table.create()
        await table.copy(object_rows(scene.body))
        return await export_seconds(table, format_name, label_schema(scene.labels), frames)
    finally:
        await connection.close()


def _import_row(bench: Bench, scene: _Scene) -> None:
    _, request = _export(bench, scene.task_id, "COCO 1.0")
    seconds, plain = [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "coco.zip"
        file.write_bytes(bench.client.send("GET", request["result_url"].split(str(bench.client.port), 1)[1]).body)
        frames = frames_of(scene.body, _IMAGES, _SMALL_IMAGE)
        with bench.memory.usage() as usage:
            for _ in range(_ROUNDS):
                bench.quiet()
                seconds.append(_import(bench, scene.task_id, file))
                bench.quiet()
                with without_collector():
                    plain.append(sum(asyncio.run(_import_limit(bench, scene, frames, file))))
    what = "COCO 1.0 import"
    bench.add(Row(f"{what} {_SIZE}", "s", seconds, at_most(3), "our reader from memory + COPY", plain), usage)
    _add_worker(bench, what, usage)


def _import(bench: Bench, task_id: int, file: Path) -> float:
    client = bench.client
    started = time.perf_counter()
    answer = client.send_file(f"/api/tasks/{task_id}/annotations/?format={quote('COCO 1.0')}", "annotation_file", file)
    client.finish(answer.json()["rq_id"])
    return time.perf_counter() - started


async def _import_limit(bench: Bench, scene: _Scene, frames: list[ExportFrame], file: Path) -> tuple[float, float]:
    connection = await asyncpg.connect(bench.database_url())
    try:
        table = ObjectTable(connection)
        await table.create()
        return await import_seconds(table, "COCO 1.0", label_schema(scene.labels), frames, file)
    finally:
        await connection.close()


def _large(bench: Bench, small_growth: float) -> None:
    scene = _make(bench, _IMAGES * _TIMES_LARGER, _TIMES_LARGER)
    bench.quiet()
    with bench.memory.usage() as usage:
        seconds, _ = _export(bench, scene.task_id, "COCO 1.0")
    what = f"COCO 1.0 export, {_TIMES_LARGER}× as much"
    bench.add(Row(what, "s", [seconds]), usage)
    bench.add(Row(f"{what}: worker", "MiB", [usage.worker_peak], below(150)))
    limit_name = "growth for one time as much"
    aim = at_most(1, plus=_FLAT_MIB)
    bench.add(Row(f"{what}: growth of it", "MiB", [usage.worker_grown], aim, limit_name, [small_growth]))
    bench.client.remove_task(scene.task_id)
