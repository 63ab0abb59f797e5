"""Exports: every format of a task, parts of scopes, sameness and reuse."""

import io
from pathlib import Path

import pytest
from lxml import etree
from PIL import Image

from limner_common.grants import Grant
from limner_exports.formats import FORMATS
from limner_model.annotations import LabeledData
from limner_model.facts import JobFacts
from tests.integration.exports.depot import ANN, Depot, box, members, polygon, tag, track
from tests.support.pictures import decode_all, write_video

EXPORTED = [spec.display_name for spec in FORMATS if spec.export_ext]
DATA = LabeledData(tags=[tag(1)], shapes=[box(0), box(1, 20.0), polygon(1), box(3, 7.5)], tracks=[track(0, 2)])


def annotations_of(archive: bytes) -> etree._Element:
    return etree.fromstring(members(archive)["annotations.xml"])


def listed(archive: bytes) -> list[str]:
    return [str(image.get("name")) for image in annotations_of(archive).iter("image")]


@pytest.mark.parametrize("format_name", EXPORTED)
async def test_a_task_is_exported_with_its_pictures_untouched(depot: Depot, format_name: str) -> None:
    task = await depot.image_task()
    await depot.annotate(task.id, DATA)
    answer = await depot.export("task", task.id, format_name, save_images=True)
    found = members(answer.content)
    media = depot.container.media
    for number in range(4):
        stored, _ = await media.frame(task.id, number, "raw")
        assert stored in found.values()
    assert depot.scratch() == []


@pytest.mark.parametrize("format_name", EXPORTED)
async def test_a_job_and_a_project_are_exported_in_each_format(depot: Depot, format_name: str) -> None:
    task = await depot.image_task(segments=[(0, 1), (2, 3)])
    depot.set_project(3, [task])
    await depot.annotate(task.id, DATA)
    for kind, object_id in (("job", task.jobs[1].id), ("project", 3)):
        answer = await depot.export(kind, object_id, format_name)
        assert members(answer.content)


async def test_a_job_has_its_own_frames_only(depot: Depot) -> None:
    task = await depot.image_task(segments=[(0, 1), (2, 3)])
    await depot.annotate(task.id, DATA)
    answer = await depot.export("job", task.jobs[1].id, "CVAT for images 1.1", save_images=True)
    assert listed(answer.content) == ["image_002.png", "image_003.png"]
    assert len(annotations_of(answer.content).findall(".//box")) == 2  # the end of the track, and a shape
    assert sorted(name for name in members(answer.content) if name.startswith("images/")) == [
        "images/image_002.png",
        "images/image_003.png",
    ]


async def test_a_job_of_hand_picked_frames_has_just_these(depot: Depot) -> None:
    task = await depot.image_task()
    truth = JobFacts(id=task.id * 100 + 50, type="ground_truth", start_frame=0, stop_frame=3, frames=[0, 3])
    task = depot.set_task(task.id, size=4, mode="annotation", jobs=[*task.jobs, truth])
    answer = await depot.export("job", truth.id, "CVAT for images 1.1")
    assert listed(answer.content) == ["image_000.png", "image_003.png"]


async def test_a_job_nobody_wrote_to_is_exported_empty(depot: Depot) -> None:
    task = await depot.image_task()
    answer = await depot.export("job", task.jobs[0].id, "CVAT for images 1.1")
    assert len(listed(answer.content)) == 4


async def test_deleted_frames_are_left_out(depot: Depot) -> None:
    task = await depot.image_task()
    await depot.annotate(task.id, DATA)
    facts = {"task_id": task.id, "version": "1"}
    grant = Grant(issuer="api", action="task:update:metadata", user_id=ANN, username="ann", facts=facts)
    answer = await depot.bench.client("media", grant).patch(f"/api/tasks/{task.id}/data/meta", json={"deleted_frames": [1]})
    assert answer.status_code == 200, answer.text
    exported = await depot.export("task", task.id, "CVAT for images 1.1", save_images=True)
    assert listed(exported.content) == ["image_000.png", "image_002.png", "image_003.png"]


