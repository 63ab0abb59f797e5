"""Building chunks: functions for worker processes and threads; no event loop, no database."""

from collections.abc import Sequence
from dataclasses import dataclass

from limner_media.core.chunks import Entry, Quality, image_entry, pack_chunk, selective_entry, selective_quality
from limner_media.core.video_chunks import encode_mp4
from limner_media.core.video_reader import Decoding
from limner_media.core.video_zips import video_entries
from limner_media.pool.children import drop_video, video_reader
from limner_media.sources.pieces import LocatedPiece
from limner_media.sources.reading import read_pieces


@dataclass(frozen=True, slots=True)
class ChunkStyle:
    """How the frames of a chunk are encoded.

    Attributes:
        quality: Original or compressed.
        image_quality: JPEG quality 0..100 of compressed frames.
        is_selective: Frames are hand-picked, see `selective_entry`.
    """

    quality: Quality
    image_quality: int
    is_selective: bool = False


@dataclass(frozen=True, slots=True)
class VideoFrames:
    """Frames of a video for a worker process.

    Attributes:
        token: Name of the data, under which the process keeps the video open.
        video: The video, a whole file.
        index: Its frame table in stored form.
        numbers: Source frame numbers in order.
    """

    token: str
    video: LocatedPiece
    index: bytes
    numbers: Sequence[int]


def build_image_entries(files: Sequence[tuple[str, LocatedPiece]], style: ChunkStyle) -> list[Entry]:
    """Make the entries of some frames; names tell the kind of the stored bytes.

    Raises:
        MediaError: A file cannot be read.
    """
    make = selective_entry if style.is_selective else image_entry
    names = [name for name, _ in files]
    contents = read_pieces(located for _, located in files)
    return [
        make(data, name=name, quality=style.quality, image_quality=style.image_quality)
        for name, (_, data) in zip(names, contents, strict=True)
    ]


def build_stored_chunk(files: Sequence[tuple[str, LocatedPiece]]) -> bytes:
    """Pack frames whose stored bytes are the original quality already; for a thread: it only reads and copies.

    Args:
        files: Extension without the dot, and where the frame lies.

    Raises:
        MediaError: The archive a frame lies in is damaged.
    """
    contents = read_pieces(located for _, located in files)
    return pack_chunk([Entry(extension, data) for (extension, _), (_, data) in zip(files, contents, strict=True)])


def build_video_chunk(frames: VideoFrames, style: ChunkStyle) -> bytes:
    """Cut an MP4 of some frames of a video.

    Raises:
        MediaError: The video cannot be decoded there.
    """
    reader = video_reader(frames.token, frames.video, frames.index, Decoding.BATCH)
    is_compressed = style.quality is Quality.COMPRESSED
    try:
        return encode_mp4(reader, frames.numbers, is_compressed=is_compressed, image_quality=style.image_quality)
    except BaseException:
        drop_video(frames.token, Decoding.BATCH)
        raise


def build_video_entries(frames: VideoFrames, style: ChunkStyle) -> list[Entry]:
    """Make the JPEG entries of some frames of a video.

    Raises:
        MediaError: The video cannot be decoded there.
    """
    reader = video_reader(frames.token, frames.video, frames.index, Decoding.BATCH)
    quality = selective_quality(style.quality, style.image_quality)
    try:
        return video_entries(reader, frames.numbers, quality=quality)
    except BaseException:
        drop_video(frames.token, Decoding.BATCH)
        raise
