"""The recorded source objects as the stream a writer gets."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from limner_exports.formats import (
    ExportContext,
    ExportFrame,
    ExportTrack,
    FrameMedia,
    JobInfo,
    Person,
    ProjectInfo,
    Report,
    ScopeKind,
    SegmentInfo,
    TargetFrame,
    TargetFrames,
    TaskInfo,
    find_exporter,
    project_layout,
    write_dataset,
)
from limner_model.annotations import LabeledData
from limner_model.interpolation import sweep
from limner_model.keyframes import normalise_track
from limner_model.labels import LabelSchema, LabelSpec
from limner_model.numbering import parse_frame_step

GOLDEN = Path(__file__).parents[2] / "golden"
OBJECTS = GOLDEN / "objects"
FORMATS = GOLDEN / "formats"
HOST = "http://localhost:8080"


@dataclass
class GoldenTask:
    """One recorded task: what the API said about it, and its annotations."""

    info: TaskInfo
    labels: LabelSchema
    data: LabeledData
    names: list[str]
    sizes: list[tuple[int, int]]


@dataclass
class GoldenObject:
    """A scope with its tasks in export order."""

    context: ExportContext
    tasks: list[GoldenTask]

    def frames(self, *, with_media: bool = False) -> Iterator[ExportFrame]:
        """Frames as the service feeds them, deleted ones left out."""
        places = project_layout(self.context.tasks)
        for task in self.tasks:
            place = places[task.info.id]
            job = self.context.job
            wanted = range(task.info.size) if job is None else range(job.start, job.stop + 1)
            swept = sweep(task.data, task.labels, frames=wanted, deleted_frames=task.info.deleted_frames)
            for found in swept:
                number = task.info.start_frame + found.frame * task.info.step + place.offset
                name = task.names[found.frame]
                yield ExportFrame(
                    task_id=task.info.id,
                    frame=found.frame,
                    number=number,
                    name=place.frame_name(name),
                    subset=place.subset,
                    width=task.sizes[found.frame][0],
                    height=task.sizes[found.frame][1],
                    annotations=found,
                    media=FrameMedia(".jpg", lambda name=name: [name.encode()]) if with_media else None,
                )

    def tracks(self) -> Iterator[ExportTrack]:
        """Tracks as the service feeds them."""
        places = project_layout(self.context.tasks)
        for task in self.tasks:
            stop = task.info.size if self.context.job is None else self.context.job.stop + 1
            for track in task.data.tracks:
                place = places[task.info.id]
                yield ExportTrack(task=task.info, subset=place.subset, track=track, stop=stop, offset=place.offset)

    def export(self, format_name: str, *, with_media: bool = False) -> tuple[dict[str, bytes], Report]:
        """Members of the archive that our writer makes."""
        out = io.BytesIO()
        spec = find_exporter(format_name)
        report = write_dataset(spec, self.context, self.frames(with_media=with_media), self.tracks, out)
        return members(out.getvalue()), report

    def targets(self) -> TargetFrames:
        """Frames of the one task, as the target of an import."""
        task = self.tasks[0]
        job = self.context.job
        return TargetFrames(
            []
            if task.info.is_video
            else [
                TargetFrame(index, name, *size)
                for index, (name, size) in enumerate(zip(task.names, task.sizes, strict=True))
            ],
            size=task.info.size,
            start_frame=task.info.start_frame,
            step=task.info.step,
            video_size=task.sizes[0] if task.info.is_video else None,
            included=None if job is None else range(job.start, job.stop + 1),
        )


def members(archive: bytes) -> dict[str, bytes]:
    """Files of an archive by name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {info.filename: opened.read(info) for info in opened.infolist() if not info.is_dir()}


def golden_archive(folder: str, key: str) -> dict[str, bytes]:
    """Files of a recorded archive by name."""
    return members((FORMATS / folder / f"{key}.zip").read_bytes())


