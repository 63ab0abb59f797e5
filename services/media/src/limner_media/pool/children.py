"""What every worker process holds; importing this module loads the decoding libraries."""

import multiprocessing
import os
import threading

from limner_media.core.images import set_pixel_limit
from limner_media.core.video_index import VideoIndex
from limner_media.core.video_reader import Decoding, OpenVideos, VideoReader
from limner_media.sources.pieces import LocatedPiece
from limner_media.sources.video_files import video_source

_videos: OpenVideos | None = None


def start_child(max_pixels: int, max_open_videos: int) -> None:
    """Prepare a worker process."""
    global _videos
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    set_pixel_limit(max_pixels)
    _videos = OpenVideos(max_open=max_open_videos)


def video_reader(token: str, video: LocatedPiece, index: bytes, decoding: Decoding) -> VideoReader:
    """Return an open video of this process, kept for the next call.

    Args:
        token: Name of the data the video belongs to.
        video: The video; a whole file.
        index: Its frame table in stored form.
        decoding: How to use threads.

    Raises:
        MediaError: It cannot be opened.
    """
    assert _videos is not None
    name = video.piece.name

    def open_reader() -> VideoReader:
        return VideoReader(video_source(video), VideoIndex.from_bytes(index), file=name, decoding=decoding)

    return _videos.reader(f"{token}/{decoding}", open_reader)


def drop_video(token: str, decoding: Decoding) -> None:
    """Close a video of this process, after an error."""
    assert _videos is not None
    _videos.drop(f"{token}/{decoding}")


def _end_with_the_service() -> None:
    """End this process when the one that wants its results is gone, or it would wait for the next call for ever."""
    service = multiprocessing.parent_process()
    assert service is not None
    service.join()
    os._exit(1)
