"""Looking into files: functions for worker processes. What they make goes to a file of the scratch folder."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from limner_common.objects.readers import open_object
from limner_media.core.archives import (
    ArchiveFormat,
    ArchiveLimits,
    Member,
    MemberStream,
    archive_format,
    iter_compressed_tar,
    list_members,
)
from limner_media.core.pdfs import render_pages
from limner_media.core.video import read_chapters, scan_video
from limner_media.datas.values import ChapterMark
from limner_media.sources.pieces import LocatedPiece
from limner_media.sources.video_files import video_source


@dataclass(frozen=True, slots=True)
class Listing:
    """The members of an archive.

    Attributes:
        members: In archive order.
        is_unpacked: They lie in the scratch file, one after the other, not in the archive.
    """

    members: list[Member]
    is_unpacked: bool


@dataclass(frozen=True, slots=True)
class VideoScan:
    """What is found out about a video: frame table in stored form, size as shown, number of frames, chapter marks."""

    index: bytes
    width: int
    height: int
    frame_count: int
    chapters: tuple[ChapterMark, ...]


def expand_archive(archive: LocatedPiece, limits: ArchiveLimits, scratch: Path) -> Listing:
    """List an archive; a compressed tar is unpacked into the scratch file.

    Raises:
        MediaError: It is damaged, over a limit, or holds what it may not.
    """
    file = archive.piece.name
    with open_object(archive.location) as source:
        if archive_format(source.read(512), file=file) is not ArchiveFormat.COMPRESSED_TAR:
            return Listing(list_members(source, file=file, limits=limits), is_unpacked=False)
        with scratch.open("wb") as target:
            unpacked = [
                _append(target, name, size, data)
                for name, size, data in iter_compressed_tar(source, file=file, limits=limits)
            ]
    return Listing(unpacked, is_unpacked=True)


def expand_pdf(pdf: LocatedPiece, max_pages: int | None, scratch: Path) -> list[Member]:
    """Render pages into the scratch file, one JPEG after the other.

    Raises:
        MediaError: It is damaged, needs a password, or has no pages.
    """
    members = []
    with open_object(pdf.location) as source, scratch.open("wb") as target:
        for name, data in render_pages(source, file=pdf.piece.name, max_pages=max_pages):
            members.append(Member(name, target.tell(), len(data), len(data)))
            target.write(data)
    return members


def expand_video(video: LocatedPiece) -> VideoScan:
    """Read the frame table and chapters of a video.

    Raises:
        MediaError: It cannot be read.
    """
    name = video.piece.name
    index = scan_video(video_source(video), file=name)
    chapters = read_chapters(video_source(video), index, file=name)
    marks = tuple(ChapterMark(id=mark.id, start=mark.start, stop=mark.stop, title=mark.title) for mark in chapters)
    return VideoScan(index.to_bytes(), index.width, index.height, index.frame_count, marks)


def _append(target: IO[bytes], name: str, size_bytes: int, data: MemberStream) -> Member:
    start = target.tell()
    shutil.copyfileobj(data, target, 1 << 20)
    return Member(name, start, size_bytes, size_bytes)
