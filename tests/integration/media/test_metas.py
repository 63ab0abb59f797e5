"""Meta of data, and frames marked as deleted."""

from pathlib import Path

import pytest

from limner_model.facts import JobFacts
from tests.integration.media.studio import TASK, Files, Studio, encoded
from tests.support.pictures import picture, write_video
from tests.support.queries import counted_statements

PICTURES: Files = [(f"img_{number:02d}.png", encoded(picture(number, 40, 30))) for number in range(10)]
META = f"/api/tasks/{TASK}/data/meta"


async def test_meta_of_a_task(studio: Studio) -> None:
    await studio.create(PICTURES[:2], use_cache="True", chunk_size=5)
    meta = await studio.meta()
    assert meta.pop("chunks_updated_date").endswith("Z")
    assert meta == {
        "chunk_size": 5,
        "size": 2,
        "image_quality": 70,
        "start_frame": 0,
        "stop_frame": 1,
        "frame_filter": "",
        "frames": [
            {"name": name, "width": 40, "height": 30, "related_files": 0, "has_related_context": False}
            for name, _ in PICTURES[:2]
        ],
        "deleted_frames": [],
        "included_frames": None,
        "chapters": None,
        "storage": "local",
        "cloud_storage_id": None,
    }


async def test_deleted_frames_of_a_task_are_replaced_and_told(studio: Studio) -> None:
    await studio.create(PICTURES)
    answer = await studio.task.patch(META, json={"deleted_frames": [3, 1, 3]})
    assert (answer.status_code, answer.json()["deleted_frames"], answer.json()["size"]) == (200, [1, 3], 10)
    assert len(answer.json()["frames"]) == 10
    await studio.task.patch(META, json={"deleted_frames": [3, 1]})
    assert (await studio.task.patch(META, json={})).json()["deleted_frames"] == [1, 3]
    assert (await studio.task.patch(META, json={"deleted_frames": []})).json()["deleted_frames"] == []
    changes = [event.frames_changed for event in await studio.events() if event.WhichOneof("fact") == "frames_changed"]
    assert [change.deleted_count for change in changes] == [2, 0]
    # Deleted frames can still be read.
    assert (await studio.get("", type="frame", number=1, quality="original")).status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"deleted_frames": [10]}, "The task has the frames 0 to 9, not 10."),
        ({"deleted_frames": [-1]}, "not -1"),
        ({"deleted_frames": ["a"]}, "A valid integer is required."),
        ({"deleted_frames": [True]}, "A valid integer is required."),
        ({"deleted_frames": 5}, "Expected a list"),
        ({"cloud_storage_id": 4}, "cloud"),
        ([1], "Expected a dictionary"),
    ],
)
async def test_bad_marks_are_refused(studio: Studio, body: object, message: str) -> None:
    await studio.create(PICTURES)
    answer = await studio.task.patch(META, json=body)
    assert answer.status_code == 400
    assert message in answer.text
    assert (await studio.meta())["deleted_frames"] == []


async def test_a_job_has_its_own_part(studio: Studio) -> None:
    await studio.create(PICTURES, start_frame=1, frame_filter="step=2")
    studio.set_jobs(JobFacts(id=2, type="annotation", start_frame=2, stop_frame=4))
    await studio.task.patch(META, json={"deleted_frames": [0, 3]})
    job = studio.job(2)
    meta = (await job.get("/api/jobs/2/data/meta")).json()
    assert [frame["name"] for frame in meta["frames"]] == ["img_05.png", "img_07.png", "img_09.png"]
    assert (meta["size"], meta["start_frame"], meta["stop_frame"]) == (3, 5, 9)
    assert meta["deleted_frames"] == [3]
    patched = await job.patch("/api/jobs/2/data/meta", json={"deleted_frames": [1, 4]})
    assert patched.json()["deleted_frames"] == [4]
    assert (await studio.meta())["deleted_frames"] == [0, 4]
    assert (await studio.job(3).get("/api/jobs/3/data/meta")).status_code == 404


async def test_a_job_of_hand_picked_frames(studio: Studio) -> None:
    await studio.create(PICTURES)
    studio.set_jobs(JobFacts(id=5, type="ground_truth", start_frame=1, stop_frame=4, frames=[1, 4]))
    meta = (await studio.job(5).get("/api/jobs/5/data/meta")).json()
    assert [frame["name"] for frame in meta["frames"]] == [
        "img_01.png",
        "placeholder.jpg",
        "placeholder.jpg",
        "img_04.png",
    ]
    assert (meta["size"], meta["included_frames"]) == (2, [1, 4])


async def test_a_video_has_one_entry(studio: Studio, tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", 12)
    await studio.create([("v.mp4", video.read_bytes())])
    studio.set_jobs(JobFacts(id=2, type="annotation", start_frame=5, stop_frame=11))
    meta = (await studio.job(2).get("/api/jobs/2/data/meta")).json()
    assert [(frame["name"], frame["width"]) for frame in meta["frames"]] == [("v.mp4", 96)]
    assert (meta["size"], meta["chapters"], meta["chunk_size"]) == (7, [], 36)


async def test_statements_do_not_grow_with_frames(studio: Studio) -> None:
    await studio.create(PICTURES[:1], task_id=1)
    await studio.create(PICTURES, task_id=2)
    counts = []
    for task_id in (1, 2):
        client = studio.client(task_id, version=None)
        with counted_statements(studio.container.database) as statements:
            await client.get(f"/api/tasks/{task_id}/data/meta")
            await client.get(f"/api/tasks/{task_id}/data", params={"type": "chunk", "number": 0, "quality": "original"})
            await client.get(f"/api/tasks/{task_id}/data", params={"type": "frame", "number": 0, "quality": "original"})
        counts.append(len(statements))
    assert counts[0] == counts[1]


async def test_a_warm_chunk_asks_no_database(studio: Studio) -> None:
    await studio.create(PICTURES)
    query = {"type": "chunk", "number": 0, "quality": "original"}
    await studio.get("", **query)
    with counted_statements(studio.container.database) as statements:
        assert (await studio.get("", **query)).status_code == 200
    assert statements.seen == []


async def test_sending_many_files_costs_as_many_statements_as_one(studio: Studio) -> None:
    counts = []
    for task_id, files in ((1, PICTURES[:1]), (2, PICTURES)):
        await studio.send(files, task_id=task_id)
        with counted_statements(studio.container.database) as statements:
            await studio.work()
        counts.append(len([text for text in statements.seen if "work_items" not in text]))
    assert counts[0] == counts[1]
