"""Data of deleted tasks and abandoned uploads go away."""

from datetime import timedelta

from limner_common.bus.port import Delivery
from limner_common.ids import new_uuid
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from tests.integration.media.studio import TASK, Files, Studio, encoded, tus_metadata
from tests.support.pictures import picture

PICTURES: Files = [(f"img_{number:02d}.png", encoded(picture(number, 40, 30))) for number in range(3)]
PATH = f"/api/tasks/{TASK}/data/"


async def delete_task(studio: Studio, task_id: int = TASK) -> None:
    event = TaskEvent(task_id=task_id)
    event.deleted.SetInParent()
    delivery = Delivery(new_uuid(), "limner.catalog.task.v1", str(task_id), event.SerializeToString(), {}, 1)
    (consumer,) = studio.bench.installation.services["media"].definition.consumers(studio.container)
    for _ in range(2):  # at least once means: twice
        async with studio.container.database.begin() as uow:
            await consumer.handle(uow, delivery)


async def cached(studio: Studio) -> int:
    return len([path for path in (studio.objects_folder.parent / "cache").rglob("=*") if path.is_file()])


async def test_a_deleted_task_leaves_nothing(studio: Studio) -> None:
    await studio.create(PICTURES)
    await studio.create(PICTURES[:1], task_id=TASK + 1)
    await studio.get("", type="chunk", number=0)
    assert await cached(studio) == 1
    await delete_task(studio)
    await studio.work()
    assert await cached(studio) == 0
    assert [key.split("/")[2] for key in studio.stored()] == [str(TASK + 1)]
    assert (await studio.count("data"), await studio.count("frames"), await studio.count("uploads")) == (1, 1, 0)
    assert (await studio.client(version="2").get(f"{PATH}meta")).status_code == 404


async def test_a_task_deleted_before_its_ingest(studio: Studio) -> None:
    await studio.send(PICTURES)
    await delete_task(studio)
    await studio.work()
    assert studio.stored() == []
    assert (await studio.count("data"), await studio.count("uploads")) == (0, 0)


async def test_abandoned_uploads_are_swept(studio: Studio) -> None:
    create = await studio.task.post(PATH, headers={"Upload-Length": "50", "Upload-Metadata": tus_metadata("a.png")})
    address = create.headers["location"].removeprefix("http://limner.test")
    await studio.task.patch(address, headers={"Upload-Offset": "0"}, content=b"x" * 20)
    await studio.task.post(PATH, headers={"Upload-Multiple": ""}, files=[("client_files[0]", PICTURES[0])])
    assert await studio.container.cleaning.sweep(timedelta(hours=1)) == 0
    assert len(studio.stored()) == 2
    assert await studio.container.cleaning.sweep(timedelta(0)) == 2
    assert studio.stored() == []
    assert await studio.count("uploads") == 0


async def test_uploads_of_work_that_ended_without_them_are_swept(studio: Studio) -> None:
    request_id = (await studio.send(PICTURES)).json()["rq_id"]
    async with studio.container.database.begin() as uow:
        await studio.container.queue.request_cancel(uow, request_id)
    assert await studio.container.cleaning.sweep(timedelta(hours=1)) == 3
    assert studio.stored() == []


async def test_uploads_that_work_waits_for_are_kept(studio: Studio) -> None:
    await studio.send(PICTURES)
    assert await studio.container.cleaning.sweep(timedelta(0)) == 0
    await studio.work()
    assert len(await studio.names()) == 3
