"""Measure exports and imports of one large task against what their parts cost alone.

    python bench/exports_datasets.py [frames [shapes per frame]]

Starts a throwaway PostgreSQL and the services exports, annotations and media in this process; the catalog is stubbed. Prints
seconds, the ratio to the baseline, and how far the memory of this process (all three services) grew at most. The baseline of
an export is the SELECT of the documents and the writer fed from memory; that of an import is the reader alone and the COPY.
"""

import asyncio
import io
import logging
import sys
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import structlog

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.integration.exports.depot import LABELS, Depot, box
from tests.support.installation import database_server, test_bench

from bench.annotations_documents import MEBIBYTE, memory, reset_peak, timed
from limner_annotations.revisions.copying import COLUMNS, copy_pieces
from limner_annotations.revisions.documents import ObjectRow
from limner_clients.annotations import ImportAuthor
from limner_common.db.engine import connect_asyncpg
from limner_exports.exporting.contexts import context_of
from limner_exports.exporting.orders import ExportOrder
from limner_exports.exporting.pinning import Pinning
from limner_exports.formats import (
    ExportFrame,
    SafeArchive,
    ScopeKind,
    TargetFrame,
    TargetFrames,
    find_exporter,
    find_importer,
    read_dataset,
    write_dataset,
)
from limner_model.annotations import LabeledData
from limner_model.facts import JobFacts
from limner_model.interpolation import sweep
from limner_model.labels import LabelSchema

NAMES = ["media", "annotations", "exports"]
FORMATS = ("COCO 1.0", "CVAT for images 1.1", "YOLO 1.1")
TASK = 7
SIZE = (64, 48)
#: Larger tasks are exported without pictures, to keep a run short.
_MOST_PICTURES = 10_000


def documents(frames: int, per_frame: float) -> Iterator[LabeledData]:
    """Yield boxes spread over the frames, 5,000 at a time."""
    count = int(frames * per_frame)
    for start in range(0, count, 5000):
        indices = range(start, min(start + 5000, count))
        yield LabeledData(shapes=[box(int(i / per_frame), float(i % 40), z_order=i % 3) for i in indices])


def name_of(frame: int) -> str:
    """Return the name of a picture."""
    return f"set_{frame // 1000:03d}/image_{frame:06d}.png"


def pictures(frames: int) -> bytes:
    """Return a zip of tiny pictures."""
    from PIL import Image

    one = io.BytesIO()
    Image.new("RGB", SIZE, "navy").save(one, "PNG")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for frame in range(frames):
            archive.writestr(name_of(frame), one.getvalue())
    return out.getvalue()


async def prepare(depot: Depot, frames: int, per_frame: float) -> None:
    """Make the task."""
    await depot.send_media(TASK, [("pictures.zip", pictures(frames))])
    job = JobFacts(id=TASK * 100, type="annotation", start_frame=0, stop_frame=frames - 1)
    depot.set_task(TASK, size=frames, mode="annotation", jobs=[job])

    async def parts() -> AsyncIterator[LabeledData]:
        for part in documents(frames, per_frame):
            yield part

    await depot.annotations.import_task(TASK, parts(), mode="replace", request_id="seed", author=ImportAuthor())


async def select_seconds(depot: Depot) -> float:
    """Time the SELECT of all documents."""
    connection = await connect_asyncpg(depot.container.database.url)
    query = "SELECT doc FROM annotations.objects WHERE ended_rev IS NULL ORDER BY kind, frame, id"
    seconds, _ = await timed(connection.fetch(query))
    await connection.close()
    return seconds


async def writer_seconds(depot: Depot, format_name: str, frames: int, per_frame: float) -> float:
    """Time the writer alone, its frames in memory."""
    order = ExportOrder(kind=ScopeKind.TASK, id=TASK, task_id=TASK, format=format_name, save_images=False)
    container = depot.container
    scope = await Pinning(container.catalog, container.media, container.annotations).pin(order)
    context = context_of(order, scope)
    data = LabeledData(shapes=[shape for part in documents(frames, per_frame) for shape in part.shapes])
    found = [
        ExportFrame(
            task_id=TASK,
            frame=seen.frame,
            number=seen.frame,
            name=name_of(seen.frame),
            subset="default",
            width=SIZE[0],
            height=SIZE[1],
            annotations=seen,
        )
        for seen in sweep(data, context.labels, frames=range(frames))
    ]
    del data
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        write_dataset(find_exporter(format_name), context, found, None, out)
    return time.perf_counter() - started