async def test_a_video_is_exported_as_tracks_and_pictures(depot: Depot, tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.mp4", 6)
    task = await depot.video_task(video, frames=6)
    await depot.annotate(task.id, LabeledData(shapes=[box(4)], tracks=[track(1, 3)]))
    answer = await depot.export("task", task.id, "CVAT for video 1.1", save_images=True)
    document = annotations_of(answer.content)
    frames = [[int(str(row.get("frame"))) for row in found.iter("box")] for found in document.iter("track")]
    assert frames == [[1, 2, 3, 4], [4, 5]]
    pictures = {name: data for name, data in members(answer.content).items() if name.startswith("images/")}
    assert sorted(pictures) == [f"images/frame_{number:06d}.PNG" for number in range(6)]
    third = Image.open(io.BytesIO(pictures["images/frame_000003.PNG"])).convert("RGB")
    assert third.tobytes() == decode_all(video)[3].tobytes()


async def test_a_project_joins_its_tasks(depot: Depot) -> None:
    first = await depot.image_task(11, frames=2, subset="train")
    second = await depot.image_task(12, frames=3, subset="train")
    third = await depot.image_task(13, frames=1, subset="")
    empty = depot.set_task(14, size=0)
    depot.set_project(3, [first, second, third, empty])
    await depot.annotate(second.id, LabeledData(shapes=[box(1)]))
    answer = await depot.export("project", 3, "CVAT for images 1.1", save_images=True)
    rows = [
        (image.get("id"), image.get("name"), image.get("subset"), image.get("task_id"), len(image))
        for image in annotations_of(answer.content).iter("image")
    ]
    assert rows == [
        ("0", "image_000.png", "default", "13", 0),
        ("0", "image_000.png", "train", "11", 0),
        ("1", "image_001.png", "train", "11", 0),
        ("2", "image_000_1.png", "train", "12", 0),
        ("3", "image_001_1.png", "train", "12", 1),
        ("4", "image_002.png", "train", "12", 0),
    ]
    assert "images/train/image_001_1.png" in members(answer.content)


async def test_a_project_without_data_is_exported_empty(depot: Depot) -> None:
    depot.set_project(3, [])
    for name in EXPORTED:
        answer = await depot.export("project", 3, name)
        assert "image" not in "".join(name for name in members(answer.content) if name.endswith(".png"))


@pytest.mark.parametrize("format_name", EXPORTED)
async def test_the_same_revisions_give_the_same_bytes(depot: Depot, format_name: str) -> None:
    task = await depot.image_task()
    await depot.annotate(task.id, DATA)
    first = await depot.export("task", task.id, format_name, save_images=True)
    async with depot.container.database.begin() as uow:
        await uow.execute(uow.table("results").delete())
    second = await depot.export("task", task.id, format_name, save_images=True)
    assert len(depot.stored()) == 2
    assert second.content == first.content
    assert second.headers["etag"] == first.headers["etag"]


async def test_an_unexpired_result_is_used_again(depot: Depot) -> None:
    task = await depot.image_task()
    await depot.annotate(task.id, DATA)
    first = await depot.export("task", task.id, "COCO 1.0")
    again = await depot.export("task", task.id, "COCO 1.0", filename="mine.zip")
    assert again.content == first.content
    assert len(depot.stored()) == 1
    assert again.headers["content-disposition"] == 'attachment; filename="mine.zip"'
    await depot.annotate(task.id, LabeledData(shapes=[box(0)]), request_id="later")
    changed = await depot.export("task", task.id, "COCO 1.0")
    assert changed.content != first.content
    await depot.export("task", task.id, "COCO 1.0", save_images=True)
    assert len(depot.stored()) == 3


async def test_a_file_name_holds_only_what_clients_accept(depot: Depot) -> None:
    task = await depot.image_task()
    answer = await depot.export("task", task.id, "Ultralytics YOLO Detection 1.0")
    name = answer.headers["content-disposition"].removeprefix('attachment; filename="').removesuffix('"')
    assert name.startswith("task_street_strae_7_annotations_2") and name.endswith("_ultralytics_yolo_detection_1.0.zip")
    assert name.isascii() and name == name.lower()


async def test_the_request_is_told_of(depot: Depot) -> None:
    task = await depot.image_task()
    asked = await depot.ask_export("task", task.id, "COCO 1.0", save_images=True)
    assert '"type":"export:dataset"' in asked.headers["x-limner-request"]
    request_id = asked.json()["rq_id"]
    await depot.work()
    events = await depot.events(request_id)
    facts = [event.WhichOneof("fact") for event in events]
    assert (facts[0], facts[-1]) == ("queued", "finished")
    finished = events[-1].finished
    assert finished.result_path == f"/api/tasks/{task.id}/dataset/download?rq_id={request_id}"
    assert finished.expires_at.seconds > events[-1].meta.occurred_at.seconds + 23 * 3600
