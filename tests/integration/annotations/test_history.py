"""Revisions of a job: listed, read, compared, restored, and demanded by clients."""

from typing import Any

import msgspec

from limner_contracts.annotations.v1.job_annotations_event_pb2 import JobAnnotationsEvent
from limner_model.facts import TaskFacts
from tests.integration.annotations.workshop import BODY, SCENE, Workshop, rectangle, tag


async def with_history(workshop: Workshop) -> tuple[TaskFacts, list[Any]]:
    """Write five revisions; return the document at each, from 0."""
    task = workshop.task()
    states = [await workshop.read(task)]
    created = (await workshop.job(task, 0, "PATCH", "?action=create", json={"shapes": [rectangle(1), rectangle(2)]})).json()
    states.append(await workshop.read(task))
    changed = {"shapes": [{**created["shapes"][0], "frame": 7}], "tags": [tag(3)]}
    await workshop.job(task, 0, "PATCH", "?action=update", json=changed)
    states.append(await workshop.read(task))
    await workshop.job(task, 0, "PATCH", "?action=delete", json={"shapes": created["shapes"][1:]})
    states.append(await workshop.read(task))
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(9)]})
    states.append(await workshop.read(task))
    await workshop.job(task, 0, "DELETE")
    states.append(await workshop.read(task))
    return task, states


