"""Reading and saving the annotations of a job."""

from typing import Any

import msgspec
import pytest

from limner_common.grants import Grant
from limner_model.annotations import LabeledData
from limner_model.facts import JobFacts
from limner_model.labels import AttributeSpec, AttributeType
from tests.integration.annotations.workshop import BODY, CAR, SCENE, Workshop, rectangle, tag, track

MASK = [0.0, 4.0, 5.0, 7.0, 6.0, 8.0]
CUBOID = [float(number) for number in range(16)]
ATTRIBUTES = [{"spec_id": 5, "value": "red"}, {"spec_id": 6, "value": 'acme " \\ é\n'}]


def shape(shape_type: str, points: list[float], **fields: Any) -> dict[str, Any]:
    return rectangle(4, type=shape_type, points=points, attributes=ATTRIBUTES, **fields)


def skeleton() -> dict[str, Any]:
    elements = [
        {"type": "points", "label_id": 3, "frame": 4, "points": [1.5, 2.5]},
        {"type": "points", "label_id": 4, "frame": 4, "points": [3.5, 4.5], "outside": True},
    ]
    return {"type": "skeleton", "label_id": 2, "frame": 4, "elements": elements}


def skeleton_track() -> dict[str, Any]:
    elements = [
        {
            "label_id": label,
            "frame": 1,
            "shapes": [
                {"type": "points", "frame": 1, "points": [1.0, label]},
                {"type": "points", "frame": 5, "points": [9.0, 9.0]},
            ],
        }
        for label in (3, 4)
    ]
    return {"label_id": 2, "frame": 1, "shapes": [{"type": "skeleton", "frame": 1}], "elements": elements}


OBJECTS = {
    "rectangle": {"shapes": [shape("rectangle", [1, 2, 3, 4], rotation=45.5, z_order=-3, occluded=True, group=5)]},
    "ellipse": {"shapes": [shape("ellipse", [10, 10, 15, 5], rotation=360.0)]},
    "polygon": {"shapes": [shape("polygon", [0, 0, 10, 0, 10.125, 10], score=0.5)]},
    "polyline": {"shapes": [shape("polyline", [0, 0, 10, 0], source="auto")]},
    "points": {"shapes": [shape("points", [0, 0])]},
    "cuboid": {"shapes": [shape("cuboid", CUBOID)]},
    "mask": {"shapes": [shape("mask", MASK)]},
    "skeleton": {"shapes": [skeleton()]},
    "tag": {"tags": [tag(4), tag(4)]},
    "track": {"tracks": [track((1, 0.0, False), (5, 7.0, False), (9, 7.0, True), attributes=ATTRIBUTES[1:])]},
    "skeleton track": {"tracks": [skeleton_track()]},
}


@pytest.mark.parametrize("name", OBJECTS)
async def test_every_kind_of_object_reads_back_as_it_was_answered(workshop: Workshop, name: str) -> None:
    task = workshop.task()
    answer = await workshop.job(task, 0, "PATCH", "/?action=create", json=OBJECTS[name])
    assert answer.status_code == 200, answer.text
    assert await workshop.read(task) == answer.json()
    parsed = msgspec.convert(answer.json(), LabeledData)
    sent = msgspec.convert(OBJECTS[name], LabeledData)
    for kind in ("tags", "shapes", "tracks"):
        for mine, theirs in zip(getattr(parsed, kind), getattr(sent, kind), strict=True):
            assert mine.id is not None
            assert (mine.frame, mine.label_id, mine.group) == (theirs.frame, theirs.label_id, theirs.group)
            assert getattr(mine, "points", None) == getattr(theirs, "points", None)


async def test_both_slash_forms_and_content_type(workshop: Workshop) -> None:
    task = workshop.task()
    for slash in ("", "/"):
        answer = await workshop.job(task, 0, "GET", slash)
        assert answer.json() == {"version": 0, "tags": [], "shapes": [], "tracks": []}
        assert answer.headers["content-type"] == "application/vnd.cvat+json"
        assert answer.headers["limner-revision"] == "0"


