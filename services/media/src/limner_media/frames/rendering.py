"""Rendering single pictures: functions for worker processes."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from limner_media.chunks.building import VideoFrames
from limner_media.core.chunks import Quality, context_zip, image_entry
from limner_media.core.images import preview_jpeg
from limner_media.core.video_pictures import frame_jpeg, frame_png, frame_preview
from limner_media.core.video_reader import Decoding, VideoReader
from limner_media.pool.children import drop_video, video_reader
from limner_media.sources.pieces import LocatedPiece
from limner_media.sources.reading import read_piece, read_pieces

Renderer: TypeAlias = Callable[[VideoReader, int], bytes]


def render_image(name: str, located: LocatedPiece, quality: Quality, image_quality: int) -> bytes:
    """Return one image or point cloud frame; ``name`` tells the kind of the stored bytes.

    Raises:
        MediaError: It cannot be read.
    """
    return image_entry(read_piece(located), name=name, quality=quality, image_quality=image_quality).data


def render_image_preview(located: LocatedPiece) -> bytes:
    """Return a thumbnail of an image as JPEG; raises as ``render_image``."""
    return preview_jpeg(read_piece(located), file=located.piece.name)


def render_context(pieces: Sequence[LocatedPiece]) -> bytes:
    """Return the context images of a frame as a zip; raises as ``render_image``."""
    return context_zip(list(read_pieces(pieces)))


def render_video_png(frames: VideoFrames) -> bytes:
    """Return one frame of a video as PNG.

    Raises:
        MediaError: The video cannot be decoded there.
    """
    return _with_reader(frames, frame_png)


def render_video_jpeg(frames: VideoFrames, image_quality: int) -> bytes:
    """Return one frame of a video as JPEG; raises as ``render_video_png``."""
    return _with_reader(frames, lambda reader, number: frame_jpeg(reader, number, image_quality))


def render_video_preview(frames: VideoFrames) -> bytes:
    """Return a thumbnail of a frame of a video as JPEG; raises as ``render_video_png``."""
    return _with_reader(frames, frame_preview)


def _with_reader(frames: VideoFrames, render: Renderer) -> bytes:
    reader = video_reader(frames.token, frames.video, frames.index, Decoding.SINGLE)
    try:
        return render(reader, frames.numbers[0])
    except BaseException:
        drop_video(frames.token, Decoding.SINGLE)
        raise
