"""All kinds of media become frames: pictures equal what Pillow and PyAV read."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from limner_media.core.manifests import ImageItem, ImageManifest, write_manifest
from tests.integration.media.studio import TASK, Files, Studio, encoded, members, opened, zipped
from tests.support.pictures import decode_all, picture, write_video

PICTURES = [(f"img_{number}.png", encoded(picture(number, 40 + number, 30))) for number in range(5)]


def jpeg(number: int, **options: Any) -> bytes:
    return encoded(picture(number), "JPEG", **options)


def pcd(points: int) -> bytes:
    header = f"VERSION .7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH {points}\nHEIGHT 1\nPOINTS {points}\n"
    return header.encode() + b"DATA binary\n" + b"\0" * 12 * points


def tarred(files: Files, mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", zipped(PICTURES)),
        ("a.zip", zipped(PICTURES, zipfile.ZIP_DEFLATED)),
        ("a.tar", tarred(PICTURES, "w")),
        ("a.tar.gz", tarred(PICTURES, "w:gz")),
        ("a.tar.bz2", tarred(PICTURES, "w:bz2")),
    ],
    ids=["zip-stored", "zip-deflated", "tar", "tar-gz", "tar-bz2"],
)
async def test_archives_give_their_members(studio: Studio, name: str, data: bytes) -> None:
    await studio.create([(name, data)])
    meta = await studio.meta()
    assert [frame["name"] for frame in meta["frames"]] == [name for name, _ in PICTURES]
    assert [frame["width"] for frame in meta["frames"]] == [40, 41, 42, 43, 44]
    for number, (_, content) in enumerate(PICTURES):
        assert (await studio.get("", type="frame", number=number, quality="original")).content == content
    assert len(studio.stored()) == 1


async def test_files_in_folders_sorted_by_path(studio: Studio) -> None:
    files = [("b/2.png", PICTURES[0][1]), ("b/10.png", PICTURES[1][1]), ("a/3.png", PICTURES[2][1])]
    await studio.create(files)
    assert await studio.names() == ["a/3.png", "b/10.png", "b/2.png"]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("natural", ["a/3.png", "b/2.png", "b/10.png"]),
        ("predefined", ["b/2.png", "b/10.png", "a/3.png"]),
    ],
)
async def test_sorting(studio: Studio, method: str, expected: list[str]) -> None:
    files = [("b/2.png", PICTURES[0][1]), ("b/10.png", PICTURES[1][1]), ("a/3.png", PICTURES[2][1])]
    await studio.create(files, sorting_method=method)
    assert await studio.names() == expected


async def test_random_order_is_fixed_when_asked_for(studio: Studio) -> None:
    files = [(f"{number:02d}.png", PICTURES[0][1]) for number in range(20)]
    await studio.create(files, sorting_method="random")
    names = await studio.names()
    assert names != sorted(names)
    assert sorted(names) == [name for name, _ in files]


async def test_predefined_order_of_uploads(studio: Studio) -> None:
    order = [name for name, _ in reversed(PICTURES)]
    await studio.create(PICTURES, sorting_method="predefined", upload_file_order=order)
    assert await studio.names() == order


async def test_an_order_of_other_names_is_refused_at_once(studio: Studio) -> None:
    answer = await studio.send(PICTURES, sorting_method="predefined", upload_file_order=["x.png"])
    assert answer.status_code == 400
    assert "img_0.png" in answer.text


async def test_start_stop_and_step(studio: Studio) -> None:
    await studio.create(PICTURES, start_frame=1, stop_frame=4, frame_filter="step=2", chunk_size=1)
    meta = await studio.meta()
    assert [frame["name"] for frame in meta["frames"]] == ["img_1.png", "img_3.png"]
    assert (meta["start_frame"], meta["stop_frame"], meta["frame_filter"], meta["size"]) == (1, 3, "step=2", 2)
    assert (await studio.get("", type="frame", number=1, quality="original")).content == PICTURES[3][1]


async def test_job_file_mapping(studio: Studio) -> None:
    await studio.task.post(
        f"/api/tasks/{TASK}/data/", headers={"Upload-Multiple": ""}, files=[("client_files[0]", p) for p in PICTURES]
    )
    answer = await studio.create_json({"job_file_mapping": [["img_3.png", "img_1.png"], ["img_0.png"]]})
    assert answer.status_code == 202
    assert await studio.names() == ["img_3.png", "img_1.png", "img_0.png"]
    ready = next(event.ready for event in await studio.events() if event.WhichOneof("fact") == "ready")
    assert list(ready.job_sizes) == [2, 1]


async def test_exif_orientation_turns_sizes_and_originals(studio: Studio) -> None:
    exif = Image.Exif()
    exif[274] = 6
    await studio.create([("t.jpg", jpeg(1, exif=exif)), ("u.jpg", jpeg(2))])
    meta = await studio.meta()
    assert [(frame["width"], frame["height"]) for frame in meta["frames"]] == [(48, 64), (64, 48)]
    turned = opened((await studio.get("", type="frame", number=0, quality="original")).content)
    assert turned.size == (48, 64)
    assert (await studio.get("", type="frame", number=1, quality="original")).content == jpeg(2)


async def test_video_frames_equal_those_of_a_full_decode(studio: Studio, tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", 50)
    expected = decode_all(path)
    await studio.create([("v.mp4", path.read_bytes())], start_frame=3, frame_filter="step=4", stop_frame=40)
    meta = await studio.meta()
    assert (meta["size"], meta["start_frame"], meta["stop_frame"], len(meta["frames"])) == (10, 3, 39, 1)
    assert meta["frames"][0] == {
        "name": "v.mp4",
        "width": 96,
        "height": 64,
        "related_files": 0,
        "has_related_context": False,
    }
    for number in (9, 0, 5):
        answer = await studio.get("", type="frame", number=number, quality="original")
        assert answer.headers["content-type"] == "image/png"
        assert np.array_equal(np.asarray(opened(answer.content)), np.asarray(expected[3 + 4 * number]))


async def test_pdf_pages(studio: Studio) -> None:
    document = io.BytesIO()
    pages = [picture(number, 100, 80) for number in range(3)]
    pages[0].save(document, "PDF", save_all=True, append_images=pages[1:])
    await studio.create([("doc.pdf", document.getvalue())], stop_frame=1)
    assert await studio.names() == ["doc000000000.jpeg", "doc000000001.jpeg"]
    frame = await studio.get("", type="frame", number=1, quality="original")
    assert opened(frame.content).format == "JPEG"
    assert len(studio.stored()) == 1


async def test_point_clouds_with_context(studio: Studio) -> None:
    scan = np.arange(40, dtype="<f4").tobytes()
    files = [
        ("pointcloud/000.pcd", pcd(5)),
        ("pointcloud/001.bin", scan),
        ("related_images/000_pcd/cam.png", PICTURES[0][1]),
        ("related_images/001_bin/cam.png", PICTURES[1][1]),
    ]
    await studio.create([("d.zip", zipped(files))])
    meta = await studio.meta()
    assert [(f["name"], f["width"], f["height"], f["related_files"]) for f in meta["frames"]] == [
        ("pointcloud/000.pcd", 5, 1, 1),
        ("pointcloud/001.pcd", 10, 1, 1),
    ]
    chunk = members((await studio.get("", type="chunk", number=0, quality="compressed")).content)
    assert [name for name, _ in chunk] == ["000000.pcd", "000001.pcd"]
    assert chunk[0][1] == pcd(5)
    assert chunk[1][1].endswith(b"DATA binary\n" + scan)
    frame = await studio.get("", type="frame", number=1, quality="compressed")
    assert (frame.content, frame.headers["content-type"]) == (chunk[1][1], "image/x.point-cloud-data")
    ready = next(event.ready for event in await studio.events() if event.WhichOneof("fact") == "ready")
    assert (ready.dimension, ready.media_type, ready.mode) == ("3d", "point_cloud", "annotation")
    preview = await studio.task.get(f"/api/tasks/{TASK}/preview")
    assert opened(preview.content).size == (256, 256)
    empty = await studio.task.get(f"/api/tasks/{TASK}/preview", headers={"Prefer": "handling=empty"})
    assert empty.status_code == 204


async def test_related_images_are_context_not_frames(studio: Studio) -> None:
    files = [
        ("r1.png", PICTURES[0][1]),
        ("r2.png", PICTURES[1][1]),
        ("related_images/r1_png/left.png", PICTURES[2][1]),
        ("related_images/r1_png/right.jpg", jpeg(3)),
    ]
    await studio.create(files)
    meta = await studio.meta()
    assert [(frame["name"], frame["related_files"]) for frame in meta["frames"]] == [("r1.png", 2), ("r2.png", 0)]
    context = await studio.get("", type="context_image", number=0)
    assert [name for name, _ in members(context.content)] == ["left.png.jpg", "right.jpg.jpg"]
    assert (await studio.get("", type="context_image", number=1)).status_code == 404


async def test_a_manifest_gives_the_predefined_order(studio: Studio) -> None:
    names = [name for name, _ in PICTURES]
    order = [names[2], names[0], names[4], names[1], names[3]]
    manifest = write_manifest(ImageManifest(tuple(ImageItem(name, 40, 30) for name in order)))
    await studio.create([("a.zip", zipped(PICTURES)), ("m.jsonl", manifest)], sorting_method="predefined")
    assert await studio.names() == order
    assert len(studio.stored()) == 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"use_cache": "true"}, "incorrect mapping"),
        ({"sorting_method": "predefined"}, "do not match the manifest"),
        ({}, "only be used with"),
        ({"sorting_method": "random", "use_cache": "true"}, "random"),
    ],
)
async def test_manifests_that_do_not_fit_are_refused(studio: Studio, params: dict[str, str], message: str) -> None:
    items = [ImageItem(name, 40, 30) for name, _ in PICTURES[1:]] + [ImageItem("other.png", 1, 1)]
    manifest = write_manifest(ImageManifest(tuple(items)))
    assert message in await studio.failure([*PICTURES, ("m.jsonl", manifest)], **params)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([("note.txt", b"hello")], "note.txt"),
        ([("broken.jpg", b"\xff\xd8\xff\xe0 no jpeg")], "broken.jpg"),
        ([("b.zip", b"PK\x03\x04 no zip")], "b.zip"),
        ([("e.zip", zipped([]))], "e.zip"),
        ([("y.jpg", jpeg(1)), ("clip.mp4", b"x")], "clip.mp4"),
        ([("clip.mp4", b"no video at all")], "clip.mp4"),
        ([("d.svg", b"<svg/>")], "SVG"),
        ([("d.pdf", b"%PDF-1.4 nothing")], "d.pdf"),
        ([("a.rar", b"Rar!\x1a\x07\x00")], "rar"),
        ([("s.bin", b"123")], "s.bin"),
        ([("p.pcd", pcd(2)), ("q.png", PICTURES[0][1])], "same task"),
    ],
    ids=lambda value: value[0][0] if isinstance(value, list) else "",
)
async def test_what_cannot_be_used_fails_by_name_and_leaves_nothing(studio: Studio, files: Files, message: str) -> None:
    assert message in await studio.failure(files)
    # The task still takes data.
    await studio.create([PICTURES[0]])


async def test_frames_outside_the_selection_are_not_looked_at(studio: Studio) -> None:
    await studio.create([PICTURES[0], ("z.png", b"broken")], stop_frame=0)
    assert await studio.names() == ["img_0.png"]


async def test_gzip_bombs_are_refused(studio: Studio) -> None:
    bomb = io.BytesIO()
    with gzip.open(bomb, "wb", 9) as out, tarfile.open(fileobj=out, mode="w|") as tar:
        info = tarfile.TarInfo("a.png")
        info.size = 200 << 20
        tar.addfile(info, _Zeros(info.size))
    assert "refused" in await studio.failure([("bomb.tar.gz", bomb.getvalue())])


class _Zeros(io.RawIOBase):
    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1) -> bytes:
        count = min(size, self._left)
        self._left -= count
        return b"\0" * count


async def test_pictures_above_the_pixel_limit_are_refused(studio: Studio) -> None:
    def piece(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = piece(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + piece(b"IDAT", zlib.compress(b"\0")) + piece(b"IEND", b"")
    assert "pixels" in await studio.failure([("bomb.png", bomb)])


async def test_links_and_escapes_in_archives_are_refused(studio: Studio) -> None:
    assert "../up.png" in await studio.failure([("a.zip", zipped([("../up.png", PICTURES[0][1])]))])
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("l.png")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    assert "links" in await studio.failure([("a.tar", out.getvalue())])


async def test_doing_it_again_after_a_death_gives_the_same(studio: Studio) -> None:
    """The worker dies just before its effect; what it had made meanwhile is not there twice."""
    await studio.send([("a.tar.gz", tarred(PICTURES, "w:gz"))], sorting_method="random")
    insert, names = studio.container.datas.insert, []

    async def dying(uow: Any, new: Any) -> None:
        names.extend(frame.piece.name for frame in new.frames)
        raise ConnectionAbortedError

    studio.container.datas.insert = dying
    await studio.work()
    studio.container.datas.insert = insert
    async with studio.container.database.begin() as uow:
        items = uow.table("work_items")
        await uow.execute(sa.update(items).values(run_at=sa.func.now()))
    await studio.work()
    assert await studio.names() == names
    assert len(studio.stored()) == 1