async def test_objects_are_read_in_the_order_of_frames(workshop: Workshop) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(9), rectangle(2), rectangle(5)]})
    await workshop.job(task, 0, "PATCH", "?action=create", json={"shapes": [rectangle(2, 7.0)]})
    found = (await workshop.read(task))["shapes"]
    assert [(item["frame"], item["points"][0]) for item in found] == [(2, 0.0), (2, 7.0), (5, 0.0), (9, 0.0)]


async def test_updating_keeps_ids_and_adds_what_has_none(workshop: Workshop) -> None:
    task = workshop.task()
    document = {"shapes": [rectangle(1)], "tags": [tag()], "tracks": [track((0, 0.0, False), (3, 3.0, True))]}
    stored = (await workshop.job(task, 0, "PUT", json=document)).json()
    stored["shapes"][0]["frame"] = 8
    stored["tracks"][0]["shapes"].append({"type": "rectangle", "frame": 5, "points": [0, 0, 1, 1]})
    sent = {"shapes": [*stored["shapes"], rectangle(2)], "tracks": stored["tracks"]}
    answer = (await workshop.job(task, 0, "PATCH", "?action=update", json=sent)).json()
    assert answer["shapes"][0]["id"] == stored["shapes"][0]["id"]
    assert answer["shapes"][0]["frame"] == 8
    assert answer["tracks"][0]["id"] == stored["tracks"][0]["id"]
    keyframes = [keyframe["id"] for keyframe in answer["tracks"][0]["shapes"]]
    assert keyframes[:2] == [keyframe["id"] for keyframe in stored["tracks"][0]["shapes"][:2]]
    assert len(set(keyframes)) == 3
    after = await workshop.read(task)
    assert [item["frame"] for item in after["shapes"]] == [2, 8]
    assert after["tags"] == stored["tags"]


async def test_updating_an_unknown_id_adds_the_object_under_a_new_one(workshop: Workshop) -> None:
    task = workshop.task()
    answer = await workshop.job(task, 0, "PATCH", "?action=update", json={"shapes": [rectangle(1, id=99_999)]})
    (stored,) = answer.json()["shapes"]
    assert stored["id"] != 99_999
    assert (await workshop.read(task))["shapes"] == [stored]


async def test_ids_of_other_jobs_and_other_kinds_are_never_touched(workshop: Workshop) -> None:
    task = workshop.task(segments=[(0, 9), (10, 19)])
    stored = (await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(1)], "tags": [tag(1)]})).json()
    shape_id, tag_id = stored["shapes"][0]["id"], stored["tags"][0]["id"]
    await workshop.job(task, 1, "PATCH", "?action=delete", json={"shapes": [{"id": shape_id}]})
    await workshop.job(task, 1, "PATCH", "?action=update", json={"shapes": [rectangle(12, id=shape_id)]})
    await workshop.job(task, 0, "PATCH", "?action=delete", json={"shapes": [{"id": tag_id}], "tags": [{"id": shape_id}]})
    assert await workshop.read(task) == stored
    (other,) = (await workshop.read(task, 1))["shapes"]
    assert other["id"] != shape_id


async def test_deleting_echoes_and_ignores_unknown_ids(workshop: Workshop) -> None:
    task = workshop.task()
    stored = (await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(1), rectangle(2)]})).json()
    gone = [stored["shapes"][0], {"id": 12345}]
    answer = await workshop.job(task, 0, "PATCH", "/?action=delete", json={"shapes": gone})
    assert answer.json() == {"version": 0, "tags": [], "shapes": gone, "tracks": []}
    assert (await workshop.read(task))["shapes"] == stored["shapes"][1:]
    assert (await workshop.job(task, 0, "DELETE", "/")).status_code == 204
    assert (await workshop.read(task))["shapes"] == []


