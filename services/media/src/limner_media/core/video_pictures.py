"""Decoded video frames as pictures: turned upright, as PNG, JPEG, preview, or ready for an encoder."""

import io
from typing import Any, Final

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from limner_media.core.images import PREVIEW_SIDE_PX, encode_jpeg, encode_preview
from limner_media.core.video_index import VideoIndex
from limner_media.core.video_reader import VideoReader

# Higher levels take several times longer for some percent of size.
_PNG_LEVEL: Final = 1
# zlib strategy: a third faster on photos than the default, and not larger.
_PNG_RUN_LENGTHS: Final = 3
_TURNS: Final = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}


def rgb_picture(frame: VideoFrame, index: VideoIndex) -> Image.Image:
    """The frame as an upright RGB image of the video's size; frames coded in another size are scaled to it."""
    return _picture(frame, index, index.coded_width, index.coded_height)


def frame_png(reader: VideoReader, number: int) -> bytes:
    """One frame, lossless, as PNG.

    Raises:
        MediaError: As in `VideoReader.frame`.
    """
    out = io.BytesIO()
    rgb_picture(reader.frame(number), reader.index).save(
        out, "PNG", compress_level=_PNG_LEVEL, compress_type=_PNG_RUN_LENGTHS
    )
    return out.getvalue()


def frame_jpeg(reader: VideoReader, number: int, quality: int) -> bytes:
    """One frame as JPEG of the given quality 0..100.

    Raises:
        MediaError: As in `VideoReader.frame`.
    """
    return encode_jpeg(rgb_picture(reader.frame(number), reader.index), quality)


def frame_preview(reader: VideoReader, number: int, *, side_px: int = PREVIEW_SIDE_PX) -> bytes:
    """One frame as a JPEG that fits into a square.

    Raises:
        MediaError: As in `VideoReader.frame`.
    """
    index = reader.index
    # Half of the work is colour conversion of full frames: let the scaler do the first, larger part of shrinking.
    shrink = max(1, min(index.coded_width, index.coded_height) // (2 * side_px))
    width, height = max(1, index.coded_width // shrink), max(1, index.coded_height // shrink)
    return encode_preview(_picture(reader.frame(number), index, width, height), side_px=side_px)


def encodable(frame: VideoFrame, index: VideoIndex, width: int, height: int) -> VideoFrame:
    """The frame upright as yuv420p of the given even size, without a detour over RGB.

    Args:
        frame: Frame as coded.
        index: Its video's table.
        width: Width in pixels as shown, even.
        height: Height in pixels as shown, even.
    """
    is_turned = index.rotation in (90, 270)
    coded = (height, width) if is_turned else (width, height)
    scaled = frame.reformat(width=coded[0], height=coded[1], format="yuv420p")
    return scaled if index.rotation == 0 else _turned(scaled, index.rotation)


def _picture(frame: VideoFrame, index: VideoIndex, width: int, height: int) -> Image.Image:
    rgb = frame.reformat(width=width, height=height, format="rgb24")
    picture = Image.fromarray(rgb.to_ndarray())
    turn = _TURNS.get(index.rotation)
    return picture.transpose(turn) if turn is not None else picture


def _turned(frame: VideoFrame, rotation: int) -> VideoFrame:
    """Turn the three planes of a yuv420p frame counter-clockwise; exact, since both sides are even."""
    width, height = frame.width, frame.height
    packed: NDArray[Any] = frame.to_ndarray()
    luma = packed[:height]
    chroma = packed[height:].reshape(2, height // 2, width // 2)
    turns = rotation // 90
    planes = [np.rot90(plane, turns) for plane in (luma, chroma[0], chroma[1])]
    flat = np.concatenate([plane.ravel() for plane in planes])
    columns = planes[0].shape[1]
    return VideoFrame.from_ndarray(flat.reshape(-1, columns), format="yuv420p")
