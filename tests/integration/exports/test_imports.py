"""Imports into tasks and jobs: what was exported comes back, all or nothing, once."""

import asyncio
import base64
import zipfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from limner_common.clock import utc_now
from limner_model.annotations import LabeledData, Shape
from limner_model.interpolation import sweep
from tests.integration.exports.depot import BASE_URL, BOB, Depot, box, polygon, tag, track, zipped
from tests.support.pictures import write_video

DATA = LabeledData(tags=[tag(1)], shapes=[box(0), box(1, 20.0), polygon(1), box(3, 7.5)], tracks=[track(0, 2)])
ROUND_TRIPS = [
    ("CVAT for images 1.1", "CVAT 1.1"),
    ("CVAT for video 1.1", "CVAT 1.1"),
    ("COCO 1.0", "COCO 1.0"),
    ("Datumaro 1.0", "Datumaro 1.0"),
    ("PASCAL VOC 1.1", "PASCAL VOC 1.1"),
    ("YOLO 1.1", "YOLO 1.1"),
    ("Ultralytics YOLO Detection 1.0", "Ultralytics YOLO Detection 1.0"),
    ("Ultralytics YOLO Segmentation 1.0", "Ultralytics YOLO Segmentation 1.0"),
]


def boxes(shapes: Iterable[Shape]) -> list[tuple[int, int, list[float]]]:
    found = [(shape.frame, shape.label_id, [round(value, 1) for value in shape.points]) for shape in shapes]
    return sorted(found)


def seen(data: LabeledData) -> list[Any]:
    """Boxes and polygons on all frames, those of tracks included."""

    return sorted(
        (frame.frame, shape.label_id, str(shape.type), [round(value, 1) for value in shape.points])
        for frame in sweep(data, frames=range(4))
        for shape in frame.shapes
    )


@pytest.mark.parametrize(("exporter", "importer"), ROUND_TRIPS, ids=[name for name, _ in ROUND_TRIPS])
async def test_what_was_exported_comes_back(depot: Depot, exporter: str, importer: str) -> None:
    task = await depot.image_task(segments=[(0, 1), (2, 3)])
    await depot.annotate(task.id, DATA)
    archive = (await depot.export("task", task.id, exporter, save_images=True)).content
    before = seen(await depot.read(task.id))
    await depot.annotate(task.id, LabeledData(), request_id="empty")
    item = await depot.import_file("task", task.id, importer, archive)
    assert item.state == "done", item.message
    found = await depot.read(task.id)
    kinds = {"polygon"} if "Segmentation" in exporter else {"rectangle", "polygon"}
    if exporter in ("YOLO 1.1", "Ultralytics YOLO Detection 1.0", "PASCAL VOC 1.1"):
        kinds = {"rectangle"}
    assert seen(found) == [row for row in before if row[2] in kinds]
    assert depot.stored() == [name for name in depot.stored() if name.startswith("results/")]
    assert await depot.count("uploads") == 0


async def test_a_job_takes_what_is_on_its_frames(depot: Depot) -> None:
    task = await depot.image_task(segments=[(0, 1), (2, 3)])
    await depot.annotate(task.id, LabeledData(shapes=[box(0), box(1), box(2), box(3)]))
    archive = (await depot.export("task", task.id, "CVAT for images 1.1")).content
    await depot.annotate(task.id, LabeledData(shapes=[box(0, 30.0)]), request_id="other")
    item = await depot.import_file("job", task.jobs[1].id, "CVAT 1.1", archive)
    assert item.state == "done", item.message
    assert item.result is not None and item.result["objects"] == 2
    assert [row[0] for row in boxes((await depot.read(task.id)).shapes)] == [0, 2, 3]


async def test_appending_keeps_what_is_there(depot: Depot) -> None:
    task = await depot.image_task()
    await depot.annotate(task.id, LabeledData(shapes=[box(0)]))
    archive = (await depot.export("task", task.id, "YOLO 1.1")).content
    await depot.import_file("task", task.id, "YOLO 1.1", archive, import_mode="append")
    assert len((await depot.read(task.id)).shapes) == 2
    await depot.import_file("task", task.id, "YOLO 1.1", archive, import_mode="replace")
    assert len((await depot.read(task.id)).shapes) == 1


async def test_one_import_is_one_revision_per_job(depot: Depot) -> None:
    task = await depot.image_task(segments=[(0, 1), (2, 3)])
    await depot.annotate(task.id, DATA)
    before = await depot.revisions(task.id)
    archive = (await depot.export("task", task.id, "CVAT for images 1.1")).content
    await depot.import_file("task", task.id, "CVAT 1.1", archive)
    assert await depot.revisions(task.id) == {job_id: revision + 1 for job_id, revision in before.items()}


async def test_a_bare_annotation_file_is_taken(depot: Depot) -> None:
    task = await depot.image_task()
    document = b"""<annotations><image id="1" name="image_001.png" width="64" height="48">
        <box label="car" xtl="1" ytl="2" xbr="11" ybr="12" occluded="0"/></image></annotations>"""
    item = await depot.import_file("task", task.id, "CVAT 1.1", document, name="x.xml")
    assert item.state == "done", item.message
    assert boxes((await depot.read(task.id)).shapes) == [(1, 1, [1.0, 2.0, 11.0, 12.0])]