@pytest.mark.parametrize(
    ("action", "body", "expected"),
    [
        (
            "create",
            {"shapes": [rectangle(id=4)]},
            {"shapes": {"0": {"id": ["An object that is created must not have an id."]}}},
        ),
        ("delete", {"tracks": [{"frame": 1}]}, {"tracks": {"0": {"id": ["This field is required."]}}}),
        ("update", {"shapes": [rectangle(id=4), rectangle(id=4)]}, ["The id 4 is there more than once."]),
        ("swap", {}, ["Please specify a correct 'action' for the request"]),
        ("", {}, ["Please specify a correct 'action' for the request"]),
        ("create", {"tags": [tag(100)]}, {"tags": {"0": {"frame": ["frame 100 is not one of the frames 0 to 99"]}}}),
    ],
)
async def test_what_is_refused_says_where(workshop: Workshop, action: str, body: Any, expected: Any) -> None:
    answer = await workshop.job(workshop.task(), 0, "PATCH", f"?action={action}", json=body)
    assert (answer.status_code, answer.json()) == (400, expected)


async def test_broken_json_is_refused_and_nothing_changes(workshop: Workshop) -> None:
    task = workshop.task()
    answer = await workshop.job(task, 0, "PUT", content=b'{"shapes": [')
    assert answer.status_code == 400
    assert "JSON parse error" in answer.json()[0]
    assert (await workshop.job(task, 0, "PUT", content=b"")).status_code == 200
    assert (await workshop.job(task, 0, "GET")).headers["limner-revision"] == "0"


async def test_saves_without_effect_make_no_revision(workshop: Workshop) -> None:
    task = workshop.task()
    for method, rest in (("PUT", ""), ("PATCH", "?action=update"), ("PATCH", "?action=delete"), ("DELETE", "")):
        answer = await workshop.job(task, 0, method, rest, **({} if method == "DELETE" else {"json": {}}))
        assert answer.headers["limner-revision"] == "0"
    assert await workshop.rows("SELECT * FROM annotations.outbox") == []


async def test_a_ground_truth_job_takes_only_its_frames(workshop: Workshop) -> None:
    extra = [JobFacts(id=200, type="ground_truth", start_frame=0, stop_frame=99, frames=[3, 50])]
    task = workshop.task(extra_jobs=extra)
    assert (await workshop.job(task, 1, "PUT", json={"shapes": [rectangle(3)]})).status_code == 200
    assert (await workshop.job(task, 1, "PUT", json={"shapes": [rectangle(4)]})).status_code == 400
    assert len((await workshop.read(task, 1))["shapes"]) == 1
    assert (await workshop.on_task(task, "GET")).json()["shapes"] == []


@pytest.mark.parametrize(
    ("action", "facts", "method"),
    [
        ("job:view:annotations", {"job_id": 100}, "PUT"),
        ("job:view:annotations", {"job_id": 101}, "GET"),
        ("task:view:annotations", {"job_id": 100}, "GET"),
        ("job:update:annotations", {"job_id": 100}, "GET"),
        ("job:view:annotations", {"job_id": 100}, "DELETE"),
    ],
)
async def test_a_grant_for_something_else_is_refused(
    workshop: Workshop, action: str, facts: dict[str, int], method: str
) -> None:
    task = workshop.task()
    grant = Grant(issuer="api", action=action, facts={"task_id": task.id, "version": task.version, **facts})
    async with workshop.bench.client("annotations", grant) as client:
        assert (await client.request(method, "/api/jobs/100/annotations")).status_code == 403
    async with workshop.bench.client("annotations") as client:
        assert (await client.request(method, "/api/jobs/100/annotations")).status_code == 401


async def test_saving_needs_nobody_once_the_facts_are_known(workshop: Workshop) -> None:
    task = workshop.task()
    await workshop.read(task)
    workshop.catalog.is_down = True
    assert (await workshop.job(task, 0, "PUT", json={"shapes": [rectangle()]})).status_code == 200
    assert workshop.catalog.calls == [f"/internal/tasks/{task.id}"]
    workshop.catalog.tasks[11] = msgspec.structs.replace(task, id=11)
    assert (await workshop.job(workshop.catalog.tasks[11], 0, "GET")).status_code == 503


