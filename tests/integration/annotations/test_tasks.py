"""Annotations of a task: split over its jobs on writing, merged on reading."""

from typing import Any

import pytest
import sqlalchemy as sa

from limner_model.facts import JobFacts, TaskFacts
from tests.integration.annotations.workshop import Workshop, rectangle, tag, track

OVERLAPPING = [(0, 9), (8, 17), (16, 25)]


def overlapping(workshop: Workshop, **facts: Any) -> TaskFacts:
    return workshop.task(segments=OVERLAPPING, overlap=2, segment_size=10, **facts)


async def merged(workshop: Workshop, task: TaskFacts) -> Any:
    answer = await workshop.on_task(task, "GET")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def counts(workshop: Workshop, task: TaskFacts) -> list[tuple[int, int, int]]:
    documents = [await workshop.read(task, index) for index in range(len(task.jobs))]
    return [(len(each["tags"]), len(each["shapes"]), len(each["tracks"])) for each in documents]


async def test_objects_go_to_the_jobs_of_their_frames(workshop: Workshop) -> None:
    task = overlapping(workshop)
    body = {
        "tags": [tag(0), tag(9)],
        "shapes": [rectangle(1), rectangle(8), rectangle(12), rectangle(17), rectangle(25)],
        "tracks": [track((2, 0.0, False), (22, 20.0, False))],
    }
    answer = await workshop.on_task(task, "PUT", "/", json=body)
    assert answer.status_code == 200
    assert await counts(workshop, task) == [(2, 2, 1), (1, 3, 1), (0, 2, 1)]
    read = await merged(workshop, task)
    assert answer.json() == read
    assert [shape["frame"] for shape in read["shapes"]] == [1, 8, 12, 17, 25]
    (path,) = read["tracks"]
    assert [keyframe["frame"] for keyframe in path["shapes"]] == [2, 8, 9, 16, 17, 22]


async def test_creating_adds_and_answers_only_what_is_new(workshop: Workshop) -> None:
    task = overlapping(workshop)
    await workshop.on_task(task, "PATCH", "?action=create", json={"shapes": [rectangle(1)]})
    answer = await workshop.on_task(task, "PATCH", "/?action=create", json={"shapes": [rectangle(2), rectangle(20)]})
    assert [shape["frame"] for shape in answer.json()["shapes"]] == [2, 20]
    assert len((await merged(workshop, task))["shapes"]) == 3
    refused = await workshop.on_task(task, "PATCH", "?action=create", json={"shapes": [rectangle(2, id=3)]})
    assert refused.status_code == 400
    assert (await workshop.on_task(task, "PATCH", "?action=swap", json={})).status_code == 400


async def test_only_jobs_that_change_get_a_revision(workshop: Workshop) -> None:
    task = overlapping(workshop)
    await workshop.on_task(task, "PATCH", "?action=create", json={"shapes": [rectangle(1), rectangle(8)]})
    rows = await workshop.rows("SELECT job_id, revision FROM annotations.job_states ORDER BY job_id")
    assert [tuple(row) for row in rows] == [(100, 1), (101, 1), (102, 0)]


async def test_a_refused_document_changes_no_job(workshop: Workshop) -> None:
    task = overlapping(workshop)
    answer = await workshop.on_task(task, "PUT", json={"shapes": [rectangle(1), rectangle(26)]})
    assert answer.json() == {"shapes": {"1": {"frame": ["frame 26 is not one of the frames 0 to 25"]}}}
    assert await workshop.rows("SELECT * FROM annotations.job_states") == []


