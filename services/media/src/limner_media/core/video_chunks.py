"""Chunks of a video as small MP4 files that clients decode from front to back.

Source: domain/MEDIA.md §6.
"""

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import av
from av.video.frame import PictureType
from av.video.stream import VideoStream

from limner_media.core.video_pictures import encodable
from limner_media.core.video_reader import VideoReader

ORIGINAL_QUALITY: Final = 67
FRAMES_PER_SECOND: Final = 25
_TIME_BASE: Final = Fraction(1, FRAMES_PER_SECOND)
_MAX_COMPRESSED_HEIGHT: Final = 1080


def crf_of_quality(quality: int) -> int:
    """Constant rate factor of a quality 0..100: 100 → 0, 67 → 17, 50 → 26, 1 → 51."""
    return min(51, max(0, round(51 * (100 - quality) / 99)))


def chunk_frame_size(width: int, height: int, *, is_compressed: bool) -> tuple[int, int]:
    """Size of a chunk's pictures.

    Args:
        width: Width of the video in pixels as shown.
        height: Height of the video in pixels as shown.
        is_compressed: Halve until less than 1080 rows are left.

    Returns:
        Width and height in pixels, odd sides made even by adding one.
    """
    factor = 1
    while is_compressed and height // factor >= _MAX_COMPRESSED_HEIGHT:
        factor *= 2
    width, height = max(1, width // factor), max(1, height // factor)
    return width + width % 2, height + height % 2


def encode_mp4(reader: VideoReader, numbers: Sequence[int], *, is_compressed: bool, image_quality: int) -> bytes:
    """Encode frames of a video as H.264 yuv420p, 25 frames per second, baseline, no frame reordering.

    Args:
        reader: The open video, best opened for batches.
        numbers: Frame numbers in the order of the chunk; decoding is cheapest when they ascend.
        is_compressed: Downscale and use ``image_quality``; otherwise keep the size and use a fixed high quality.
        image_quality: Quality 0..100 of compressed chunks.

    Returns:
        An MP4 file; its n-th frame is ``numbers[n]``. The same frames always give the same bytes on one machine.

    Raises:
        MediaError: As in `VideoReader.frame`.
    """
    index = reader.index
    size = chunk_frame_size(index.width, index.height, is_compressed=is_compressed)
    crf = crf_of_quality(image_quality if is_compressed else ORIGINAL_QUALITY)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=_encoder_options(crf))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for position, (_, coded) in enumerate(reader.frames(numbers)):
            frame = encodable(coded, index, *size)
            # Decoded frames carry the time and type they had in the source, which the encoder would follow.
            frame.pts, frame.time_base = position, _TIME_BASE
            frame.pict_type = PictureType.NONE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def _encoder_options(crf: int) -> dict[str, str]:
    # Rate factor 0 would switch to lossless coding, which the baseline profile does not have.
    return {
        "preset": "ultrafast",
        "profile": "baseline",
        "crf": str(max(1, crf)),
        "coder": "0",
        "flags": "-loop",
        "x264-params": "weightp=0:bframes=0",
    }