async def test_every_revision_can_be_read(workshop: Workshop) -> None:
    task, states = await with_history(workshop)
    for revision, state in enumerate(states):
        answer = await workshop.job(task, 0, "GET", f"/revisions/{revision}")
        assert answer.json() == state
        known = await workshop.job(
            task, 0, "GET", f"/revisions/{revision}/", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert known.status_code == 304
    assert (await workshop.job(task, 0, "GET", "/revisions/6")).status_code == 404


async def test_the_list_says_who_did_what_and_is_paged(workshop: Workshop) -> None:
    task, _ = await with_history(workshop)
    page = (await workshop.job(task, 0, "GET", "/revisions")).json()
    assert (page["count"], page["next"], page["previous"]) == (5, None, None)
    assert [
        (entry["revision"], entry["kind"], entry["created"], entry["updated"], entry["deleted"]) for entry in page["results"]
    ] == [
        (5, "clear", 0, 0, 1),
        (4, "replace", 1, 0, 2),
        (3, "delete", 0, 0, 1),
        (2, "update", 1, 1, 0),
        (1, "create", 2, 0, 0),
    ]
    assert {(entry["user_id"], entry["username"]) for entry in page["results"]} == {(8, "ann")}
    second = (await workshop.job(task, 0, "GET", "/revisions?page=2&page_size=2")).json()
    assert [entry["revision"] for entry in second["results"]] == [3, 2]
    base = "http://testserver/api/jobs/100/annotations/revisions?page_size=2&page="
    assert (second["previous"], second["next"]) == (f"{base}1", f"{base}3")
    assert (await workshop.job(task, 0, "GET", "/revisions?page=4&page_size=2")).status_code == 404


async def test_two_revisions_are_compared_either_way(workshop: Workshop) -> None:
    task, states = await with_history(workshop)
    first, second = (shape["id"] for shape in states[1]["shapes"])
    (tag_id,) = (item["id"] for item in states[2]["tags"])
    forth = (await workshop.job(task, 0, "GET", "/revisions/1/diff?to=3")).json()
    assert forth["created"]["tags"] == states[3]["tags"]
    assert forth["updated"]["shapes"] == states[3]["shapes"]
    assert forth["deleted"] == {"tags": [], "shapes": [second], "tracks": []}
    back = (await workshop.job(task, 0, "GET", "/revisions/3/diff?to=1")).json()
    assert [shape["id"] for shape in back["created"]["shapes"]] == [second]
    assert [(shape["id"], shape["frame"]) for shape in back["updated"]["shapes"]] == [(first, 1)]
    assert back["deleted"] == {"tags": [tag_id], "shapes": [], "tracks": []}
    now = (await workshop.job(task, 0, "GET", "/revisions/5/diff/")).json()
    assert (now["from"], now["to"], now["created"]["shapes"]) == (5, 5, [])


async def test_a_revision_is_restored_and_the_restoration_undone(workshop: Workshop) -> None:
    task, states = await with_history(workshop)
    answer = await workshop.job(task, 0, "POST", "/revisions/2/restore")
    assert answer.json() == {"revision": 6, "restored": 2}
    assert await workshop.read(task) == states[2]
    assert (await workshop.job(task, 0, "POST", "/revisions/5/restore")).json()["revision"] == 7
    assert await workshop.read(task) == states[5]
    assert (await workshop.job(task, 0, "POST", "/revisions/5/restore")).json()["revision"] == 7
    assert (await workshop.job(task, 0, "POST", "/revisions/8/restore")).status_code == 404
    entry = (await workshop.job(task, 0, "GET", "/revisions?page_size=1&page=2")).json()["results"][0]
    assert (entry["kind"], entry["reason"], entry["created"], entry["deleted"]) == ("restore", "revision 2", 3, 0)


async def test_restoring_leaves_objects_of_deleted_labels_away(workshop: Workshop) -> None:
    task, states = await with_history(workshop)
    without_car = msgspec.structs.replace(task, labels=[BODY, SCENE], version="2.0")
    workshop.catalog.tasks[task.id] = without_car
    await workshop.job(without_car, 0, "POST", "/revisions/2/restore")
    after = await workshop.read(without_car)
    assert (after["shapes"], after["tags"]) == ([], states[2]["tags"])


async def test_a_save_for_an_older_revision_is_a_conflict_that_names_the_difference(workshop: Workshop) -> None:
    task = workshop.task()
    stored = (await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(1), rectangle(2)]})).json()
    read = await workshop.job(task, 0, "GET")
    other = await workshop.job(task, 0, "PATCH", "?action=create", json={"shapes": [rectangle(3)]})
    gone = stored["shapes"][0]
    await workshop.job(task, 0, "PATCH", "?action=delete", json={"shapes": [gone]})
    for if_match in ('"1"', read.headers["etag"]):
        answer = await workshop.job(
            task, 0, "PATCH", "?action=create", json={"shapes": [rectangle(4)]}, headers={"If-Match": if_match}
        )
        assert answer.status_code == 409
        body = answer.json()
        assert (body["code"], body["expected"], body["revision"]) == ("revision_mismatch", 1, 3)
        assert (body["created"], body["ended"]) == ([other.json()["shapes"][0]["id"]], [gone["id"]])
    for if_match, status in (('"3"', 200), ("*", 200), ("what", 400)):
        answer = await workshop.job(
            task, 0, "PATCH", "?action=create", json={"shapes": [rectangle(4)]}, headers={"If-Match": if_match}
        )
        assert answer.status_code == status
    assert (await workshop.job(task, 0, "POST", "/revisions/1/restore", headers={"If-Match": '"1"'})).status_code == 409
    assert (await workshop.job(task, 0, "DELETE", headers={"If-Match": '"1"'})).status_code == 409


async def test_each_revision_is_a_fact_in_the_outbox(workshop: Workshop) -> None:
    task, _ = await with_history(workshop)
    rows = await workshop.rows("SELECT topic, key, payload FROM annotations.outbox ORDER BY id")
    assert {(row.topic, row.key) for row in rows} == {("limner.annotations.job.v1", "100")}
    events = [JobAnnotationsEvent.FromString(row.payload) for row in rows]
    assert [(e.saved.revision, e.saved.kind, e.saved.created, e.saved.updated, e.saved.deleted) for e in events] == [
        (1, "create", 2, 0, 0),
        (2, "update", 1, 1, 0),
        (3, "delete", 0, 0, 1),
        (4, "replace", 1, 0, 2),
        (5, "clear", 0, 0, 1),
    ]
    assert {(e.task_id, e.job_id, e.meta.subject_user_id, e.meta.subject_username) for e in events} == {
        (task.id, 100, 8, "ann")
    }