async def reader_seconds(depot: Depot, archive: bytes, frames: int, per_frame: float) -> float:
    """Time reading a COCO archive and the COPY of as many documents."""
    targets = TargetFrames([TargetFrame(frame, name_of(frame), *SIZE) for frame in range(frames)], size=frames)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.zip")
        path.write_bytes(archive)
        started = time.perf_counter()
        with SafeArchive(path) as opened:
            for _ in read_dataset(find_importer("COCO 1.0"), opened, targets, LabelSchema(version=0, labels=LABELS)):
                pass
        seconds = time.perf_counter() - started
    encode = msgspec.json.Encoder().encode
    shapes = (shape for part in documents(frames, per_frame) for shape in part.shapes)
    rows = [ObjectRow(1, index, s.frame, s.frame, 1, 1, encode(s)) for index, s in enumerate(shapes)]  # type: ignore[arg-type]
    packed = b"".join([piece async for piece in copy_pieces(999, 1, rows)])
    connection = await connect_asyncpg(depot.container.database.url)

    async def pieces() -> Any:
        for start in range(0, len(packed), 512 * 1024):
            yield packed[start : start + 512 * 1024]

    copy = connection.copy_to_table("objects", schema_name="annotations", columns=COLUMNS, source=pieces(), format="binary")
    copying, _ = await timed(copy)
    await connection.execute("DELETE FROM annotations.objects WHERE job_id = 999")
    await connection.close()
    return seconds + copying


def show(name: str, seconds: float, base: float, grown: float) -> None:
    """Print one line."""
    print(f"{name:34}{seconds:8.2f} s {seconds / base:6.2f} x baseline ({base:.2f} s)   peak +{grown:4.0f} MiB", flush=True)


async def measure(depot: Depot, frames: int, per_frame: float) -> None:
    """Time exports and one import."""
    selecting = await select_seconds(depot)
    archive = b""
    for name in FORMATS:
        grown, seconds, answer = await peak(depot.export("task", TASK, name))
        base = selecting + await writer_seconds(depot, name, frames, per_frame)
        show(f"export {name}", seconds, base, grown)
        if name == "COCO 1.0":
            archive = answer.content
    if frames <= _MOST_PICTURES:
        grown, seconds, _ = await peak(depot.export("task", TASK, "COCO 1.0", save_images=True))
        each = seconds / frames * 1e3
        print(f"{'export COCO 1.0 with pictures':34}{seconds:8.2f} s {each:6.2f} ms a picture   peak +{grown:4.0f} MiB")
    grown, seconds, item = await peak(depot.import_file("task", TASK, "COCO 1.0", archive))
    assert item.state == "done", item.message
    show("import COCO 1.0", seconds, await reader_seconds(depot, archive, frames, per_frame), grown)


async def peak(work: Any) -> tuple[float, float, Any]:
    """Return how far memory grew at most (MiB), seconds, and the result."""
    before = reset_peak()
    seconds, result = await timed(work)
    return (memory("VmHWM") - before) / MEBIBYTE, seconds, result


async def run(frames: int, per_frame: float) -> None:
    """Measure once, after a small warm-up."""
    logging.disable(logging.INFO)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder:
        async with database_server(NAMES) as server:
            for count in (50, frames):
                async with test_bench(server, Path(folder, str(count)), NAMES) as bench:
                    depot = Depot(bench, Path(folder, str(count)))
                    await prepare(depot, count, per_frame)
                    print(f"{count} pictures, {int(count * per_frame)} shapes", flush=True)
                    await measure(depot, count, per_frame)


if __name__ == "__main__":
    numbers = [float(text) for text in sys.argv[1:]]
    asyncio.run(run(int(numbers[0]) if numbers else 5000, numbers[1] if len(numbers) > 1 else 7.2))
