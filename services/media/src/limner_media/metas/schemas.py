"""Bodies of the data/meta routes."""

from typing import Any

from limner_common.clock import wire_date
from limner_common.errors import Invalid
from limner_media.datas.values import FrameLine, TaskData

_PLACEHOLDER_NAME = "placeholder.jpg"


def task_meta(data: TaskData) -> dict[str, Any]:
    """Return everything but the frames of a task's meta."""
    return {
        "chunks_updated_date": wire_date(data.chunks_updated_at),
        "chunk_size": data.chunk_size,
        "size": data.size,
        "image_quality": data.image_quality,
        "start_frame": data.start_frame,
        "stop_frame": data.stop_frame,
        "frame_filter": data.frame_filter,
        "deleted_frames": list(data.deleted_frames),
        "included_frames": None,
        "chapters": None if data.video is None else [_chapter(mark) for mark in data.chapters],
        "storage": data.storage,
        "cloud_storage_id": None,
    }


def job_meta(data: TaskData, start: int, stop: int, picked: list[int] | None) -> dict[str, Any]:
    """Return everything but the frames of a job's meta.

    Args:
        data: The task's data.
        start: First frame of the job, task-relative.
        stop: Last one.
        picked: Its frames when they are hand-picked.
    """
    own = range(start, stop + 1) if picked is None else frozenset(picked)
    return {
        **task_meta(data),
        "size": len(own),
        "start_frame": data.source_frame(start),
        "stop_frame": data.source_frame(stop),
        "deleted_frames": [number for number in data.deleted_frames if number in own],
        "included_frames": None if picked is None else [data.source_frame(number) for number in picked],
    }


def frame_meta(line: FrameLine, *, is_placeholder: bool = False) -> dict[str, Any]:
    """Return one entry of ``frames``."""
    related_count = 0 if is_placeholder else line.related_count
    return {
        "name": _PLACEHOLDER_NAME if is_placeholder else line.name,
        "width": line.width,
        "height": line.height,
        "related_files": related_count,
        "has_related_context": related_count > 0,
    }


def read_deleted_frames(body: Any, size: int) -> list[int] | None:
    """Return the frames a PATCH wants deleted, ascending and each once; None when it says nothing of them.

    Raises:
        Invalid: It is no list of frames of the task.
    """
    if body is None:
        return None
    if not isinstance(body, dict):
        raise Invalid(fields={"non_field_errors": ["Invalid data. Expected a dictionary."]})
    if body.get("cloud_storage_id") is not None:
        raise Invalid(fields={"cloud_storage_id": ["The data of this task are not in a cloud storage."]})
    numbers = body.get("deleted_frames")
    if numbers is None:
        return None
    if not isinstance(numbers, list):
        raise Invalid(fields={"deleted_frames": ["Expected a list of items."]})
    if wrong := {str(i): ["A valid integer is required."] for i, n in enumerate(numbers) if type(n) is not int}:
        raise Invalid(fields={"deleted_frames": wrong})
    if unknown := sorted({number for number in numbers if not 0 <= number < size}):
        listed = ", ".join(map(str, unknown[:5])) + (" …" if len(unknown) > 5 else "")
        raise Invalid(fields={"deleted_frames": [f"The task has the frames 0 to {size - 1}, not {listed}."]})
    return sorted(set(numbers))


def _chapter(mark: Any) -> dict[str, Any]:
    return {"id": mark.id, "start": mark.start, "stop": mark.stop, "metadata": {"title": mark.title}}
