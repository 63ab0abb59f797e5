"""Frames of a video as entries of image chunks."""

from collections.abc import Sequence

from limner_media.core.chunks import Entry
from limner_media.core.images import encode_jpeg
from limner_media.core.video_pictures import rgb_picture
from limner_media.core.video_reader import VideoReader


def video_entries(reader: VideoReader, numbers: Sequence[int], *, quality: int) -> list[Entry]:
    """Make the JPEG entries of frames of a video, in the video's nominal size.

    Args:
        reader: The open video, best opened for batches.
        numbers: Frame numbers; decoding is cheapest when they ascend.
        quality: JPEG quality 0..100.

    Raises:
        MediaError: As in `VideoReader.frame`.
    """
    return [Entry("jpeg", encode_jpeg(rgb_picture(frame, reader.index), quality)) for _, frame in reader.frames(numbers)]
