"""Chunks: their contents, conditional requests, building once, the bounded cache, a pool that survives."""

import asyncio
import io
import os
import signal
import zlib
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from limner_common.cache import FolderCache
from limner_common.errors import Unavailable
from limner_media.pool.processes import PoolBusy
from limner_model.facts import JobFacts
from tests.integration.media.studio import TASK, Files, Studio, encoded, members, opened, zipped
from tests.support.pictures import decode_all, picture, write_video

PICTURES: Files = [(f"img_{number:02d}.png", encoded(picture(number, 40, 30))) for number in range(10)]


async def chunk(studio: Studio, number: int, quality: str = "compressed", **headers: str) -> Any:
    return await studio.task.get(
        f"/api/tasks/{TASK}/data/", params={"type": "chunk", "number": number, "quality": quality}, headers=headers
    )


async def test_original_chunks_hold_the_files_as_sent(studio: Studio) -> None:
    await studio.create([("a.zip", zipped(PICTURES))], chunk_size=4)
    expected = [data for _, data in PICTURES]
    for number, size in enumerate((4, 4, 2)):
        answer = await chunk(studio, number, "original")
        assert answer.headers["content-type"] == "application/zip"
        found = members(answer.content)
        assert [name for name, _ in found] == [f"{index:06d}.png" for index in range(size)]
        assert [data for _, data in found] == expected[number * 4 : number * 4 + size]


async def test_compressed_chunks_hold_jpegs_in_frame_order(studio: Studio) -> None:
    await studio.create(PICTURES, chunk_size=6, image_quality=95)
    found = members((await chunk(studio, 1)).content)
    assert [name for name, _ in found] == [f"{index:06d}.jpeg" for index in range(4)]
    for index, (_, data) in enumerate(found):
        expected = opened(encoded(picture(6 + index, 40, 30), "JPEG", quality=95))
        assert np.array_equal(np.asarray(opened(data)), np.asarray(expected))


