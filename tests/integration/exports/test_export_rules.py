"""What is refused, stopped, resumed and cleaned up about exports."""

import asyncio
import shutil
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from limner_common.bus.port import Delivery
from limner_common.clock import utc_now
from limner_common.ids import new_uuid
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from limner_exports.cleaning.events import consumer
from limner_exports.exporting.frames import ScopeReader
from limner_model.annotations import LabeledData
from tests.integration.exports.depot import BOB, ROOT, Depot, box


async def started(depot: Depot, **params: Any) -> str:
    """Make a task and ask for an export of it."""
    task = await depot.image_task()
    await depot.annotate(task.id, LabeledData(shapes=[box(0)]))
    answer = await depot.ask_export("task", task.id, "COCO 1.0", **params)
    assert answer.status_code == 202
    return str(answer.json()["rq_id"])


async def finished(depot: Depot) -> str:
    request_id = await started(depot)
    await depot.work()
    return request_id


PATH = "/api/tasks/7/dataset/download"


@pytest.mark.parametrize(
    "params",
    [
        {"format": "NOPE 9"},
        {"format": "CVAT 1.1"},
        {"format": ""},
        {"location": "cloud_storage", "cloud_storage_id": "4"},
        {"location": "moon"},
        {"save_images": "maybe"},
    ],
    ids=["unknown", "import-only", "none", "cloud", "elsewhere", "flag"],
)
async def test_wrong_parameters_are_refused(depot: Depot, params: dict[str, str]) -> None:
    await depot.image_task()
    query = {"format": "COCO 1.0", **params}
    answer = await depot.client("task", 7).post("/api/tasks/7/dataset/export", params=query)
    assert answer.status_code == 400
    assert await depot.count("work_items") == 0


async def test_a_format_of_another_dimension_is_refused(depot: Depot) -> None:
    depot.set_task(7, size=4, dimension="3d")
    answer = await depot.ask_export("task", 7, "COCO 1.0")
    assert (answer.status_code, "2d" in answer.text) == (400, True)


async def test_a_task_without_data_is_refused(depot: Depot) -> None:
    depot.set_task(7, size=0)
    assert (await depot.ask_export("task", 7, "COCO 1.0")).status_code == 400


async def test_the_same_export_twice_at_a_time_is_a_conflict(depot: Depot) -> None:
    await started(depot)
    assert (await depot.ask_export("task", 7, "COCO 1.0")).status_code == 409
    assert (await depot.ask_export("task", 7, "COCO 1.0", save_images=True)).status_code == 202
    assert (await depot.ask_export("task", 7, "YOLO 1.1")).status_code == 202


async def test_a_grant_for_something_else_is_refused(depot: Depot) -> None:
    await depot.image_task()
    client = depot.client("task", 8)
    assert (await client.post("/api/tasks/7/dataset/export", params={"format": "COCO 1.0"})).status_code == 403
    importing = depot.client("task", 7, "import")
    assert (await importing.post("/api/tasks/7/dataset/export", params={"format": "COCO 1.0"})).status_code == 403


async def test_ranges_are_answered(depot: Depot) -> None:
    request_id = await finished(depot)
    client = depot.client("task", 7)
    whole = await client.get(PATH, params={"rq_id": request_id})
    size = len(whole.content)
    assert int(whole.headers["content-length"]) == size
    assert "content-encoding" not in whole.headers
    for value, expected in (("bytes=0-9", slice(0, 10)), ("bytes=-5", slice(size - 5, size)), ("bytes=7-", slice(7, size))):
        part = await client.get(PATH, params={"rq_id": request_id}, headers={"Range": value})
        assert (part.status_code, part.content) == (206, whole.content[expected])
        assert part.headers["content-range"] == f"bytes {expected.start}-{expected.stop - 1}/{size}"
    outside = await client.get(PATH, params={"rq_id": request_id}, headers={"Range": f"bytes={size}-"})
    assert (outside.status_code, outside.headers["content-range"]) == (416, f"bytes */{size}")
    other = {"Range": "bytes=0-1", "If-Range": '"old"'}
    assert (await client.get(PATH, params={"rq_id": request_id}, headers=other)).content == whole.content
    head = await client.head(PATH, params={"rq_id": request_id})
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(size), b"")
    known = await client.get(PATH, params={"rq_id": request_id}, headers={"If-None-Match": whole.headers["etag"]})
    assert known.status_code == 304


async def test_only_the_owner_and_administrators_download(depot: Depot) -> None:
    request_id = await finished(depot)
    query = {"rq_id": request_id}
    assert (await depot.client("task", 7, user_id=BOB).get(PATH, params=query)).status_code == 403
    assert (await depot.client("task", 7, user_id=ROOT, privilege="admin").get(PATH, params=query)).status_code == 200


async def test_results_are_found_under_their_own_target_only(depot: Depot) -> None:
    request_id = await finished(depot)
    await depot.image_task(9)
    answer = await depot.client("task", 9).get("/api/tasks/9/dataset/download", params={"rq_id": request_id})
    assert answer.status_code == 404


async def test_a_result_is_not_there_before_its_end_nor_after_its_time(depot: Depot) -> None:
    client = depot.client("task", 7)
    request_id = await started(depot)
    assert (await client.get(PATH, params={"rq_id": request_id})).status_code == 400
    await depot.work()
    assert (await client.get(PATH, params={"rq_id": request_id})).status_code == 200
    assert (await client.get(PATH, params={"rq_id": "export-dataset-unknown"})).status_code == 404
    await expire(depot)
    assert (await client.get(PATH, params={"rq_id": request_id})).status_code == 404