async def test_updating_reaches_all_that_is_seen_as_one(workshop: Workshop) -> None:
    task = overlapping(workshop)
    body = {"shapes": [rectangle(8)], "tags": [tag(16)], "tracks": [track((2, 0.0, False), (22, 20.0, False))]}
    stored = (await workshop.on_task(task, "PUT", json=body)).json()
    stored["shapes"][0]["points"] = [50.0, 50.0, 60.0, 60.0]
    for keyframe in stored["tracks"][0]["shapes"]:
        keyframe["points"] = [keyframe["points"][0] + 100.0, 0.0, keyframe["points"][2] + 100.0, 10.0]
    answer = await workshop.on_task(task, "PATCH", "/?action=update", json=stored)
    assert answer.status_code == 200, answer.text
    read = await merged(workshop, task)
    assert (len(read["shapes"]), len(read["tags"]), len(read["tracks"])) == (1, 1, 1)
    assert read["shapes"][0]["points"] == [50.0, 50.0, 60.0, 60.0]
    assert [item["id"] for kind in ("shapes", "tags", "tracks") for item in read[kind]] == [
        item["id"] for kind in ("shapes", "tags", "tracks") for item in stored[kind]
    ]
    assert next(keyframe["points"][0] for keyframe in read["tracks"][0]["shapes"]) == 100.0
    assert await counts(workshop, task) == [(0, 1, 1), (1, 1, 1), (1, 0, 1)]
    revisions = await workshop.rows(
        "SELECT DISTINCT created, updated, deleted FROM annotations.revisions WHERE kind='update'"
    )
    assert all(row.created == 0 and row.deleted == 0 for row in revisions)


async def test_updating_moves_an_object_to_the_job_of_its_new_frame(workshop: Workshop) -> None:
    task = overlapping(workshop)
    stored = (await workshop.on_task(task, "PUT", json={"shapes": [rectangle(1)]})).json()
    stored["shapes"][0]["frame"] = 20
    await workshop.on_task(task, "PATCH", "?action=update", json=stored)
    assert await counts(workshop, task) == [(0, 0, 0), (0, 0, 0), (0, 1, 0)]


async def test_updating_parts_of_one_object_by_their_own_ids_keeps_both(workshop: Workshop) -> None:
    task = overlapping(workshop)
    await workshop.on_task(task, "PUT", json={"shapes": [rectangle(8)]})
    (first,), (second,) = [(await workshop.read(task, index))["shapes"] for index in (0, 1)]
    answer = await workshop.on_task(task, "PATCH", "?action=update", json={"shapes": [first, second]})
    assert answer.status_code == 200, answer.text
    found = [shape["id"] for index in (0, 1) for shape in (await workshop.read(task, index))["shapes"]]
    assert {first["id"], second["id"]} <= set(found)
    assert len(set(found)) == len(found)


async def test_deleting_reaches_all_that_is_seen_as_one(workshop: Workshop) -> None:
    task = overlapping(workshop)
    body = {
        "shapes": [rectangle(8), rectangle(9, 50.0)],
        "tags": [tag(16)],
        "tracks": [track((2, 0.0, False), (22, 20.0, False))],
    }
    stored = (await workshop.on_task(task, "PUT", json=body)).json()
    gone = {**stored, "shapes": stored["shapes"][:1]}
    answer = await workshop.on_task(task, "PATCH", "/?action=delete", json=gone)
    assert answer.json() == gone
    assert await counts(workshop, task) == [(0, 1, 0), (0, 1, 0), (0, 0, 0)]
    assert (await workshop.on_task(task, "DELETE", "/")).status_code == 204
    assert await counts(workshop, task) == [(0, 0, 0)] * 3


async def test_objects_drawn_in_two_jobs_are_one_for_changes_too(workshop: Workshop) -> None:
    task = overlapping(workshop)
    for index in (0, 1):
        await workshop.job(
            task, index, "PUT", json={"shapes": [rectangle(8, index * 0.5)], "tracks": [track((8, 0.0, False))]}
        )
    read = await merged(workshop, task)
    assert (len(read["shapes"]), len(read["tracks"])) == (1, 1)
    await workshop.on_task(task, "PATCH", "?action=delete", json={"shapes": read["shapes"], "tracks": read["tracks"]})
    after = await merged(workshop, task)
    assert (after["shapes"], after["tracks"]) == ([], [])


async def test_a_task_without_data_is_refused(workshop: Workshop) -> None:
    task = workshop.task(size=0)
    for method in ("GET", "PUT", "DELETE"):
        answer = await workshop.on_task(task, method)
        assert (answer.status_code, answer.json()) == (400, ["The task has no data yet."])