def coco(image: str, category: str) -> bytes:
    return f"""{{"images": [{{"id": 1, "file_name": "{image}", "width": 64, "height": 48}}],
        "categories": [{{"id": 1, "name": "{category}"}}],
        "annotations": [{{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0,
            "segmentation": []}}]}}""".encode()


@pytest.mark.parametrize(
    ("format_name", "name", "data", "named"),
    [
        ("COCO 1.0", "x.json", coco("image_000.png", "zeppelin"), ["zeppelin", "image_000"]),
        ("COCO 1.0", "x.json", coco("nowhere.png", "car"), ["nowhere"]),
        ("COCO 1.0", "x.json", b'{"images": [', ["x.json"]),
        ("CVAT 1.1", "x.xml", b'<annotations><image id="0" name="image_000.png"', ["x.xml"]),
        ("YOLO 1.1", "x.zip", b"this is no archive", ["x.zip"]),
        ("YOLO 1.1", "x.zip", zipped({"../../etc/passwd": b"root"}), ["etc/passwd"]),
    ],
    ids=["label", "image", "json", "xml", "no-archive", "outside"],
)
async def test_a_wrong_file_is_named_and_changes_nothing(
    depot: Depot, format_name: str, name: str, data: bytes, named: list[str]
) -> None:
    task = await depot.image_task()
    await depot.annotate(task.id, DATA)
    before = await depot.revisions(task.id)
    item = await depot.import_file("task", task.id, format_name, data, name)
    assert item.state == "failed"
    for word in named:
        assert word in item.message
    assert await depot.revisions(task.id) == before
    assert (depot.stored(), depot.scratch(), await depot.count("uploads")) == ([], [], 0)


async def test_an_error_at_the_end_of_a_large_file_undoes_what_was_sent_before(depot: Depot) -> None:
    task = await depot.image_task()
    await depot.annotate(task.id, LabeledData(shapes=[box(0)]))
    good = "\n".join('<box label="car" xtl="1" ytl="2" xbr="11" ybr="12" occluded="0"/>' for _ in range(9000))
    document = f"""<annotations><image id="0" name="image_000.png">{good}</image>
        <image id="1" name="image_001.png"><box label="zeppelin" xtl="1" ytl="2" xbr="3" ybr="4"/></image></annotations>"""
    item = await depot.import_file("task", task.id, "CVAT 1.1", document.encode(), name="x.xml")
    assert (item.state, "zeppelin" in item.message) == ("failed", True)
    assert len((await depot.read(task.id)).shapes) == 1


async def test_a_bomb_is_refused(depot: Depot) -> None:
    task = await depot.image_task()
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotations.xml", b" " * (64 << 20))
    item = await depot.import_file("task", task.id, "CVAT 1.1", out.getvalue())
    assert (item.state, "compressed" in item.message) == ("failed", True)


async def test_wrong_parameters_are_refused_before_the_upload(depot: Depot) -> None:
    await depot.image_task()
    client = depot.client("task", 7, "import")
    for query in (
        {"format": "NOPE 9"},
        {"format": "CVAT for nothing 1.1"},
        {"format": "YOLO 1.1", "import_mode": "merge"},
        {"format": "YOLO 1.1", "location": "cloud_storage"},
    ):
        answer = await client.post("/api/tasks/7/annotations/", params=query, headers={"Upload-Start": ""})
        assert answer.status_code == 400
    wrong_place = await client.post("/api/tasks/7/dataset", params={"format": "YOLO 1.1"})
    assert wrong_place.status_code == 404


async def test_a_second_import_at_a_time_is_a_conflict(depot: Depot) -> None:
    task = await depot.image_task()
    archive = (await depot.export("task", task.id, "YOLO 1.1")).content
    assert (await depot.ask_import("task", task.id, "YOLO 1.1", archive)).status_code == 202
    assert (await depot.ask_import("task", task.id, "YOLO 1.1", archive)).status_code == 409
    await depot.work()
    assert await depot.count("uploads") == 0