async def test_video_chunks(studio: Studio, tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", 50)
    await studio.create([("v.mp4", path.read_bytes())], image_quality=100, chunk_size=20)
    truth = decode_all(path)
    for quality in ("original", "compressed"):
        answer = await chunk(studio, 2, quality)
        assert answer.headers["content-type"] == "video/mp4"
        with av.open(io.BytesIO(answer.content)) as container:
            pictures = [frame.to_image() for frame in container.decode(video=0)]
        assert len(pictures) == 10
        for number, found in enumerate(pictures):
            difference = np.abs(np.asarray(found).astype(int) - np.asarray(truth[40 + number]).astype(int))
            assert difference.mean() < 12


async def test_video_as_images(studio: Studio, tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", 8)
    await studio.create([("v.mp4", path.read_bytes())], use_zip_chunks="true")
    assert (await chunk(studio, 0, "original")).headers["content-type"] == "video/mp4"
    found = members((await chunk(studio, 0)).content)
    assert [name for name, _ in found] == [f"{index:06d}.jpeg" for index in range(8)]
    frame = await studio.get("", type="frame", number=3, quality="compressed")
    assert frame.headers["content-type"] == "image/jpeg"
    assert frame.content == found[3][1]


async def test_headers_of_a_chunk(studio: Studio) -> None:
    await studio.create(PICTURES)
    answer = await chunk(studio, 0)
    body = answer.content
    assert int(answer.headers["content-length"]) == len(body)
    assert int(answer.headers["x-checksum"]) == zlib.crc32(body[:1000], zlib.crc32(str(len(body)).encode()))
    assert answer.headers["x-updated-date"] == (await studio.meta())["chunks_updated_date"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not answer.headers["etag"].startswith("W/")


async def test_conditional_and_range_requests(studio: Studio) -> None:
    await studio.create(PICTURES)
    whole = await chunk(studio, 0)
    etag = whole.headers["etag"]
    again = await chunk(studio, 0, **{"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert (await chunk(studio, 0, **{"If-None-Match": '"x"'})).status_code == 200
    part = await chunk(studio, 0, Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    assert (await chunk(studio, 0, Range="bytes=-5")).content == whole.content[-5:]
    assert (await chunk(studio, 0, Range=f"bytes={len(whole.content)}-")).status_code == 416
    stale = await chunk(studio, 0, **{"Range": "bytes=0-1", "If-Range": '"x"'})
    assert (stale.status_code, stale.content) == (200, whole.content)


async def test_an_evicted_chunk_is_built_again_alike(studio: Studio) -> None:
    await studio.create(PICTURES)
    first = await chunk(studio, 0)
    await studio.container.resources.cache.delete_prefix("media/")
    again = await chunk(studio, 0)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert studio.container.chunks.build_count == 2


async def test_the_cache_stays_within_its_bound(studio: Studio, tmp_path: Path) -> None:
    await studio.create(PICTURES, chunk_size=1)
    folder = tmp_path / "small"
    small = FolderCache(folder, max_bytes=40_000)
    studio.container.builds.cache = small
    for number in range(10):
        assert (await chunk(studio, number, "original")).status_code == 200
    kept = sum(path.stat().st_size for path in folder.rglob("=*"))
    assert 0 < kept <= 40_000
    await small.aclose()


async def test_twenty_who_ask_at_once_get_one_build(studio: Studio) -> None:
    studio.container.chunks._is_prefetching = False
    await studio.create(PICTURES)
    answers = await asyncio.gather(*(chunk(studio, 0) for _ in range(20)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert studio.container.chunks.build_count == 1


async def test_the_next_chunk_is_built_ahead(studio: Studio) -> None:
    await studio.create(PICTURES, chunk_size=4)
    await chunk(studio, 0)
    await asyncio.gather(*studio.container.chunks._ahead)
    assert studio.container.chunks.build_count == 2
    await chunk(studio, 1)
    await asyncio.gather(*studio.container.chunks._ahead)
    assert studio.container.chunks.build_count == 3


async def test_the_next_chunk_is_looked_for_once_however_many_read_this_one(studio: Studio) -> None:
    await studio.create(PICTURES, chunk_size=4)
    chunks = studio.container.chunks
    await chunk(studio, 0)
    await asyncio.gather(*chunks._ahead)
    for _ in range(3):
        await chunk(studio, 0)
        assert not chunks._ahead


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "Data type not specified or has wrong value"),
        ({"type": "movie", "number": 0}, "Data type not specified or has wrong value"),
        ({"type": "frame"}, "Number is not specified"),
        ({"type": "frame", "number": 0, "quality": "best"}, "Wrong quality value"),
        ({"type": "chunk", "number": 99}, "The chunk number should be in the [0, 0] range"),
        ({"type": "chunk", "number": -1}, "The chunk number should be in the [0, 0] range"),
        ({"type": "frame", "number": 99}, "The frame number should be in the [0, 9] range"),
        ({"type": "context_image", "number": -1}, "The frame number should be in the [0, 9] range"),
        ({"type": "frame", "number": "x"}, "A valid integer is required."),
    ],
)
async def test_bad_queries(studio: Studio, query: dict[str, Any], message: str) -> None:
    await studio.create(PICTURES)
    answer = await studio.get("", **query)
    assert answer.status_code == 400
    assert message in answer.text


async def test_no_data_is_not_found(studio: Studio) -> None:
    assert (await chunk(studio, 0)).status_code == 404
    assert (await studio.get("/meta")).status_code == 404
    assert (await studio.task.get(f"/api/tasks/{TASK}/preview")).status_code == 404


async def test_chunks_of_a_job(studio: Studio) -> None:
    await studio.create(PICTURES, chunk_size=4)
    studio.set_jobs(
        JobFacts(id=1, type="annotation", start_frame=0, stop_frame=5),
        JobFacts(id=2, type="annotation", start_frame=5, stop_frame=9),
    )
    job, path = studio.job(2), "/api/jobs/2/data"

    async def contents(**query: Any) -> list[bytes]:
        answer = await job.get(path, params={"type": "chunk", "quality": "original", **query})
        assert answer.status_code == 200, answer.text
        return [data for _, data in members(answer.content)]

    files = [data for _, data in PICTURES]
    assert await contents(index=0) == files[5:9]
    assert await contents(index=1) == files[9:10]
    assert await contents(number=1) == files[5:8]
    assert await contents(number=2) == files[8:10]
    for query in ({"index": 2}, {"number": 0}, {"number": 1, "index": 0}, {}):
        answer = await job.get(path, params={"type": "chunk", "quality": "original", **query})
        assert answer.status_code == 400, query
    inside = await job.get(path, params={"type": "frame", "number": 6, "quality": "original"})
    assert inside.content == files[6]
    outside = await job.get(path, params={"type": "frame", "number": 2, "quality": "original"})
    assert (outside.status_code, outside.json()) == (400, ["The frame number doesn't belong to the job"])
    preview = await job.get("/api/jobs/2/preview")
    assert opened(preview.content).size == (40, 30)


@pytest.mark.parametrize("is_video", [False, True])
async def test_chunks_of_hand_picked_frames(studio: Studio, tmp_path: Path, is_video: bool) -> None:
    video = write_video(tmp_path / "v.mp4", 10)
    await studio.create([("v.mp4", video.read_bytes())] if is_video else PICTURES, chunk_size=4)
    studio.set_jobs(JobFacts(id=5, type="ground_truth", start_frame=1, stop_frame=6, frames=[1, 3, 6]))
    job = studio.job(5)
    by_index = await job.get("/api/jobs/5/data", params={"type": "chunk", "index": 0})
    size = (96, 64) if is_video else (40, 30)
    assert [opened(data).size for _, data in members(by_index.content)] == [size] * 3
    by_number = await job.get("/api/jobs/5/data", params={"type": "chunk", "number": 0})
    assert [opened(data).size for _, data in members(by_number.content)] == [(1, 1), size, (1, 1), size]
    assert (await job.get("/api/jobs/5/data", params={"type": "frame", "number": 2})).status_code == 400


async def test_a_full_queue_says_when_to_come_back(studio: Studio) -> None:
    await studio.create(PICTURES)
    studio.container.pool._queue_limit = 0
    answer = await chunk(studio, 0)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    studio.container.pool._queue_limit = 10
    assert (await chunk(studio, 0)).status_code == 200


async def test_a_dead_worker_is_replaced(studio: Studio) -> None:
    pool = studio.container.pool
    child = await pool.run(os.getpid)
    os.kill(child, signal.SIGKILL)
    assert await pool.run(os.getpid) != child
    with pytest.raises(Unavailable):
        await pool.run(os._exit, 1)
    await studio.create(PICTURES)
    assert (await chunk(studio, 0)).status_code == 200


def test_the_refusal_of_a_full_pool_carries_its_delay() -> None:
    assert PoolBusy().retry_after_seconds == 10


async def test_frames_in_both_qualities(studio: Studio) -> None:
    await studio.create(
        [
            ("a.zip", zipped(PICTURES, 8)),
        ],
        image_quality=90,
    )
    original = await studio.get("", type="frame", number=4, quality="original")
    assert (original.content, original.headers["content-type"]) == (PICTURES[4][1], "image/png")
    compressed = await studio.get("", type="frame", number=4)
    assert compressed.headers["content-type"] == "image/jpeg"
    expected = opened(encoded(picture(4, 40, 30), "JPEG", quality=90))
    assert np.array_equal(np.asarray(opened(compressed.content)), np.asarray(expected))
    headers = {"If-None-Match": original.headers["etag"]}
    path = f"/api/tasks/{TASK}/data"
    again = await studio.task.get(path, params={"type": "frame", "number": 4, "quality": "original"}, headers=headers)
    assert again.status_code == 304
    assert studio.container.chunks.build_count == 0


async def test_stored_frames_stream_with_ranges(studio: Studio) -> None:
    await studio.create(PICTURES)
    path, query = f"/api/tasks/{TASK}/data", {"type": "frame", "number": 2, "quality": "original"}
    whole = await studio.task.get(path, params=query)
    assert int(whole.headers["content-length"]) == len(PICTURES[2][1])
    part = await studio.task.get(path, params=query, headers={"Range": "bytes=5-14"})
    assert (part.status_code, part.content) == (206, PICTURES[2][1][5:15])
    none = await studio.task.get(path, params=query, headers={"Range": "bytes=999999-"})
    assert none.status_code == 416
    again = await studio.task.get(path, params=query, headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_previews(studio: Studio, tmp_path: Path) -> None:
    await studio.create([("big.png", encoded(picture(1, 800, 400)))])
    answer = await studio.task.get(f"/api/tasks/{TASK}/preview")
    assert answer.headers["content-type"] == "image/jpeg"
    assert opened(answer.content).size == (256, 128)
    assert (await studio.get("", type="preview")).content == answer.content
    again = await studio.task.get(f"/api/tasks/{TASK}/preview", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    video = write_video(tmp_path / "v.mp4", 5)
    await studio.create([("v.mp4", video.read_bytes())], task_id=8)
    of_video = await studio.client(8).get("/api/tasks/8/preview")
    assert opened(of_video.content).size == (96, 64)
