"""Our writers and readers alone: from memory, with nothing but a SELECT before or a COPY after them."""

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bench.limits import ObjectTable, PlainBody
from limner_exports.formats import (
    ExportContext,
    ExportFrame,
    SafeArchive,
    ScopeKind,
    TargetFrame,
    TargetFrames,
    TaskInfo,
    find_exporter,
    find_importer,
    read_dataset,
    write_dataset,
)
from limner_model.annotations import AttributeValue, ShapeType
from limner_model.frames import FrameAnnotations, FrameShape
from limner_model.labels import LabelSchema, LabelSpec

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def label_schema(labels: Sequence[dict[str, Any]]) -> LabelSchema:
    """Return the results of ``GET /api/labels`` as the formats take them."""
    return LabelSchema(version=1, labels=[msgspec.convert(label, LabelSpec, strict=False) for label in labels])


def frames_of(body: PlainBody, count: int, size: tuple[int, int]) -> list[ExportFrame]:
    """Return all frames with their shapes, in memory."""
    shapes: list[list[FrameShape]] = [[] for _ in range(count)]
    for number, shape in enumerate(body.shapes, 1):
        shapes[shape.frame].append(
            FrameShape(
                type=ShapeType(shape.type),
                label_id=shape.label_id,
                points=shape.points,
                id=number,
                attributes=[AttributeValue(spec_id=value["spec_id"], value=value["value"]) for value in shape.attributes],
            )
        )
    return [
        ExportFrame(
            task_id=1,
            frame=frame,
            number=frame,
            name=f"image_{frame:06d}.jpg",
            subset="default",
            width=size[0],
            height=size[1],
            annotations=FrameAnnotations(frame=frame, shapes=found),
        )
        for frame, found in enumerate(shapes)
    ]


async def export_seconds(
    table: ObjectTable, format_name: str, labels: LabelSchema, frames: Sequence[ExportFrame]
) -> tuple[float, float]:
    """Select the rows of the objects, then write frames that are in memory; returns the seconds of both."""
    started = time.perf_counter()
    await table.read_rows()
    selected = time.perf_counter() - started
    task = TaskInfo(
        id=1,
        name="bench",
        mode="annotation",
        size=len(frames),
        created_at=_NOW,
        updated_at=_NOW,
        stop_frame=len(frames) - 1,
    )
    context = ExportContext(kind=ScopeKind.TASK, tasks=(task,), labels=labels, dumped_at=_NOW, host="http://localhost")
    started = time.perf_counter()
    with tempfile.TemporaryFile() as file:
        write_dataset(find_exporter(format_name), context, frames, None, file)
    return selected, time.perf_counter() - started


async def import_seconds(
    table: ObjectTable, format_name: str, labels: LabelSchema, frames: Sequence[ExportFrame], path: Path
) -> tuple[float, float]:
    """Read an archive into objects in memory, then COPY their rows; returns the seconds of both."""
    targets = [TargetFrame(frame.frame, frame.name, frame.width, frame.height) for frame in frames]
    started = time.perf_counter()
    shapes = []
    with SafeArchive(path) as archive:
        target_frames = TargetFrames(targets, size=len(targets))
        for batch in read_dataset(find_importer(format_name), archive, target_frames, labels):
            shapes += batch.shapes
    read = time.perf_counter() - started
    encode = msgspec.json.Encoder().encode
    rows = [(1, n, 1, 1, shape.frame, shape.frame, shape.label_id, 1, encode(shape)) for n, shape in enumerate(shapes, 1)]
    started = time.perf_counter()
    await table.copy(rows)
    return read, time.perf_counter() - started
