"""Small scopes made for tests."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from limner_exports.formats import (
    ExportContext,
    ExportFrame,
    ExportTrack,
    FrameMedia,
    ImportBatch,
    ReadOptions,
    Report,
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
from limner_model.annotations import LabeledData, Track
from limner_model.interpolation import sweep
from limner_model.labels import AttributeSpec, AttributeType, LabelSchema, LabelSpec

MOMENT = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
NAMES = ("a.jpg", "inner dir/b.2.png", "zażółć 車.jpeg", "frame.png")
SIZE = (200, 120)

CAR, BODY, HEAD, FOOT, SKY = 1, 2, 3, 4, 5
SCHEMA = LabelSchema(
    version=1,
    labels=[
        LabelSpec(
            id=CAR,
            name="car <&>",
            attributes=[
                AttributeSpec(id=11, name="doors", mutable=False, input_type=AttributeType.NUMBER, default_value="4"),
                AttributeSpec(id=12, name="parked", mutable=True, input_type=AttributeType.CHECKBOX, default_value="false"),
                AttributeSpec(id=13, name="note", mutable=True, input_type=AttributeType.TEXT),
            ],
        ),
        LabelSpec(
            id=BODY,
            name="body",
            type="skeleton",
            sublabels=[
                LabelSpec(id=HEAD, name="head", type="points", parent_id=BODY),
                LabelSpec(id=FOOT, name="foot", type="points", parent_id=BODY),
            ],
            svg=(
                '<line data-type="edge" data-node-from="1" data-node-to="2"></line>'
                f'<circle data-node-id="1" data-label-id="{HEAD}"></circle>'
                f'<circle data-node-id="2" data-label-id="{FOOT}"></circle>'
            ),
        ),
        LabelSpec(id=SKY, name="sky"),
    ],
)


def image_task(*, task_id: int = 1, subset: str = "", size: int = len(NAMES)) -> TaskInfo:
    return TaskInfo(
        id=task_id,
        name=f"task {task_id}",
        mode="annotation",
        size=size,
        created_at=MOMENT,
        updated_at=MOMENT,
        stop_frame=size - 1,
        subset=subset,
    )


def video_task(*, size: int = 20, start_frame: int = 5, step: int = 3) -> TaskInfo:
    return TaskInfo(
        id=1,
        name="video",
        mode="interpolation",
        size=size,
        created_at=MOMENT,
        updated_at=MOMENT,
        start_frame=start_frame,
        stop_frame=start_frame + (size - 1) * step,
        step=step,
        source_name="clip.mp4",
        width=SIZE[0],
        height=SIZE[1],
    )


def context_of(task: TaskInfo, *, save_images: bool = False, schema: LabelSchema = SCHEMA) -> ExportContext:
    return ExportContext(kind=ScopeKind.TASK, tasks=(task,), labels=schema, dumped_at=MOMENT, save_images=save_images)


def frames_of(
    task: TaskInfo, data: LabeledData, *, names: Sequence[str] = NAMES, with_media: bool = False
) -> Iterable[ExportFrame]:
    for found in sweep(data, SCHEMA, frames=range(task.size)):
        number = task.start_frame + found.frame * task.step
        name = f"frame_{number:06d}.PNG" if task.is_video else names[found.frame]
        yield ExportFrame(
            task_id=task.id,
            frame=found.frame,
            number=number,
            name=name,
            subset=task.subset or "default",
            width=SIZE[0],
            height=SIZE[1],
            annotations=found,
            media=FrameMedia(".png", lambda name=name: [b"picture of ", name.encode()]) if with_media else None,
        )


def targets_of(task: TaskInfo, *, names: Sequence[str] = NAMES) -> TargetFrames:
    return TargetFrames(
        [] if task.is_video else [TargetFrame(index, name, *SIZE) for index, name in enumerate(names[: task.size])],
        size=task.size,
        start_frame=task.start_frame,
        step=task.step,
        video_size=SIZE if task.is_video else None,
    )


def export(
    format_name: str, data: LabeledData, *, task: TaskInfo | None = None, with_media: bool = False
) -> tuple[bytes, Report]:
    """Archive of a document."""
    chosen = task or image_task()
    out = io.BytesIO()

    def tracks() -> Iterable[ExportTrack]:
        return [ExportTrack(task=chosen, subset="default", track=track, stop=chosen.size) for track in data.tracks]

    frames = frames_of(chosen, data, with_media=with_media)
    report = write_dataset(find_exporter(format_name), context_of(chosen), frames, tracks, out)
    return out.getvalue(), report


def import_bytes(
    format_name: str,
    archive: bytes,
    *,
    task: TaskInfo | None = None,
    name: str = "upload.zip",
    options: ReadOptions | None = None,
    schema: LabelSchema = SCHEMA,
) -> ImportBatch:
    """Everything that an archive holds for a task, in one batch."""
    chosen = task or image_task()
    found = ImportBatch()
    with TemporaryDirectory() as folder:
        path = Path(folder, "upload")
        path.write_bytes(archive)
        with SafeArchive(path, name=name) as opened:
            spec = find_importer(format_name)
            for batch in read_dataset(spec, opened, targets_of(chosen), schema, options):
                found.tags += batch.tags
                found.shapes += batch.shapes
                found.tracks += batch.tracks
                found.warnings += batch.warnings
    return found


def document(found: ImportBatch) -> LabeledData:
    return LabeledData(tags=found.tags, shapes=found.shapes, tracks=found.tracks)


def only_tracks(*tracks: Track) -> LabeledData:
    return LabeledData(tracks=list(tracks))
