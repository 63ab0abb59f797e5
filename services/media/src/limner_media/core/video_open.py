"""Opening videos of unknown origin, and the settings of the decoding library that hold for the whole process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, TypeAlias

import av
import av.error
import av.logging
from av.container import InputContainer
from av.video.stream import VideoStream

from limner_media.core.errors import MediaError
from limner_media.core.watched import WatchedFile

VideoSource: TypeAlias = str | Path | IO[bytes]

# Only formats that hold their frames themselves: playlists (hls, dash, concat …) would let an upload name other files and
# addresses to be read by the server.
_FORMATS: Final = ",".join(
    (
        "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,h263,obu,ivf,flv,live_flv,asf,ogg,rm",
        "nut,mxf,dv,gxf,mjpeg,mjpeg_2000,m4v,vc1,y4m,yuv4mpegpipe,swf,nsv,wtv,dirac,apng_,av1,h261,evc,vvc",
    )
)
_OPTIONS: Final = {"format_whitelist": _FORMATS, "protocol_whitelist": "file,pipe,crypto,data"}
MAX_FRAME_PIXELS: Final = 178_956_970
_BUFFER_BYTES: Final = 256 << 10

# The library's log callback into Python can deadlock against the interpreter lock while codecs close: leave it off.
av.logging.set_level(None)


@contextmanager
def opened(source: VideoSource, *, file: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video for the length of a ``with`` block.

    Raises:
        MediaError: As in `open_video`.
    """
    container, stream = open_video(source, file=file)
    try:
        yield container, stream
        raise_source_failure(container)
    finally:
        container.close()


def open_video(source: VideoSource, *, file: str) -> tuple[InputContainer, VideoStream]:
    """Open a video; the caller closes the container in the thread that opened it.

    Args:
        source: Path, or seekable binary file; a file object stays open when the container is closed.
        file: Name of the video, for messages.

    Raises:
        Exception: What reading the file object raised.
        MediaError: It is no video of a known format, is cut short, or holds no picture stream.
    """
    target: str | WatchedFile
    if isinstance(source, str | Path):
        target = str(Path(source).absolute())
    else:
        source.seek(0)
        target = WatchedFile(source)
    try:
        container = av.open(target, "r", container_options=_OPTIONS, buffer_size=_BUFFER_BYTES, metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if isinstance(target, WatchedFile):
            target.raise_failure()
        raise MediaError("this is not a video that can be read, or the file is cut short", file=file) from error
    stream = _picture_stream(container)
    if stream is None:
        container.close()
        raise MediaError("the file holds no video, only other streams", file=file)
    # Frames may change size in the middle of a stream; larger ones are not decoded.
    stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
    return container, stream


def raise_source_failure(container: InputContainer) -> None:
    """Raise the error of the source if reading stopped because of one: decoding then just seems to end early."""
    if isinstance(container.file, WatchedFile):
        container.file.raise_failure()


def _picture_stream(container: InputContainer) -> VideoStream | None:
    """The first video stream that is not a cover picture and has a decoder."""
    for stream in container.streams.video:
        is_cover = stream.disposition & av.stream.Disposition.attached_pic
        if not is_cover and stream.codec_context is not None:
            return stream
    return None
