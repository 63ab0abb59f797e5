"""Chunks of image sets and point clouds, chunks of hand-picked frames, context images: zips of ready files.

Work on one file is a pure function (`image_entry` and its like), so a caller may spread a chunk over processes and put the
entries together with `pack_chunk` at the end.

Source: domain/MEDIA.md §6, §7.1, §8.
"""

import io
import os.path
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from limner_media.core.images import compressed_jpeg, decode_rgb, encode_jpeg, original_bytes, placeholder_jpeg
from limner_media.core.kinds import extension_of, is_point_cloud
from limner_media.core.pointclouds import bin_to_pcd

ZIP_MIME: Final = "application/zip"
MP4_MIME: Final = "video/mp4"
_CONTEXT_QUALITY: Final = 95
# Zips carry no real times, so that the same frames give the same bytes.
_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3


class Quality(StrEnum):
    """The two qualities in which clients ask for frames."""

    ORIGINAL = "original"
    COMPRESSED = "compressed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a chunk: its extension without the dot, and its bytes."""

    extension: str
    data: bytes


def image_entry(data: bytes, *, name: str, quality: Quality, image_quality: int) -> Entry:
    """Make the entry of one frame from its source file.

    Args:
        data: The image or point cloud as stored.
        name: Its name, which gives the extension in original quality.
        quality: Original keeps the bytes wherever possible; compressed is an RGB JPEG. Point clouds are the same in both.
        image_quality: JPEG quality 0..100 of compressed entries.

    Raises:
        MediaError: The file cannot be read.
    """
    if is_point_cloud(name):
        return Entry("pcd", point_cloud_bytes(data, name=name))
    if quality is Quality.ORIGINAL:
        return Entry(PurePosixPath(name).suffix[1:], original_bytes(data, file=name))
    return Entry("jpeg", compressed_jpeg(data, image_quality, file=name))


def image_entries(files: Iterable[tuple[str, bytes]], *, quality: Quality, image_quality: int) -> list[Entry]:
    """`image_entry` for several (name, bytes) pairs: the unit of work to hand to one process."""
    return [image_entry(data, name=name, quality=quality, image_quality=image_quality) for name, data in files]


def selective_entry(data: bytes, *, name: str, quality: Quality, image_quality: int) -> Entry:
    """Make the entry of one frame for a chunk of hand-picked frames: always JPEG, original meaning quality 100.

    Raises:
        MediaError: The file cannot be read.
    """
    if is_point_cloud(name):
        return Entry("pcd", point_cloud_bytes(data, name=name))
    return Entry("jpeg", compressed_jpeg(data, selective_quality(quality, image_quality), file=name))


def selective_quality(quality: Quality, image_quality: int) -> int:
    """JPEG quality of the entries of a chunk of hand-picked frames."""
    return 100 if quality is Quality.ORIGINAL else image_quality


def placeholder_entry() -> Entry:
    """The entry of a frame that is not part of the job: a JPEG of one pixel, so that positions stay valid."""
    return Entry("jpeg", placeholder_jpeg())


def pack_chunk(entries: Sequence[Entry], *, deflate: bool = False) -> bytes:
    """Pack entries as ``000000.ext``, ``000001.ext`` …; equal entries give equal bytes.

    Args:
        entries: Files in frame order.
        deflate: Deflate at level 1 (chunks of hand-picked frames) instead of storing.
    """
    return _pack(((f"{number:06d}.{entry.extension}", entry.data) for number, entry in enumerate(entries)), deflate=deflate)


def unpack_chunk(chunk: bytes) -> list[Entry]:
    """Entries of a packed chunk in order: already encoded frames can be packed anew without loss."""
    with zipfile.ZipFile(io.BytesIO(chunk)) as archive:
        return [Entry(info.filename.rpartition(".")[2], archive.read(info)) for info in archive.infolist()]


def point_cloud_bytes(data: bytes, *, name: str) -> bytes:
    """A point cloud frame as PCD: untouched, or converted from a KITTI scan.

    Raises:
        MediaError: The scan has an impossible size.
    """
    return bin_to_pcd(data, file=name) if extension_of(name) == "bin" else data


def context_zip(files: Sequence[tuple[str, bytes]]) -> bytes:
    """The context images of a frame as a deflated zip of JPEGs.

    Args:
        files: Names below the data root, and bytes, in order; at least one.

    Returns:
        Entries named by the path relative to the common folder with ``.jpg`` appended, such as ``cam.png.jpg``.

    Raises:
        MediaError: A file is no image that can be read.
    """
    names = [name for name, _ in files]
    root = os.path.commonpath([str(PurePosixPath(name).parent) for name in names])
    pictures = (encode_jpeg(decode_rgb(data, file=name), _CONTEXT_QUALITY) for name, data in files)
    entries = [f"{PurePosixPath(name).relative_to(root)}.jpg" for name in names]
    return _pack(zip(entries, pictures, strict=True), deflate=True)


def _pack(files: Iterable[tuple[str, bytes]], *, deflate: bool) -> bytes:
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", method, compresslevel=1) as archive:
        for name, data in files:
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.compress_type = method
            info.create_system = _UNIX
            archive.writestr(info, data, compresslevel=1)
    return out.getvalue()
