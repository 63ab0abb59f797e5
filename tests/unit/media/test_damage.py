"""Whatever a file holds, the core answers with a result or a `MediaError`, never with another error."""

import io
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from limner_media.core import archives, images, pdfs, pointclouds
from limner_media.core.errors import MediaError
from limner_media.core.video import scan_video
from limner_media.core.video_chunks import encode_mp4
from limner_media.core.video_reader import VideoReader

from .samples import encoded, jpeg, pcd, picture, tar_of, write_video, zip_of

IMAGE_FORMATS = ["PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM", "TGA", "ICO"]
ARCHIVED = {"a.jpg": b"x" * 999, "b/c": b"y" * 5000}


def damaged(data: bytes, seed: int) -> bytes:
    """Cut the data off, or change some of its bytes."""
    noise = random.Random(seed)
    if noise.random() < 0.3:
        return data[: noise.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(noise.choice([1, 3, 20, 100])):
        changed[noise.randrange(len(changed))] = noise.randrange(256)
    return bytes(changed)


def read_image(data: bytes) -> None:
    for read in (images.read_header, images.decode_rgb, images.original_bytes, images.preview_jpeg):
        with suppress(MediaError):
            read(data, file="x")


def read_archive(data: bytes) -> None:
    source = io.BytesIO(data)
    if archives.archive_format(data[:512], file="x") is archives.ArchiveFormat.COMPRESSED_TAR:
        for _, _, member_data in archives.iter_compressed_tar(source, file="x"):
            member_data.read()
        return
    for member in archives.list_members(source, file="x"):
        archives.read_member(source, member)


def read_video(data: bytes) -> None:
    index = scan_video(io.BytesIO(data), file="x")
    with VideoReader(io.BytesIO(data), index, file="x") as reader:
        for number in {0, index.frame_count // 2, index.frame_count - 1}:
            reader.frame(number)
        encode_mp4(reader, range(min(index.frame_count, 5)), is_compressed=True, image_quality=70)


def read_pdf(data: bytes) -> None:
    list(pdfs.render_pages(data, file="x", dots_per_inch=20))


def read_cloud(data: bytes) -> None:
    pointclouds.read_pcd_header(data, file="x")


def samples(folder: Path) -> list[tuple[Callable[[bytes], None], bytes]]:
    pdf = encoded(picture(), "PDF")
    videos = [
        write_video(folder / "a.mp4", frames=15),
        write_video(folder / "b.mkv", frames=15),
        write_video(folder / "c.ts", frames=15),
        write_video(folder / "d.avi", frames=15, codec="mpeg4"),
    ]
    return [
        *((read_image, encoded(picture(), format)) for format in IMAGE_FORMATS),
        (read_image, jpeg(orientation=6)),
        *((read_archive, archive) for archive in (zip_of(ARCHIVED), tar_of(ARCHIVED), tar_of(ARCHIVED, mode="w:gz"))),
        *((read_video, video.read_bytes()) for video in videos),
        (read_pdf, pdf),
        (read_cloud, pcd()),
    ]


def test_damaged_files_of_all_kinds_are_read_or_refused(tmp_path: Path) -> None:
    for read, data in samples(tmp_path):
        read(data)
        for seed in range(60):
            with suppress(MediaError):
                read(damaged(data, seed))
