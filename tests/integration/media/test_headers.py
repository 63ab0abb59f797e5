"""Headers read from stores that only give ranges, as buckets do."""

import zipfile
from pathlib import Path

import pytest
from PIL import Image

from limner_common.objects import FolderObjectStore, S3Bucket, S3Credentials, S3Location
from limner_common.objects.threads import Threads
from limner_media.core.archives import list_members
from limner_media.core.errors import MediaError
from limner_media.ingest.headers import FrameHeader, read_headers
from limner_media.sources.locating import Sources
from limner_media.sources.pieces import Piece, member_of, whole_file
from tests.integration.media.studio import encoded, zipped
from tests.support.pictures import picture

BUCKET = S3Bucket("nowhere.test", "b", S3Credentials("a", "s"))


class RangedSources(Sources):
    """Sources whose objects are not files of this machine."""

    def location(self, piece: Piece) -> S3Location:
        return S3Location(piece.key, BUCKET)


async def read(folder: Path, pieces: list[Piece]) -> list[FrameHeader]:
    store, threads = FolderObjectStore(folder), Threads(2, "test")

    async def ignore(_done: int) -> None:
        return None

    try:
        return await read_headers(RangedSources(store, None), pieces, threads=threads, pool=None, report=ignore)
    finally:
        threads.close()
        await store.aclose()


def late_header() -> bytes:
    """A JPEG whose size comes after 100 KB of comments."""
    data = encoded(picture(1), "JPEG")
    comment = b"\xff\xfe" + (50_002).to_bytes(2, "big") + b"x" * 50_000
    return data[:2] + comment * 2 + data[2:]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
async def test_members_of_an_archive(tmp_path: Path, method: int) -> None:
    noise = Image.effect_noise((700, 500), 80)
    files = [("small.png", encoded(picture(1))), ("large.png", encoded(noise)), ("late.jpg", late_header())]
    (tmp_path / "a.zip").write_bytes(zipped(files, method))
    with (tmp_path / "a.zip").open("rb") as source:
        members = list_members(source, file="a.zip")
    archive = whole_file("a.zip", "a.zip", (tmp_path / "a.zip").stat().st_size)
    headers = await read(tmp_path, [member_of(archive, member) for member in members])
    assert [(header.width, header.height, header.format) for header in headers] == [
        (64, 48, "PNG"),
        (700, 500, "PNG"),
        (64, 48, "JPEG"),
    ]


async def test_whole_objects_and_scans(tmp_path: Path) -> None:
    files = {"a.jpg": late_header(), "b.bin": b"\0" * 64, "c.tif": encoded(picture(2), "TIFF")}
    pieces = []
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        pieces.append(whole_file(name, name, len(data)))
    assert await read(tmp_path, pieces) == [
        FrameHeader(64, 48, "JPEG", is_upright=True),
        FrameHeader(4, 1, "BIN", is_upright=False),
        FrameHeader(64, 48, "TIFF", is_upright=False),
    ]


async def test_broken_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"nothing")
    with pytest.raises(MediaError, match=r"x\.png"):
        await read(tmp_path, [whole_file("x.png", "x.png", 7)])
