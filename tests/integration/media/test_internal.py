"""What other services ask, through their client."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner_clients.frame_streams import FrameReader
from limner_clients.media import MediaClient, StoredArchive, StoredFile, StoredSource
from limner_common.errors import Conflict, Invalid, NotFound
from limner_common.http.upstream import Upstreams
from tests.integration.media.studio import TASK, Files, Studio, encoded, members, zipped
from tests.support.pictures import picture, write_video

PICTURES: Files = [(f"img_{number:02d}.png", encoded(picture(number, 40, 30))) for number in range(4)]


@pytest.fixture
def client(studio: Studio) -> MediaClient:
    apps = {"media": studio.bench.installation.app("media")}
    return MediaClient(Upstreams(apps), studio.bench.keyrings["exports"])


async def test_listing_of_images(studio: Studio, client: MediaClient) -> None:
    files = [*PICTURES, ("related_images/img_01_png/c.png", PICTURES[0][1])]
    await studio.create(files, start_frame=1, frame_filter="step=2")
    await studio.task.patch(f"/api/tasks/{TASK}/data/meta", json={"deleted_frames": [1]})
    facts, frames = await client.listing(TASK)
    assert (facts.size, facts.start_frame, facts.step, facts.deleted_frames, facts.video) == (2, 1, 2, [1], None)
    assert [(frame.name, frame.width, frame.related_count, frame.source_number) for frame in frames] == [
        ("img_01.png", 40, 1, 1),
        ("img_03.png", 40, 0, 3),
    ]
    assert [related.name for related in await client.related(TASK, 0)] == ["related_images/img_01_png/c.png"]
    async with client.open_related(TASK, 0, 0) as file:
        assert b"".join([block async for block in file.blocks]) == PICTURES[0][1]


async def test_listing_of_a_video(studio: Studio, client: MediaClient, tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", 9)
    await studio.create([("v.mp4", video.read_bytes())], start_frame=2, frame_filter="step=3")
    facts, frames = await client.listing(TASK)
    assert facts.video is not None
    assert (facts.video.name, facts.video.width, facts.size) == ("v.mp4", 96, 3)
    assert [frame.source_number for frame in frames] == [2, 5, 8]
    async with client.open_video(TASK) as file:
        assert file.size_bytes == video.stat().st_size
        assert b"".join([block async for block in file.blocks]) == video.read_bytes()
    data, extension = await client.frame(TASK, 1)
    assert (data[:4], extension) == (b"\x89PNG", "png")


async def test_frames_and_chunks(studio: Studio, client: MediaClient) -> None:
    await studio.create([("a.zip", zipped(PICTURES, 8))])
    assert await client.frame(TASK, 2) == (PICTURES[2][1], "png")
    assert await client.frame(TASK, 2, "raw") == (PICTURES[2][1], "png")
    assert (await client.frame(TASK, 2, "compressed"))[1] == "jpg"
    assert [data for _, data in members(await client.chunk(TASK, 0, "original"))] == [data for _, data in PICTURES]
    assert (await client.preview(TASK))[:2] == b"\xff\xd8"
    with pytest.raises(Invalid):
        await client.frame(TASK, 4)
    with pytest.raises(NotFound):
        await client.facts(TASK + 1)


async def received(client: MediaClient, numbers: list[int]) -> list[tuple[int, bytes]]:
    found: dict[int, bytes] = {}
    async for parts in client.frames(TASK, numbers):
        for part in parts:
            found[part.number] = found.get(part.number, b"") + part.data
    return list(found.items())


async def test_many_frames_at_once(studio: Studio, client: MediaClient) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (800, 1200, 3), dtype=np.uint8)
    large = encoded(Image.fromarray(noise), "BMP")
    files = [(f"{number:02d}.png", encoded(picture(number, 40, 30))) for number in range(20)]
    files[7] = ("07.bmp", large)
    await studio.create([("a.zip", zipped(files, 0))])
    wanted = [number for number in range(20) if number != 3]
    assert await received(client, wanted) == [(number, files[number][1]) for number in wanted]
    assert await received(client, [9, 7]) == [(9, files[9][1]), (7, large)]


async def test_frames_of_a_deflated_archive_and_of_a_video_at_once(
    studio: Studio, client: MediaClient, tmp_path: Path
) -> None:
    await studio.create([("a.zip", zipped(PICTURES, 8))])
    assert await received(client, [0, 1, 2, 3]) == [(number, data) for number, (_, data) in enumerate(PICTURES)]
    video = write_video(tmp_path / "v.mp4", 5)
    await studio.create([("v.mp4", video.read_bytes())], task_id=TASK + 1)
    found = [parts async for parts in client.frames(TASK + 1, range(5))]
    pictures = [part.data for parts in found for part in parts]
    assert pictures == [(await client.frame(TASK + 1, number, "raw"))[0] for number in range(5)]


async def test_an_answer_goes_on_in_the_middle_of_a_frame(studio: Studio) -> None:
    await studio.create(PICTURES)
    async with studio.bench.internal_client("media") as services:
        whole = (await services.get(f"/internal/tasks/{TASK}/frames", params={"numbers": "1-2"})).content
        rest = (await services.get(f"/internal/tasks/{TASK}/frames", params={"numbers": "1-2", "skip": "10"})).content
    (first, *_), (again, *_) = FrameReader().read(whole), FrameReader().read(rest)
    assert (first.data[10:], again.number, first.is_last) == (again.data, 1, True)


@pytest.mark.parametrize("numbers", ["", "x", "3-1", "0-4", "-1", "0,,1", "0-3,0-3000"])
async def test_what_are_no_frames_is_refused(studio: Studio, numbers: str) -> None:
    await studio.create(PICTURES)
    async with studio.bench.internal_client("media") as services:
        answer = await services.get(f"/internal/tasks/{TASK}/frames", params={"numbers": numbers})
    assert answer.status_code == 400


async def test_a_lost_object_is_named_by_its_error_after_what_comes_before_it(studio: Studio, client: MediaClient) -> None:
    await studio.create(PICTURES)
    objects = studio.container.resources.objects
    frame = await studio.container.datas.frame(await studio.container.datas.get(TASK), 2)
    await objects.delete(frame.piece.key)
    with pytest.raises(NotFound, match="stored object"):
        await received(client, [0, 1, 2, 3])
    with pytest.raises(NotFound):
        await anext(client.frames(TASK + 5, [0]))


async def test_only_services_are_answered(studio: Studio) -> None:
    await studio.create(PICTURES)
    assert (await studio.task.get(f"/internal/tasks/{TASK}/media")).status_code == 403


async def test_data_of_files_in_the_store(studio: Studio, client: MediaClient) -> None:
    objects = studio.container.resources.objects
    for number, (_, data) in enumerate(PICTURES[:2]):
        await objects.put_bytes(f"exports/x/{number}", data)
    files = [StoredFile(name="b/one.png", key="exports/x/0"), StoredFile(name="a.png", key="exports/x/1")]
    assert (await client.state(TASK)).state == "none"
    await client.create_data(TASK, StoredSource(files=files), {"image_quality": 33})
    assert (await client.state(TASK)).state == "queued"
    with pytest.raises(Conflict):
        await client.create_data(TASK, StoredSource(files=files))
    await studio.work()
    assert (await client.state(TASK)).state == "ready"
    await objects.delete_prefix("exports/")
    facts, frames = await client.listing(TASK)
    assert (facts.image_quality, [frame.name for frame in frames]) == (33, ["a.png", "b/one.png"])
    assert await client.frame(TASK, 1) == (PICTURES[0][1], "png")
    facts_told = [event.WhichOneof("fact") for event in await studio.events()]
    assert facts_told == ["ready"]
    with pytest.raises(Invalid):
        await client.create_data(TASK, StoredSource(files=files))


async def test_data_of_members_of_an_archive_in_the_store(studio: Studio, client: MediaClient) -> None:
    archive = zipped([("images/Train/x.png", PICTURES[0][1]), ("images/Test/y.png", PICTURES[1][1]), ("a.xml", b"<a/>")])
    await studio.container.resources.objects.put_bytes("exports/dataset.zip", archive)
    source = StoredSource(archive=StoredArchive(key="exports/dataset.zip", members={"images/Train/x.png": "x.png"}))
    await client.create_data(TASK, source)
    await studio.work()
    _, frames = await client.listing(TASK)
    assert [frame.name for frame in frames] == ["x.png"]
    assert await client.frame(TASK, 0) == (PICTURES[0][1], "png")


async def test_missing_stored_files_fail_by_name(studio: Studio, client: MediaClient) -> None:
    await client.create_data(TASK, StoredSource(files=[StoredFile(name="x.png", key="exports/none")]))
    await studio.work()
    state = await client.state(TASK)
    assert state.state == "failed"
    assert studio.stored() == []