@cache
def golden_object(key: str) -> GoldenObject:
    """Load a recorded object; ``KEY-job-1`` is its second job."""
    if (OBJECTS / key / "project.json").exists():
        return _project(key)
    plain, _, job = key.partition("-job-")
    task = _task(OBJECTS / plain, "annotations.json" if not job else f"job-{job}-annotations.json")
    info = None
    if job:
        document = _load(OBJECTS / plain / "jobs.json")[int(job)]
        info = JobInfo(
            id=document["id"],
            start=document["start_frame"],
            stop=document["stop_frame"],
            updated_at=_date(document["updated_date"]),
        )
    context = ExportContext(
        kind=ScopeKind.JOB if job else ScopeKind.TASK,
        tasks=(task.info,),
        labels=task.labels,
        dumped_at=datetime(2026, 1, 1, tzinfo=UTC),
        job=info,
        host=HOST,
    )
    return GoldenObject(context, [task])


def _project(key: str) -> GoldenObject:
    document = _load(OBJECTS / key / "project.json")
    tasks = [_task(path, "annotations.json") for path in sorted((OBJECTS / key).glob("task-*"))]
    tasks.sort(key=lambda task: (task.info.subset, task.info.id))
    project = ProjectInfo(
        id=document["id"],
        name=document["name"],
        created_at=_date(document["created_date"]),
        updated_at=_date(document["updated_date"]),
        bug_tracker=document["bug_tracker"],
        owner=_person(document["owner"]),
    )
    context = ExportContext(
        kind=ScopeKind.PROJECT,
        tasks=tuple(task.info for task in tasks),
        labels=label_schema(_load(OBJECTS / key / "labels.json")),
        dumped_at=datetime(2026, 1, 1, tzinfo=UTC),
        project=project,
        host=HOST,
    )
    return GoldenObject(context, tasks)


def _task(folder: Path, annotations: str) -> GoldenTask:
    document, meta, jobs = (_load(folder / f"{name}.json") for name in ("task", "meta", "jobs"))
    step = parse_frame_step(meta["frame_filter"])
    size, frames = meta["size"], meta["frames"]
    is_video = document["mode"] == "interpolation"
    first = frames[0]
    info = TaskInfo(
        id=document["id"],
        name=document["name"],
        mode=document["mode"],
        size=size,
        created_at=_date(document["created_date"]),
        updated_at=_date(document["updated_date"]),
        start_frame=meta["start_frame"],
        stop_frame=meta["stop_frame"],
        step=step,
        overlap=document["overlap"],
        subset=document["subset"],
        bug_tracker=document["bug_tracker"],
        owner=_person(document["owner"]),
        segments=tuple(SegmentInfo(job["id"], job["start_frame"], job["stop_frame"]) for job in jobs),
        source_name=first["name"] if is_video else "",
        width=first["width"] if is_video else 0,
        height=first["height"] if is_video else 0,
        deleted_frames=frozenset(meta["deleted_frames"]),
    )
    data = msgspec.convert(_load(folder / annotations), LabeledData, strict=False)
    for track in data.tracks:
        normalise_track(track)
    names = [frame["name"] for frame in frames]
    if is_video:
        names = [f"frame_{info.start_frame + index * step:06d}.PNG" for index in range(size)]
        frames = frames * size
    sizes = [(frame["width"], frame["height"]) for frame in frames]
    return GoldenTask(info, label_schema(_load(folder / "labels.json")), data, names, sizes)


def label_schema(labels: list[dict[str, Any]]) -> LabelSchema:
    """Labels as the API shows them; it sorts attributes by name, ids give their real order."""
    return LabelSchema(version=1, labels=[msgspec.convert(label, LabelSpec, strict=False) for label in labels])


def _load(path: Path) -> Any:
    return json.loads(path.read_text())


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _person(document: dict[str, Any] | None) -> Person | None:
    return None if document is None else Person(document["username"], f"{document['username']}@example.com")
