"""What becomes of annotations when their task moves to a project."""

from typing import Any

import msgspec
import pytest

from limner_annotations.revisions import reading
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from limner_model.facts import TaskFacts
from limner_model.labels import AttributeSpec, AttributeType, LabelSpec
from tests.integration.annotations.test_cleanup import deliver
from tests.integration.annotations.workshop import Workshop, rectangle, tag, track

THEIRS = [
    LabelSpec(
        id=31,
        name="car",
        attributes=[
            AttributeSpec(id=49, name="doors", mutable=False, input_type=AttributeType.TEXT, default_value="four"),
            AttributeSpec(id=45, name="color", mutable=True, input_type=AttributeType.TEXT, default_value="white"),
        ],
    ),
    LabelSpec(
        id=32,
        name="body",
        type="skeleton",
        sublabels=[
            LabelSpec(id=33, name="head", type="points", parent_id=32),
            LabelSpec(id=34, name="foot", type="points", parent_id=32),
        ],
    ),
    LabelSpec(id=37, name="scene", type="tag"),
]
LABEL_IDS = {1: 31, 2: 32, 3: 33, 4: 34, 7: 37}
ATTRIBUTE_IDS = {5: 45, 6: 0}
COLOR, BRAND = {"spec_id": 5, "value": "red"}, {"spec_id": 6, "value": "fast"}
SKELETON = {
    "type": "skeleton",
    "label_id": 2,
    "frame": 4,
    "elements": [
        {"type": "points", "label_id": 3, "frame": 4, "points": [1.5, 2.5]},
        {"type": "points", "label_id": 4, "frame": 4, "points": [3.5, 4.5], "outside": True},
    ],
}
SKELETON_TRACK = {
    "label_id": 2,
    "frame": 1,
    "shapes": [{"type": "skeleton", "frame": 1}],
    "elements": [
        {"label_id": label, "frame": 1, "shapes": [{"type": "points", "frame": 1, "points": [1.0, label]}]}
        for label in (3, 4)
    ],
}


def colored_track() -> dict[str, Any]:
    made = track((1, 0.0, False), (5, 7.0, False), (9, 7.0, True), attributes=[BRAND])
    made["shapes"][1]["attributes"] = [COLOR]
    return made


def document() -> dict[str, Any]:
    return {
        "tags": [tag(3)],
        "shapes": [rectangle(1, attributes=[COLOR, BRAND]), rectangle(2), SKELETON],
        "tracks": [colored_track(), SKELETON_TRACK],
    }


def moved(workshop: Workshop, task: TaskFacts) -> TaskFacts:
    """Put the task into a project, as the catalog answers from then on."""
    after = msgspec.structs.replace(task, labels=THEIRS, version="2.0", project_id=3)
    workshop.catalog.tasks[task.id] = after
    return after


async def tell(workshop: Workshop, task: TaskFacts, times: int = 1, labels: dict[int, int] = LABEL_IDS) -> None:
    event = TaskEvent(task_id=task.id, project_id=3)
    event.labels_mapped.label_ids.update(labels)
    event.labels_mapped.attribute_ids.update(ATTRIBUTE_IDS)
    event.labels_mapped.SetInParent()
    await deliver(workshop, event, times)


def with_their_labels(data: dict[str, Any]) -> dict[str, Any]:
    """Return what a document with ``document()``'s objects becomes, attributes aside."""
    items = [*data["tags"], *data["shapes"], *data["tracks"]]
    elements = [element for item in items for element in item.get("elements", [])]
    for labeled in [*items, *elements]:
        labeled["label_id"] = LABEL_IDS[labeled["label_id"]]
    return data


def without_attributes(data: dict[str, Any]) -> dict[str, Any]:
    for item in [*data["shapes"], *data["tracks"]]:
        item["attributes"] = []
        for shape in item.get("shapes", []):
            shape["attributes"] = []
    return data


async def test_all_kinds_of_objects_get_the_labels_of_the_project(workshop: Workshop) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json=document())
    before = await workshop.read(task)
    after = moved(workshop, task)
    await tell(workshop, after, times=2)
    answer = await workshop.job(after, 0, "GET")
    assert answer.headers["limner-revision"] == "2"
    data = answer.json()
    doors = {"spec_id": 49, "value": "four"}
    grey, red = {"spec_id": 45, "value": "grey"}, {"spec_id": 45, "value": "red"}
    assert [shape["attributes"] for shape in data["shapes"]] == [[doors, red], [doors, grey], []]
    cars = [item for item in data["tracks"] if item["label_id"] == 31]
    assert [car["attributes"] for car in cars] == [[doors]]
    assert [shape["attributes"] for shape in cars[0]["shapes"]] == [[grey], [red], [red]]
    assert without_attributes(data) == without_attributes(with_their_labels(before))
    (columns,) = await workshop.rows(
        "SELECT array_agg(DISTINCT label_id ORDER BY label_id) FROM annotations.objects WHERE ended_rev IS NULL"
    )
    assert columns[0] == [31, 32, 37]
    (state,) = await workshop.rows("SELECT label_ids, tags, shapes, tracks FROM annotations.job_states")
    assert tuple(state) == ([31, 32, 37], 1, 3, 2)
    (entry, _) = (await workshop.job(after, 0, "GET", "/revisions")).json()["results"]
    assert (entry["kind"], entry["user_id"], entry["created"], entry["updated"], entry["deleted"]) == (
        "labels",
        None,
        0,
        6,
        0,
    )


