"""Recorded writes on tasks with overlapping jobs, done through the API, read back as the recorded server did."""

from typing import Any

import msgspec
import pytest

from limner_model.facts import TaskFacts
from limner_model.keyframes import normalise_track
from limner_model.labels import LabelSpec
from tests.integration.annotations.workshop import Workshop
from tests.unit.model.builders import GOLDEN, comparable, golden_document, read_golden

#: The recorded server stores a closing keyframe twice and cannot export the task afterwards; here it is stored once.
REPEATED_KEYFRAME = {"task-track-outside-gap", "task-track-ends-in-segment"}
NAMES = sorted(path.stem for path in (GOLDEN / "merge").glob("*.json"))


def recorded_task(workshop: Workshop, case: dict[str, Any]) -> TaskFacts:
    return workshop.task(
        segments=[(segment["start"], segment["stop"]) for segment in case["jobs"]],
        labels=msgspec.convert(case["labels"], list[LabelSpec]),
        overlap=case["overlap"],
        segment_size=case["segment_size"],
    )


async def repeat(workshop: Workshop, task: TaskFacts, write: dict[str, Any]) -> None:
    if write["write"].startswith("task"):
        answer = await workshop.on_task(task, "PUT", "/", json=write["body"])
    else:
        _, number, _, action = write["write"].split()
        body = write["body"]
        if action == "update":
            stored = await workshop.read(task, int(number))
            body["tracks"][0]["id"] = stored["tracks"][0]["id"]
        answer = await workshop.job(task, int(number), "PATCH", f"/?action={action}", json=body)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", NAMES)
async def test_writes_on_overlapping_jobs_read_back_as_recorded(workshop: Workshop, name: str) -> None:
    case = read_golden(f"merge/{name}.json")
    task = recorded_task(workshop, case)
    first_body: Any = None
    for write in case["writes"]:
        write.setdefault("body", first_body)
        first_body = first_body or write["body"]
        await repeat(workshop, task, write)
    merged = (await workshop.on_task(task, "GET")).json()
    found = [merged, *[await workshop.read(task, index) for index in range(len(case["jobs"]))]]
    expected = [golden_document(document) for document in [case["task"], *case["per_job"]]]
    if name in REPEATED_KEYFRAME:
        for document in expected:
            for track in document.tracks:
                normalise_track(track)
    assert [comparable(golden_document(document)) for document in found] == [comparable(each) for each in expected]


@pytest.mark.parametrize("key", ["a_images", "b_video", "d_3d"])
async def test_recorded_objects_are_stored_and_read_as_recorded(workshop: Workshop, key: str) -> None:
    facts = read_golden(f"objects/{key}/task.json")
    jobs = read_golden(f"objects/{key}/jobs.json")
    task = workshop.task(
        segments=[(job["start_frame"], job["stop_frame"]) for job in jobs],
        labels=msgspec.convert(read_golden(f"objects/{key}/labels.json"), list[LabelSpec]),
        overlap=facts["overlap"] or 0,
        dimension=facts["dimension"],
    )
    for index, sent in enumerate(read_golden(f"objects/{key}/sent-annotations.json")):
        answer = await workshop.job(task, index, "PUT", json=sent)
        assert answer.status_code == 200, answer.text
    merged = golden_document((await workshop.on_task(task, "GET")).json())
    assert comparable(merged) == comparable(golden_document(read_golden(f"objects/{key}/annotations.json")))