async def expire(depot: Depot) -> None:
    async with depot.container.database.begin() as uow:
        await uow.execute(sa.update(uow.table("results")).values(expires_at=utc_now() - timedelta(seconds=1)))


async def test_expired_files_are_swept_with_the_last_request_that_has_them(depot: Depot) -> None:
    await finished(depot)
    await depot.export("task", 7, "COCO 1.0")
    assert (len(depot.stored()), await depot.count("results")) == (1, 2)
    assert await depot.container.cleaning.sweep() == 0
    await expire(depot)
    assert await depot.container.cleaning.sweep() == 1
    assert (depot.stored(), await depot.count("results")) == ([], 0)


async def test_an_object_without_a_result_is_swept_once_it_is_old(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    await finished(depot)
    await depot.container.resources.objects.put_bytes("exports/results/lost-1.zip", b"x")
    await depot.container.cleaning.sweep()
    assert len(depot.stored()) == 2
    monkeypatch.setattr("limner_exports.cleaning.service._ORPHAN_AGE", timedelta(seconds=-5))
    await depot.container.cleaning.sweep()
    assert len(depot.stored()) == 1 and "lost" not in depot.stored()[0]


async def test_results_of_a_deleted_task_go(depot: Depot) -> None:
    request_id = await finished(depot)
    event = TaskEvent(task_id=7)
    event.deleted.SetInParent()
    delivery = Delivery(
        event_id=new_uuid(),
        topic="limner.catalog.task.v1",
        key="7",
        payload=event.SerializeToString(),
        headers={},
        position=None,
    )
    async with depot.container.database.begin() as uow:
        await consumer.handle(uow, delivery)
    assert (await depot.client("task", 7).get(PATH, params={"rq_id": request_id})).status_code == 404
    await depot.container.cleaning.sweep()
    assert depot.stored() == []


async def test_a_failed_export_leaves_nothing_behind(depot: Depot) -> None:
    request_id = await started(depot, save_images=True)
    shutil.rmtree(depot.objects_folder / "media")
    await depot.work()
    item = await depot.item(request_id)
    while item.state == "queued":  # tried again until it is given up
        async with depot.container.database.begin() as uow:
            await uow.execute(sa.update(uow.table("work_items")).values(run_at=utc_now()))
        await depot.work()
        item = await depot.item(request_id)
    assert item.state == "failed" and item.message
    assert (depot.stored(), depot.scratch(), await depot.count("results")) == ([], [], 0)
    answer = await depot.client("task", 7).get(PATH, params={"rq_id": request_id})
    assert (answer.status_code, answer.json()) == (400, [item.message])


async def test_a_running_export_is_cancelled_between_frames(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id = await started(depot)
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()
    frames_of = ScopeReader._frames_of

    def slowly(self: ScopeReader, *arguments: Any) -> Any:
        for frame in frames_of(self, *arguments):
            loop.call_soon_threadsafe(reached.set)
            while True:  # the writer waits at this frame until it is told to stop
                self._on_frame()
                yield frame

    monkeypatch.setattr(ScopeReader, "_frames_of", slowly)
    worker = depot.bench.installation.worker("exports", lease_seconds=0.3)
    working = asyncio.create_task(worker.run_until_idle())
    await reached.wait()
    internal = depot.bench.internal_client("exports", "media")
    assert (await internal.post(f"/internal/exports/work/{request_id}/cancel")).status_code == 204
    await working
    assert (await depot.item(request_id)).state == "cancelled"
    assert (depot.stored(), depot.scratch(), await depot.count("results")) == ([], [], 0)
    assert [event.WhichOneof("fact") for event in await depot.events(request_id)][-1] == "cancelled"


async def test_an_interrupted_export_is_done_once_by_the_next_worker(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id = await started(depot)
    objects = depot.container.resources.objects
    put_file = objects.put_file
    reached = asyncio.Event()

    async def put_and_hang(*arguments: Any, **options: Any) -> Any:
        await put_file(*arguments, **options)
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(objects, "put_file", put_and_hang)
    working = asyncio.create_task(depot.bench.installation.worker("exports").run_until_idle())
    await reached.wait()
    working.cancel()  # as when the process is told to stop: the object is there, its row is not
    await asyncio.gather(working, return_exceptions=True)
    monkeypatch.undo()
    assert len(depot.stored()) == 1
    async with depot.container.database.begin() as uow:
        await uow.execute(sa.update(uow.table("work_items")).values(run_at=utc_now()))
    await depot.work()
    assert (await depot.item(request_id)).state == "done"
    assert (len(depot.stored()), await depot.count("results"), depot.scratch()) == (1, 1, [])


async def test_a_result_whose_file_is_lost_is_not_found(depot: Depot) -> None:
    request_id = await finished(depot)
    await depot.container.resources.objects.delete_prefix("exports/results/")
    answer = await depot.client("task", 7).get(PATH, params={"rq_id": request_id})
    assert answer.status_code == 404


async def test_names_of_people_may_be_in_any_script(depot: Depot) -> None:
    await depot.image_task()
    client = depot.client("task", 7, username="žofie 車")
    answer = await client.post("/api/tasks/7/dataset/export", params={"format": "COCO 1.0"})
    assert answer.status_code == 202
    announced = dict(answer.headers.raw)[b"x-limner-request"]
    assert "žofie 車".encode() in announced