async def test_all_jobs_of_the_task_and_no_others(workshop: Workshop) -> None:
    task = workshop.task(segments=[(0, 9), (10, 19), (20, 29)])
    other = workshop.task(11, first_job=300)
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(1)]})
    await workshop.job(task, 1, "PUT", json={"shapes": [rectangle(12)]})
    await workshop.job(task, 2, "PUT", json={"shapes": [rectangle(22)]})
    await workshop.job(task, 2, "DELETE")
    await workshop.job(other, 0, "PUT", json={"shapes": [rectangle(1)]})
    after = moved(workshop, task)
    await tell(workshop, after)
    merged = (await workshop.on_task(after, "GET")).json()
    assert [shape["label_id"] for shape in merged["shapes"]] == [31, 31]
    assert (await workshop.job(after, 2, "GET")).headers["limner-revision"] == "2"
    assert (await workshop.job(other, 0, "GET")).headers["limner-revision"] == "1"


async def test_objects_saved_since_the_move_stay(workshop: Workshop) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(1)]})
    after = moved(workshop, task)
    fresh = rectangle(2, label_id=31, attributes=[{"spec_id": 45, "value": "blue"}])
    await workshop.job(after, 0, "PATCH", "?action=create", json={"shapes": [fresh]})
    kept = (await workshop.read(after))["shapes"][1]
    for _ in range(2):  # a fact told twice under different ids
        await tell(workshop, after)
        answer = await workshop.job(after, 0, "GET")
        assert answer.headers["limner-revision"] == "3"
        assert [shape["label_id"] for shape in answer.json()["shapes"]] == [31, 31]
        assert answer.json()["shapes"][1] == kept


@pytest.mark.parametrize("scene", [{7: 0}, {}])
async def test_objects_whose_label_has_no_place_go(workshop: Workshop, scene: dict[int, int]) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json=document())
    after = moved(workshop, task)
    await tell(workshop, after, labels={**{old: new for old, new in LABEL_IDS.items() if old not in (4, 7)}, **scene})
    data = await workshop.read(after)
    assert (len(data["tags"]), len(data["shapes"]), len(data["tracks"])) == (0, 3, 2)
    assert [[element["label_id"] for element in item["elements"]] for item in data["shapes"]] == [[], [], [33]]
    (entry, _) = (await workshop.job(after, 0, "GET", "/revisions")).json()["results"]
    assert (entry["updated"], entry["deleted"]) == (5, 1)
    await tell(workshop, after, labels={33: 34})
    assert await workshop.read(after) == {"version": 0, "tags": [], "shapes": [], "tracks": []}


async def test_what_keeps_its_ids_is_not_written_again(workshop: Workshop) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json={"tags": [tag(3)], "shapes": [SKELETON]})
    for labels in ({}, {old: old for old in LABEL_IDS}):
        await tell(workshop, task, labels=labels)
        assert (await workshop.job(task, 0, "GET")).headers["limner-revision"] == "1"


async def test_history_and_restoring(workshop: Workshop) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json=document())
    before = await workshop.read(task)
    after = moved(workshop, task)
    await tell(workshop, after)
    now = await workshop.read(after)
    assert (await workshop.job(after, 0, "GET", "/revisions/1")).json() == before
    compared = (await workshop.job(after, 0, "GET", "/revisions/1/diff")).json()
    assert (compared["updated"], compared["created"]["shapes"]) == (now, [])
    assert compared["deleted"] == {"tags": [], "shapes": [], "tracks": []}
    assert (await workshop.job(after, 0, "POST", "/revisions/1/restore")).json()["revision"] == 3
    assert await workshop.read(after) == {"version": 0, "tags": [], "shapes": [], "tracks": []}
    await workshop.job(after, 0, "POST", "/revisions/2/restore")
    assert await workshop.read(after) == now


async def test_large_jobs_are_changed_in_batches(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MAX_FETCH_ROWS", 7)
    task = workshop.task()
    await workshop.job(
        task,
        0,
        "PUT",
        json={"shapes": [rectangle(n % 50) for n in range(40)], "tags": [tag(n) for n in range(10)]},
    )
    before = await workshop.read(task)
    after = moved(workshop, task)
    with workshop.counted() as statements:
        await tell(workshop, after)
    assert sum("copy_to_table" in statement for statement in statements) == 9
    data = await workshop.read(after)
    assert without_attributes(data) == without_attributes(with_their_labels(before))
