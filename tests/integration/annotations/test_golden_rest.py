"""Recorded exchanges about annotations, sent again in their order on one job."""

from typing import Any

import httpx
import msgspec

from limner_model.attributes import fill_defaults
from limner_model.facts import TaskFacts
from limner_model.labels import LabelSchema, LabelSpec
from tests.integration.annotations.workshop import Workshop
from tests.support.golden_rest import Record, problems, read_records
from tests.support.rest_differences import DIFFERENCES
from tests.unit.model.builders import comparable, golden_document, read_golden

TASK, JOB = 130, 163
#: The recorded task has the labels of another one, with ids further on.
LABEL_SHIFT, ATTRIBUTE_SHIFT = 451, 245


def shifted(label: dict[str, Any]) -> dict[str, Any]:
    return {
        **label,
        "id": label["id"] + LABEL_SHIFT,
        "attributes": [{**spec, "id": spec["id"] + ATTRIBUTE_SHIFT} for spec in label["attributes"]],
        "sublabels": [shifted(sublabel) for sublabel in label.get("sublabels", [])],
        "parent_id": None,
    }


def recorded_task(workshop: Workshop) -> TaskFacts:
    labels = [msgspec.convert(shifted(label), LabelSpec) for label in read_golden("objects/a_images/labels.json")]
    return workshop.task(TASK, segments=[(0, 2)], labels=labels, first_job=JOB)


async def test_annotations_answer_as_recorded(workshop: Workshop) -> None:
    task = recorded_task(workshop)
    schema = LabelSchema(version=0, labels=task.labels)
    ids: dict[int, int] = {}
    found: list[str] = []
    for record in read_records((218, 285)):
        answer = await send(workshop, task, record, ids)
        body = answer.json() if answer.content else None
        found += [f"{record.number} {record.name}: {problem}" for problem in compare(record, answer, body, schema)]
        if answer.status_code == 200 and record.status == 200:
            ids.update(new_ids(record.answer, body))
    assert not found, "\n".join(found)


async def send(workshop: Workshop, task: TaskFacts, record: Record, ids: dict[int, int]) -> httpx.Response:
    rest = record.path.partition("annotations")[2]
    target = workshop.on_task(task, record.method, rest, json=with_ids(record.body, ids))
    if f"/jobs/{JOB}/" in record.path:
        target.close()
        target = workshop.job(task, 0, record.method, rest, json=with_ids(record.body, ids))
    return await target


def compare(record: Record, answer: httpx.Response, body: Any, schema: LabelSchema) -> list[str]:
    difference = DIFFERENCES.get(record.name)
    plainly = compare_plainly(record, answer, body, schema)
    if difference is None:
        return plainly
    if not plainly:
        return [f"is as recorded, without the difference: {difference.reason}"]
    if difference.answer is ... and difference.status is not None:
        return [] if answer.status_code == difference.status else [f"status {answer.status_code}"]
    return problems(record, difference, answer.status_code, body, "")


def compare_plainly(record: Record, answer: httpx.Response, body: Any, schema: LabelSchema) -> list[str]:
    if (record.status, answer.status_code) != (200, 200):
        return problems(record, None, answer.status_code, body, "")
    if "delete" in record.path:
        return []
    wanted = comparable(fill_defaults(golden_document(record.answer), schema))
    ours = comparable(golden_document(body))
    return [] if wanted == ours else [f"{ours} instead of {wanted}"]


def with_ids(body: Any, ids: dict[int, int]) -> Any:
    """Put our ids for the recorded ones."""
    if isinstance(body, dict):
        return {name: ids.get(value, value) if name == "id" else with_ids(value, ids) for name, value in body.items()}
    return [with_ids(item, ids) for item in body] if isinstance(body, list) else body


def new_ids(recorded: Any, ours: Any) -> dict[int, int]:
    """Return which of our ids stand for the recorded ones, by position."""
    pairs = [
        (theirs["id"], mine["id"])
        for kind in ("tags", "shapes", "tracks")
        for theirs, mine in zip(recorded[kind], ours[kind], strict=False)
        if "id" in theirs and "id" in mine
    ]
    return dict(pairs)
