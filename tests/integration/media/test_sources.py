"""Files of the share and of addresses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from limner_common.egress import AllowList, EgressClient
from limner_media.core.manifests import ImageItem, ImageManifest, write_manifest
from tests.integration.media.studio import Studio, encoded
from tests.support.connections import listening
from tests.support.pictures import picture, write_pictures, write_video


def fill(studio: Studio) -> None:
    write_pictures(studio.share / "a", 3)
    write_pictures(studio.share / "b" / "c", 2, extension="jpg")
    (studio.share / "b" / "note.txt").write_text("not media")


async def test_share_files_are_read_in_place(studio: Studio) -> None:
    fill(studio)
    await studio.create_json({"image_quality": 70, "server_files": ["/a/image_001.png", "b/"]})
    meta = await studio.meta()
    assert [frame["name"] for frame in meta["frames"]] == ["a/image_001.png", "b/c/image_000.jpg", "b/c/image_001.jpg"]
    assert meta["storage"] == "share"
    frame = await studio.get("", type="frame", number=0, quality="original")
    assert frame.content == (studio.share / "a" / "image_001.png").read_bytes()
    chunk = await studio.get("", type="chunk", number=0, quality="compressed")
    assert chunk.status_code == 200
    assert studio.stored() == []


async def test_copied_share_files_are_local(studio: Studio) -> None:
    fill(studio)
    await studio.create_json({"server_files": ["a"], "copy_data": True})
    assert (await studio.meta())["storage"] == "local"
    assert len(studio.stored()) == 3


async def test_a_video_of_the_share(studio: Studio) -> None:
    write_video(studio.share / "v.mp4", 20)
    await studio.create_json({"server_files": ["v.mp4"]})
    meta = await studio.meta()
    assert (meta["size"], meta["storage"]) == (20, "share")
    assert (await studio.get("", type="chunk", number=0, quality="original")).headers["content-type"] == "video/mp4"


async def test_excluded_share_files(studio: Studio) -> None:
    fill(studio)
    await studio.create_json({"server_files": ["a/", "b/"], "server_files_exclude": ["a/image_000.png", "b/c/"]})
    assert await studio.names() == ["a/image_001.png", "a/image_002.png"]


async def test_a_pattern_over_the_share(studio: Studio) -> None:
    fill(studio)
    await studio.create_json({"filename_pattern": "*/image_001.*"})
    assert await studio.names() == ["a/image_001.png", "b/c/image_001.jpg"]


async def test_a_pattern_over_a_manifest(studio: Studio) -> None:
    fill(studio)
    items = tuple(ImageItem(f"image_00{number}.png", 64, 48) for number in (2, 0, 1))
    (studio.share / "a" / "manifest.jsonl").write_bytes(write_manifest(ImageManifest(items)))
    answer = await studio.create_json({"server_files": ["a/manifest.jsonl"], "filename_pattern": "*", "use_cache": True})
    assert answer.status_code == 202
    state = await studio.container.ingests.state(7)
    assert state.state == "failed"
    assert "incorrect mapping" in state.message


@pytest.mark.parametrize("name", ["nothing.jpg", "../secret.png", "a/../../secret.png", "/etc/passwd", "empty/"])
async def test_share_paths_that_are_not_there(studio: Studio, tmp_path: Path, name: str) -> None:
    fill(studio)
    (tmp_path / "secret.png").write_bytes(encoded(picture(1)))
    (studio.share / "empty").mkdir()
    answer = await studio.create_json({"server_files": [name]})
    assert answer.status_code == 202
    assert name in await studio.failed()


async def test_links_out_of_the_share_are_not_followed(studio: Studio, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write_pictures(outside, 1)
    (studio.share / "link.png").symlink_to(outside / "image_000.png")
    (studio.share / "folder").symlink_to(outside)
    for name in ("link.png", "folder/", "folder/image_000.png"):
        await studio.create_json({"server_files": [name]})
        assert name in await studio.failed()


@asynccontextmanager
async def web_server(files: dict[str, bytes]) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        data = files.get(head.split(b" ")[1].decode())
        status = b"404 Not Found" if data is None else b"200 OK"
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(data or b"")))
        writer.write(data or b"")
        await writer.drain()

    async with listening(serve) as port:
        yield f"http://127.0.0.1:{port}"


def allow_local(studio: Studio) -> None:
    object.__setattr__(studio.container.ingestion, "egress", EgressClient(AllowList.parse(["127.0.0.1/32"])))


async def test_remote_files_are_fetched(studio: Studio) -> None:
    allow_local(studio)
    files = {"/x/a%20b.png": encoded(picture(1)), "/c.png": encoded(picture(2))}
    async with web_server(files) as address:
        await studio.create_json({"remote_files": [f"{address}/x/a%20b.png?token=1", f"{address}/c.png"]})
        assert "nothing" in await studio.failed()
    async with web_server({**files, "/x/a%20b.png?token=1": encoded(picture(1))}) as address:
        await studio.create_json({"remote_files": [f"{address}/x/a%20b.png?token=1", f"{address}/c.png"]})
    assert await studio.names() == ["a b.png", "c.png"]
    assert (await studio.get("", type="frame", number=0, quality="original")).content == encoded(picture(1))


@pytest.mark.parametrize(
    "addresses",
    [["http://127.0.0.1:1/a.png"], ["ftp://x/a.png"], ["file:///etc/passwd"], ["http://169.254.169.254/a.png"]],
)
async def test_private_addresses_are_refused(studio: Studio, addresses: list[str]) -> None:
    await studio.create_json({"remote_files": addresses})
    assert await studio.failed()


async def test_remote_files_of_one_name_are_refused(studio: Studio) -> None:
    await studio.create_json({"remote_files": ["http://x.test/a/i.png", "http://x.test/b/i.png"]})
    assert "i.png" in await studio.failed()