async def test_ground_truth_and_replicas_are_left_out(workshop: Workshop) -> None:
    extra = [
        JobFacts(id=200, type="ground_truth", start_frame=0, stop_frame=25, frames=[3]),
        JobFacts(id=201, type="replica", start_frame=0, stop_frame=9, parent_job_id=100),
    ]
    task = overlapping(workshop, extra_jobs=extra)
    for index in (3, 4):
        await workshop.job(task, index, "PUT", json={"shapes": [rectangle(3)]})
    assert (await merged(workshop, task))["shapes"] == []
    await workshop.on_task(task, "PUT", json={"shapes": [rectangle(3)]})
    await workshop.on_task(task, "DELETE")
    assert [len((await workshop.read(task, index))["shapes"]) for index in (3, 4)] == [1, 1]


async def test_a_known_merge_is_not_sent_again_and_changes_with_any_job(workshop: Workshop) -> None:
    task = overlapping(workshop)
    await workshop.on_task(task, "PUT", json={"shapes": [rectangle(3)]})
    tag_before = (await workshop.on_task(task, "GET")).headers["etag"]
    known = await workshop.on_task(task, "GET", headers={"If-None-Match": tag_before})
    assert known.status_code == 304
    await workshop.job(task, 2, "PUT", json={"shapes": [rectangle(20)]})
    changed = await workshop.on_task(task, "GET", headers={"If-None-Match": tag_before})
    assert changed.status_code == 200


@pytest.mark.parametrize("segments", [[(0, 99)], [(0, 49), (50, 99)]], ids=["one job", "two jobs"])
async def test_a_revision_that_is_written_again_after_an_older_backup_is_no_known_one(
    workshop: Workshop, segments: list[tuple[int, int]]
) -> None:
    task = workshop.task(segments=segments)
    answers = []
    for x in (1.0, 2.0):
        await workshop.on_task(task, "PUT", json={"shapes": [rectangle(n % 100, points=[x, 1, 9, 9]) for n in range(1000)]})
        answers.append(await workshop.on_task(task, "GET"))
        await workshop.on_task(task, "GET")  # from the cache now
        async with workshop.container.database.begin() as uow:  # to before the save
            for table in ("objects", "revisions", "job_states"):
                await uow.execute(sa.text(f"DELETE FROM annotations.{table}"))
    lost, kept = answers
    assert {shape["points"][0] for shape in kept.json()["shapes"]} == {2.0}
    assert lost.headers.get("limner-revision") == kept.headers.get("limner-revision")
    assert lost.headers["etag"] != kept.headers["etag"]


async def test_tasks_of_several_jobs_without_overlap_close_tracks_at_borders(workshop: Workshop) -> None:
    task = workshop.task(segments=[(0, 9), (10, 19)])
    await workshop.job(task, 0, "PUT", json={"tracks": [track((0, 0.0, False))], "shapes": [rectangle(3)]})
    await workshop.job(task, 1, "PUT", json={"shapes": [rectangle(12)]})
    read = await merged(workshop, task)
    assert [(k["frame"], k["outside"]) for k in read["tracks"][0]["shapes"]] == [(0, False), (10, True)]
    assert [shape["frame"] for shape in read["shapes"]] == [3, 12]


@pytest.mark.parametrize("count", [1, 30])
async def test_the_number_of_statements_does_not_grow_with_objects(workshop: Workshop, count: int) -> None:
    task = overlapping(workshop)
    body = {
        "shapes": [rectangle(8, index * 20.0) for index in range(count)],
        "tracks": [track((2, 0.0, False), (22, 1.0, False))],
    }
    await workshop.on_task(task, "PUT", json={"shapes": [rectangle(3)]})
    sent = {}
    with workshop.counted() as statements:
        stored = (await workshop.on_task(task, "PATCH", "?action=create", json=body)).json()
        sent["create"] = len(statements)
        statements.clear()
        await workshop.on_task(task, "GET")
        sent["read"] = len(statements)
        statements.clear()
        await workshop.on_task(task, "PATCH", "?action=update", json=stored)
        sent["update"] = len(statements)
    assert sent == {"create": 14, "read": 7, "update": 20}
