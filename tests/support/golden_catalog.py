"""The catalog as it was when the recorded exchanges began: rows with the recorded ids, straight into the tables."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from limner_common.db import UnitOfWork
from tests.support.golden_rest import Record

_FOLDER = Path(__file__).parents[1] / "golden" / "catalog"
#: How far the labels and attributes of the copied task lie behind those of the first.
_LABEL_SHIFT, _ATTRIBUTE_SHIFT = 451, 245


async def seed(uow: UnitOfWork, records: Mapping[str, Record]) -> None:
    """Insert what the records show at first: 37 tasks with their jobs and labels, one project."""
    project = records["project"].answer
    await uow.execute(sa.insert(uow.table("projects")), [_project(project)])
    tasks = records["tasks-list-page-size-all"].answer["results"]
    await uow.execute(sa.insert(uow.table("tasks")), [_task(task) for task in tasks])
    await uow.execute(sa.insert(uow.table("jobs")), _read("jobs.json"))
    await _insert_labels(uow, _read("labels.json"))
    for table in ("tasks", "labels", "label_attributes", "projects", "jobs"):
        await set_next_id(uow, table, 10_000)


async def seed_task(uow: UnitOfWork, task: Mapping[str, Any]) -> None:
    """Insert a task with data as an answer shows it."""
    await uow.execute(sa.insert(uow.table("tasks")), [_task(task)])


async def seed_job(uow: UnitOfWork, job: Mapping[str, Any]) -> None:
    """Insert a job as an answer shows it, and the task it is of."""
    task = {
        "id": job["task_id"],
        "name": "seeded",
        "owner_id": 1,
        "mode": job["mode"],
        "size": job["stop_frame"] + 1,
        "segment_size": job["stop_frame"] + 1,
        "overlap": 0,
        "chunk_size": job["data_chunk_size"],
        "compressed_chunk_type": job["data_compressed_chunk_type"],
        "original_chunk_type": "imageset",
        "image_quality": 70,
        "data_ready_at": datetime.now(UTC),
        "organization_id": job["organization"],
    }
    await uow.execute(sa.insert(uow.table("tasks")), [task])
    columns = ("id", "task_id", "start_frame", "stop_frame", "frame_count")
    await uow.execute(sa.insert(uow.table("jobs")), [{name: job[name] for name in columns}])


async def seed_copy_of_first_task(uow: UnitOfWork, task_id: int) -> None:
    """Insert a task with labels like those of the first, as a backup of it was restored."""
    await uow.execute(sa.insert(uow.table("tasks")), [{"id": task_id, "name": "copy", "owner_id": 1}])
    mine = [label for label in _read("labels.json") if label.get("task_id") == 1]
    await _insert_labels(uow, [{**_shifted(label), "task_id": task_id} for label in mine])


async def set_next_id(uow: UnitOfWork, table: str, next_id: int) -> None:
    """Let the next row of a table have this id."""
    name = sa.literal(f"{uow.table(table).schema}.{table}")
    await uow.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(name, "id"), next_id, False)))


def _shifted(label: dict[str, Any]) -> dict[str, Any]:
    return {
        **label,
        "id": label["id"] + _LABEL_SHIFT,
        "attributes": [{**spec, "id": spec["id"] + _ATTRIBUTE_SHIFT} for spec in label["attributes"]],
        "sublabels": [_shifted(sublabel) for sublabel in label.get("sublabels", ())],
    }


def _read(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((_FOLDER / name).read_text())
    return rows


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _project(project: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": project["id"],
        "name": project["name"],
        "owner_id": 1,
        "created_at": _date(project["created_date"]),
        "updated_at": _date(project["updated_date"]),
    }


def _task(task: Mapping[str, Any]) -> dict[str, Any]:
    same = ("id", "name", "project_id", "mode", "overlap", "segment_size", "size", "image_quality", "dimension", "subset")
    return {
        **{name: task[name] for name in same},
        "owner_id": 1,
        "chunk_size": task["data_chunk_size"],
        "compressed_chunk_type": task["data_compressed_chunk_type"],
        "original_chunk_type": task["data_original_chunk_type"],
        "data_ready_at": _date(task["created_date"]),
        "created_at": _date(task["created_date"]),
        "updated_at": _date(task["updated_date"]),
    }


async def _insert_labels(uow: UnitOfWork, labels: list[dict[str, Any]]) -> None:
    rows: list[dict[str, Any]] = []
    attributes: list[dict[str, Any]] = []
    for label in labels:
        parent = {"task_id": label.get("task_id"), "project_id": label.get("project_id")}
        for one, parent_id in [(label, None), *((sublabel, label["id"]) for sublabel in label["sublabels"])]:
            columns = {"id": one["id"], "name": one["name"], "color": one["color"], "type": one["type"] or "any"}
            rows.append({**columns, **parent, "parent_id": parent_id, "svg": one.get("svg", "")})
            attributes.extend(_attribute(spec, one["id"]) for spec in one["attributes"])
    await uow.execute(sa.insert(uow.table("labels")), rows)
    await uow.execute(sa.insert(uow.table("label_attributes")), attributes)


def _attribute(spec: Mapping[str, Any], label_id: int) -> dict[str, Any]:
    same = {name: spec[name] for name in ("id", "name", "input_type", "default_value", "values")}
    return {**same, "label_id": label_id, "is_mutable": spec["mutable"]}
