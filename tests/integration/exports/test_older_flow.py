"""The older ways to export and to follow an import, as recorded from their servers."""

from datetime import timedelta

import sqlalchemy as sa

from limner_common.clock import utc_now
from limner_model.annotations import LabeledData
from tests.integration.exports.depot import BOB, Depot, box, members, zipped

QUERY = {"format": "COCO 1.0", "filename": "my.zip"}


async def test_polling_ends_in_the_file_and_begins_anew_after_it(depot: Depot) -> None:
    task = await depot.image_task()
    await depot.annotate(task.id, LabeledData(shapes=[box(0)]))
    client = depot.client("task", task.id)
    path = f"/api/tasks/{task.id}/annotations"
    first = await client.get(path, params=QUERY)
    assert (first.status_code, first.content) == (202, b"")
    assert "x-limner-request" in first.headers
    assert (await client.get(path, params=QUERY)).status_code == 202
    assert await depot.count("work_items") == 1
    await depot.work()
    assert (await client.get(path, params=QUERY)).status_code == 201
    assert (await client.get(path, params=QUERY)).status_code == 201
    download = await client.get(path, params={**QUERY, "action": "download"})
    assert download.status_code == 200
    assert download.headers["content-disposition"] == 'attachment; filename="my.zip"'
    assert members(download.content)
    assert (await client.get(path, params={**QUERY, "action": "download"})).content == download.content
    assert (await client.get(path, params=QUERY)).status_code == 202


async def test_everybody_has_his_own_export(depot: Depot) -> None:
    task = await depot.image_task()
    path = f"/api/tasks/{task.id}/dataset"
    await depot.client("task", task.id).get(path, params=QUERY)
    await depot.work()
    assert (await depot.client("task", task.id).get(path, params=QUERY)).status_code == 201
    assert (await depot.client("task", task.id, user_id=BOB).get(path, params=QUERY)).status_code == 202
    assert (await depot.client("task", task.id).get(f"{path}/", params={"format": "YOLO 1.1"})).status_code == 202


async def test_a_dataset_has_pictures_and_annotations_have_none(depot: Depot) -> None:
    task = await depot.image_task()
    job = task.jobs[0].id
    for subject, has_pictures in (("dataset", True), ("annotations", False)):
        path = f"/api/jobs/{job}/{subject}"
        await depot.client("job", job).get(path, params=QUERY)
        await depot.work()
        answer = await depot.client("job", job).get(path, params={**QUERY, "action": "download"})
        assert any(name.endswith(".png") for name in members(answer.content)) is has_pictures


async def test_wrong_polls_are_answered_as_recorded(depot: Depot) -> None:
    await depot.image_task()
    client = depot.client("task", 7)
    cases = [
        ({"format": "NOPE 9"}, ["Unknown format specified for the request"]),
        ({**QUERY, "action": "eat"}, ["Unexpected action specified for the request"]),
        ({}, "Format is not specified"),
        ({**QUERY, "action": "download"}, "Export has not finished"),
    ]
    for query, expected in cases:
        answer = await client.get("/api/tasks/7/dataset", params=query)
        assert (answer.status_code, answer.json()) == (400, expected)


async def test_a_failure_is_told_once_and_then_tried_anew(depot: Depot) -> None:
    task = await depot.image_task()
    client = depot.client("task", task.id)
    await client.get(f"/api/tasks/{task.id}/annotations", params=QUERY)
    del depot.catalog.tasks[task.id]
    await depot.work()
    depot.catalog.tasks[task.id] = task
    failed = await client.get(f"/api/tasks/{task.id}/annotations", params=QUERY)
    assert (failed.status_code, isinstance(failed.json()[0], str)) == (400, True)
    assert (await client.get(f"/api/tasks/{task.id}/annotations", params=QUERY)).status_code == 202


async def test_a_result_left_alone_for_long_is_made_again(depot: Depot) -> None:
    task = await depot.image_task()
    client = depot.client("task", task.id)
    await client.get(f"/api/tasks/{task.id}/annotations", params=QUERY)
    await depot.work()
    async with depot.container.database.begin() as uow:
        items = uow.table("work_items")
        await uow.execute(sa.update(items).values(finished_at=utc_now() - timedelta(hours=1)))
    assert (await client.get(f"/api/tasks/{task.id}/annotations", params=QUERY)).status_code == 202


async def test_an_import_is_sent_and_polled_with_put(depot: Depot) -> None:
    task = await depot.image_task()
    archive = (await depot.export("task", task.id, "CVAT for images 1.1")).content
    path, query = f"/api/tasks/{task.id}/annotations", {"format": "CVAT 1.1"}
    client = depot.client("task", task.id, "import")
    sent = await client.put(path, params=query, files={"annotation_file": ("/home/ann/y.zip", archive)})
    assert sent.status_code == 202
    poll = {**query, "rq_id": sent.json()["rq_id"]}
    assert (await client.put(path, params=poll)).status_code == 202
    stranger = depot.client("task", task.id, "import", user_id=BOB)
    assert (await stranger.put(path, params=poll)).status_code == 403
    await depot.work()
    assert (await client.put(path, params=poll)).status_code == 201
    assert (await client.put(path, params=poll)).json() == {"annotation_file": ["No file was submitted."]}
    assert (await client.put(path, params={**query, "rq_id": "import:nobody"})).status_code == 403


async def test_a_failed_import_is_polled_with_its_reason(depot: Depot) -> None:
    task = await depot.image_task()
    path, query = f"/api/tasks/{task.id}/annotations", {"format": "CVAT 1.1"}
    client = depot.client("task", task.id, "import")
    bad = zipped({"annotations.xml": b"<annotations><image"})
    sent = await client.put(path, params=query, files={"annotation_file": ("x.zip", bad)})
    await depot.work()
    answer = await client.put(path, params={**query, "rq_id": sent.json()["rq_id"]})
    assert answer.status_code == 400 and "annotations.xml" in answer.json()[0]


async def test_a_form_without_the_file_is_refused(depot: Depot) -> None:
    task = await depot.image_task()
    path, query = f"/api/tasks/{task.id}/annotations", {"format": "YOLO 1.1"}
    client = depot.client("task", task.id, "import")
    answer = await client.put(path, params=query, files={"other": ("x.zip", b"x")})
    assert (answer.status_code, answer.json()) == (400, {"annotation_file": ["No file was submitted."]})
    unknown = await client.put(path, params={"format": "NOPE 9"}, files={"annotation_file": ("y.zip", b"x")})
    assert (unknown.status_code, unknown.json()) == (400, ["Unknown input format 'NOPE 9'"])
    assert depot.stored() == []


async def test_the_import_of_a_dataset_tells_its_status(depot: Depot) -> None:
    depot.set_project(3, [])
    sent = await depot.ask_import("project", 3, "COCO 1.0", b"this is no archive", "dataset.zip")
    client, query = depot.client("project", 3), {"action": "import_status", "rq_id": sent.json()["rq_id"]}
    waiting = await client.get("/api/projects/3/dataset", params=query)
    assert (waiting.status_code, waiting.json()["state"]) == (202, "Queued")
    await depot.work()
    failed = await client.get("/api/projects/3/dataset", params=query)
    assert failed.status_code == 400 and "dataset.zip" in failed.json()[0]
    unknown = await client.get("/api/projects/3/dataset", params={"action": "import_status", "rq_id": "nobody"})
    assert unknown.status_code == 404