async def test_a_resumable_upload_is_imported(depot: Depot) -> None:
    task = await depot.image_task()
    await depot.annotate(task.id, LabeledData(shapes=[box(2)]))
    archive = (await depot.export("task", task.id, "COCO 1.0")).content
    await depot.annotate(task.id, LabeledData(), request_id="empty")
    client = depot.client("task", task.id, "import")
    path, query = f"/api/tasks/{task.id}/annotations/", {"format": "COCO 1.0", "filename": "y.zip"}
    assert (await client.post(path, params=query, headers={"Upload-Start": "true"})).status_code == 202
    name = base64.b64encode(b"/home/ann/y.zip").decode()
    creation = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(archive)), "Upload-Metadata": f"filename {name}"}
    created = await client.post(path, headers=creation)
    assert (created.status_code, created.headers["upload-filename"]) == (201, "y.zip")
    location = created.headers["location"]
    assert location.startswith(f"{BASE_URL}{path}")
    address = location.removeprefix(BASE_URL)
    early = await client.post(path, params=query, headers={"Upload-Finish": "true"})
    assert early.status_code == 400
    for start in (0, 100):
        piece = archive[start : 100 if start == 0 else None]
        patched = await client.patch(address, content=piece, headers={"Upload-Offset": str(start)})
        assert patched.status_code == 204
    head = await client.head(address)
    assert (head.status_code, head.headers["upload-offset"]) == (200, str(len(archive)))
    assert (await client.request("OPTIONS", address)).status_code == 204
    assert (await depot.client("task", task.id, "import", user_id=BOB).head(address)).status_code == 404
    finished = await client.post(path, params=query, headers={"Upload-Finish": "true"})
    assert finished.status_code == 202
    assert '"type":"import:annotations"' in finished.headers["x-limner-request"]
    await depot.work()
    assert (await depot.item(finished.json()["rq_id"])).state == "done"
    assert len((await depot.read(task.id)).shapes) == 1


async def test_finishing_without_a_file_is_refused(depot: Depot) -> None:
    await depot.image_task()
    client = depot.client("task", 7, "import")
    query = {"format": "COCO 1.0", "filename": "y.zip"}
    answer = await client.post("/api/tasks/7/annotations", params=query, headers={"Upload-Finish": "true"})
    assert (answer.status_code, answer.json()) == (400, ["No such file were uploaded"])


async def test_an_import_interrupted_after_it_was_stored_is_not_stored_twice(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await depot.image_task()
    await depot.annotate(task.id, DATA)
    archive = (await depot.export("task", task.id, "CVAT for images 1.1")).content
    before = await depot.revisions(task.id)
    client = depot.container.annotations
    import_task = client.import_task
    reached = asyncio.Event()

    async def import_and_hang(*arguments: Any, **options: Any) -> Any:
        await import_task(*arguments, **options)
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(client, "import_task", import_and_hang)
    asked = await depot.ask_import("task", task.id, "CVAT 1.1", archive, import_mode="append")
    working = asyncio.create_task(depot.bench.installation.worker("exports").run_until_idle())
    await reached.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    monkeypatch.undo()
    async with depot.container.database.begin() as uow:
        await uow.execute(sa.update(uow.table("work_items")).values(run_at=utc_now()))
    await depot.work()
    assert (await depot.item(asked.json()["rq_id"])).state == "done"
    assert await depot.revisions(task.id) == {job_id: revision + 1 for job_id, revision in before.items()}


async def test_uploads_of_an_import_cancelled_before_it_began_are_swept(depot: Depot) -> None:
    task = await depot.image_task()
    archive = (await depot.export("task", task.id, "YOLO 1.1")).content
    asked = await depot.ask_import("task", task.id, "YOLO 1.1", archive)
    internal = depot.bench.internal_client("exports", "media")
    await internal.post(f"/internal/exports/work/{asked.json()['rq_id']}/cancel")
    await depot.work()
    assert await depot.count("uploads") == 1
    assert await depot.container.cleaning.sweep() == 1
    assert await depot.count("uploads") == 0
    assert [name for name in depot.stored() if name.startswith("imports/")] == []


async def test_tracks_of_a_video_come_back(depot: Depot, tmp_path: Path) -> None:
    task = await depot.video_task(write_video(tmp_path / "film.mp4", 6), frames=6)
    await depot.annotate(task.id, LabeledData(tracks=[track(1, 3)]))
    before = await depot.read(task.id)
    archive = (await depot.export("task", task.id, "CVAT for video 1.1")).content
    item = await depot.import_file("task", task.id, "CVAT 1.1", archive)
    assert item.state == "done", item.message
    found = await depot.read(task.id)
    assert found.shapes == [] and len(found.tracks) == 1
    keys = [(key.frame, key.outside, key.points) for key in found.tracks[0].shapes]
    assert keys[0] == (1, False, before.tracks[0].shapes[0].points)
    assert keys[-1][:2] == (4, True)


async def test_an_archive_in_a_bucket_is_read_from_a_copy(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner_exports.importing.archives.local_path", lambda _location: None)
    task = await depot.image_task()
    await depot.annotate(task.id, LabeledData(shapes=[box(0)]))
    archive = (await depot.export("task", task.id, "YOLO 1.1")).content
    item = await depot.import_file("task", task.id, "YOLO 1.1", archive, import_mode="append")
    assert item.state == "done", item.message
    assert len((await depot.read(task.id)).shapes) == 2
    assert depot.scratch() == []


async def test_an_import_waits_for_a_service_that_is_away(depot: Depot) -> None:
    task = await depot.image_task()
    archive = (await depot.export("task", task.id, "YOLO 1.1")).content
    depot.catalog.is_down = True
    item = await depot.import_file("task", task.id, "YOLO 1.1", archive)
    assert (item.state, item.attempts) == ("queued", 1)
    depot.catalog.is_down = False
    async with depot.container.database.begin() as uow:
        await uow.execute(sa.update(uow.table("work_items")).values(run_at=utc_now()))
    await depot.work()
    assert (await depot.item(item.id)).state == "done"