async def test_a_known_document_is_not_sent_again(workshop: Workshop) -> None:
    task = workshop.task()
    saved = await workshop.job(task, 0, "PUT", json={"shapes": [rectangle()]})
    first = await workshop.job(task, 0, "GET")
    tag = first.headers["etag"]
    assert saved.headers["limner-revision"] == first.headers["limner-revision"] == "1"
    again = await workshop.job(task, 0, "GET", headers={"If-None-Match": f'"x", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(1)]})
    assert (await workshop.job(task, 0, "GET", headers={"If-None-Match": tag})).status_code == 200


async def test_a_large_document_is_answered_from_its_copy(workshop: Workshop) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(index % 100) for index in range(1000)]})
    first = await workshop.job(task, 0, "GET")
    with workshop.counted() as statements:
        second = await workshop.job(task, 0, "GET")
    assert second.content == first.content
    assert len(statements) == 1
    assert (await workshop.on_task(task, "GET")).content == first.content


async def test_attributes_that_labels_gain_later_are_filled_on_reading(workshop: Workshop) -> None:
    task = workshop.task(labels=[CAR, BODY, SCENE])
    document = {"shapes": [rectangle(1)], "tracks": [track((0, 0.0, False), (3, 3.0, True))]}
    stored = (await workshop.job(task, 0, "PUT", json=document)).json()
    spec = AttributeSpec(id=50, name="new", mutable=True, input_type=AttributeType.TEXT, default_value="?")
    car = msgspec.structs.replace(CAR, attributes=[CAR.attributes[0], spec])
    changed = workshop.task(labels=[car, BODY, SCENE], version="2.0")
    wanted = [{"spec_id": 5, "value": "grey"}, {"spec_id": 50, "value": "?"}]
    before = await workshop.job(task, 0, "GET")
    after = await workshop.job(changed, 0, "GET")
    assert before.headers["etag"] != after.headers["etag"]
    assert after.json()["shapes"][0]["attributes"] == wanted
    assert after.json()["tracks"][0]["shapes"][1]["attributes"] == wanted
    assert after.json()["tracks"][0]["attributes"] == []
    # A save under the new labels leaves older documents to be filled, a replacement does not.
    added = await workshop.job(changed, 0, "PATCH", "?action=create", json={"shapes": [rectangle(2)]})
    assert added.json()["shapes"][0]["attributes"] == wanted
    assert [item["attributes"] for item in (await workshop.read(changed))["shapes"]] == [wanted, wanted]
    assert (await workshop.rows("SELECT labels_version FROM annotations.job_states"))[0][0] == ""
    await workshop.job(changed, 0, "PUT", json={"shapes": [rectangle(2)]})
    assert (await workshop.rows("SELECT labels_version FROM annotations.job_states"))[0][0] != ""
    assert stored["shapes"][0]["attributes"][1] == {"spec_id": 6, "value": "none"}


@pytest.mark.parametrize("count", [1, 40])
async def test_the_number_of_statements_does_not_grow_with_objects(workshop: Workshop, count: int) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle()]})
    body = {"shapes": [rectangle(index) for index in range(count)], "tags": [tag(index) for index in range(count)]}
    sent: dict[str, int] = {}
    with workshop.counted() as statements:
        stored = (await workshop.job(task, 0, "PATCH", "?action=create", json=body)).json()
        sent["create"] = len(statements)
        statements.clear()
        await workshop.job(task, 0, "PATCH", "?action=update", json=stored)
        sent["update"] = len(statements)
        statements.clear()
        await workshop.job(task, 0, "GET")
        sent["read"] = len(statements)
        statements.clear()
        await workshop.job(task, 0, "PATCH", "?action=delete", json=stored)
        sent["delete"] = len(statements)
    assert sent == {"create": 8, "update": 9, "read": 3, "delete": 6}


async def test_a_body_over_the_limit_is_refused(workshop: Workshop) -> None:
    task = workshop.task()
    settings = workshop.container.resources.settings
    limited = settings.model_copy(update={"max_body_bytes": 1000})
    object.__setattr__(workshop.container.resources, "settings", limited)
    body = {"shapes": [rectangle() for _ in range(50)]}
    answer = await workshop.job(task, 0, "PUT", json=body)
    assert (answer.status_code, answer.json()) == (413, {"detail": "The request body is larger than 1000 bytes."})
