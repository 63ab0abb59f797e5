"""Finding out about a video by reading its packets, without decoding more than the first frame.

Where presentation times cannot be had from the packets (some AVI files, bare streams) the video is decoded once instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import av.error
import numpy as np
from av.codec.context import Flags
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from limner_media.core.errors import MediaError
from limner_media.core.video_index import Clock, VideoIndex
from limner_media.core.video_open import MAX_FRAME_PIXELS, VideoSource, opened, raise_source_failure

# VP8 marks frames that are never shown by a bit of the first byte (RFC 6386, 9.1).
_VP8_SHOWN: Final = 0x10


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter mark of a video, in frame numbers, both ends included."""

    id: int
    start: int
    stop: int
    title: str


@dataclass(slots=True)
class _Packets:
    """What the packets of a stream say, in decoding order."""

    pts: list[int] = field(default_factory=list)
    is_key: list[bool] = field(default_factory=list)
    count: int = 0
    lacks_times: bool = False
    first_frame: VideoFrame | None = None


def scan_video(source: VideoSource, *, file: str, max_pixels: int = MAX_FRAME_PIXELS) -> VideoIndex:
    """Make the frame table of a video in the time it takes to read the file.

    Frames that an edit list hides, that come before the first decodable one, or that are never shown are left out.

    Args:
        source: Path or seekable binary file.
        file: Name of the video, for messages.
        max_pixels: Largest number of pixels of a frame.

    Raises:
        MediaError: It is no video, is cut short, has too large frames, or has no frame that can be decoded.
    """
    with opened(source, file=file) as (container, stream):
        if stream.codec_context.width * stream.codec_context.height > max_pixels:
            raise MediaError(f"the frames of the video are larger than the limit of {max_pixels} pixels", file=file)
        packets = _read_packets(container, stream)
        raise_source_failure(container)
        first = packets.first_frame
        if first is None:
            raise MediaError("the video holds no frames that can be decoded", file=file)
        _refuse_cut_short(container, stream, packets, file)
        if _is_trusted(container, stream, packets):
            return _index(stream, first, *_presentation_order(packets, first))
    with opened(source, file=file) as (container, stream):
        return _index(stream, first, *_decode_times(container, stream))


def read_chapters(source: VideoSource, index: VideoIndex, *, file: str) -> list[Chapter]:
    """Chapter marks of a video as frame numbers; marks without any frame are left out.

    Raises:
        MediaError: The video cannot be opened.
    """
    with opened(source, file=file) as (container, _):
        marks = container.chapters()
    times = np.sort(index.times)
    chapters = []
    for mark in marks:
        scale = (mark["time_base"] or Fraction(1)) / index.time_base
        start = int(np.searchsorted(times, round(mark["start"] * scale)))
        stop = int(np.searchsorted(times, round(mark["end"] * scale))) - 1
        if start <= stop:
            chapters.append(Chapter(mark["id"], start, stop, mark["metadata"].get("title", "")))
    return chapters


def decode_stream(
    container: InputContainer, stream: VideoStream, clock: Clock, *, from_key: bool = False
) -> Iterator[tuple[int | None, VideoFrame]]:
    """Decode from where the container stands to the end; packets that the decoder refuses are passed over.

    Args:
        container: An open video.
        stream: Its picture stream.
        clock: What to tell frames by.
        from_key: Pass over packets before the first key frame: some containers seek to just anywhere, and some decoders
            then give frames built on nothing.

    Yields:
        The frame's time on the clock of an index (None when it has none) and the frame, in presentation order.
    """
    if clock is Clock.DTS:
        stream.codec_context.flags |= Flags.copy_opaque
    is_started = not from_key
    for packet in _packets(container, stream):
        is_started = is_started or packet.is_keyframe
        if not is_started:
            continue
        if clock is Clock.DTS:
            packet.opaque = packet.dts
        for frame in _decoded(packet):
            time = frame.pts if clock is Clock.PTS else frame.opaque
            yield (time if isinstance(time, int) else None), frame


def _read_packets(container: InputContainer, stream: VideoStream) -> _Packets:
    """Walk over all packets, decoding until the first frame comes out."""
    found = _Packets()
    is_vp8 = stream.codec_context.name == "vp8"
    for packet in _packets(container, stream):
        if found.first_frame is None:
            found.first_frame = next(iter(_decoded(packet)), None)
        if packet.size == 0 or packet.is_corrupt:
            continue
        found.count += 1
        if packet.is_discard or (is_vp8 and not memoryview(packet)[0] & _VP8_SHOWN):
            continue
        if packet.pts is None:
            found.lacks_times = True
            continue
        found.pts.append(packet.pts)
        found.is_key.append(packet.is_keyframe)
    return found


def _packets(container: InputContainer, stream: VideoStream) -> "Iterator[Packet[VideoStream]]":
    """Packets of a stream to the end, which a read error counts as; the last ones are empty and flush the decoder."""
    while True:
        try:
            yield from container.demux(stream)
        except IndexError:
            # A stream that the file did not announce begins here; the library trips over its first packet.
            continue
        except av.error.FFmpegError:
            pass
        return


def _decoded(packet: "Packet[VideoStream]") -> list[VideoFrame]:
    try:
        return packet.decode()
    except av.error.FFmpegError:
        return []


def _refuse_cut_short(container: InputContainer, stream: VideoStream, packets: _Packets, file: str) -> None:
    """MP4 and MOV list their samples up front, so missing ones are known."""
    if "mov" in container.format.name and packets.count < stream.frames:
        raise MediaError(f"the video is cut short: {packets.count} of {stream.frames} frames are in the file", file=file)


def _is_trusted(container: InputContainer, stream: VideoStream, packets: _Packets) -> bool:
    """Whether packet times say when frames are shown.

    AVI stores none; times are made up in decoding order there, which is wrong as soon as frames are reordered.
    """
    first = packets.first_frame
    if packets.lacks_times or not packets.pts or first is None or first.pts is None:
        return False
    steps = np.diff(packets.pts)
    if container.format.name == "avi" and stream.codec_context.has_b_frames and bool(np.all(steps >= 0)):
        return False
    return len(set(packets.pts)) == len(packets.pts)


def _presentation_order(packets: _Packets, first: VideoFrame) -> tuple[NDArray[np.int64], NDArray[np.bool_], Clock]:
    """Times ascending, from the first frame that can be decoded."""
    pts = np.asarray(packets.pts, np.int64)
    order = np.argsort(pts)
    begin = int(np.searchsorted(pts[order], first.pts or 0))
    order = order[begin:]
    return pts[order], np.asarray(packets.is_key, np.bool_)[order], Clock.PTS


def _decode_times(container: InputContainer, stream: VideoStream) -> tuple[NDArray[np.int64], NDArray[np.bool_], Clock]:
    """Decoding times in the order frames come out of the decoder; a count when they are missing or repeat."""
    stream.thread_type = "AUTO"
    times: list[int | None] = []
    keys: list[bool] = []
    for time, frame in decode_stream(container, stream, Clock.DTS):
        times.append(time)
        keys.append(frame.key_frame)
    known = {time for time in times if time is not None}
    is_key = np.asarray(keys, np.bool_)
    if len(known) == len(times):
        return np.asarray(times, np.int64), is_key, Clock.DTS
    return np.arange(len(times), dtype=np.int64), is_key, Clock.COUNT


def _index(
    stream: VideoStream, first: VideoFrame, times: NDArray[np.int64], is_key: NDArray[np.bool_], clock: Clock
) -> VideoIndex:
    rotation = round(first.rotation / 90) * 90 % 360
    width, height = first.width, first.height
    upright = (height, width) if rotation in (90, 270) else (width, height)
    time_base = stream.time_base if stream.time_base is not None and clock is not Clock.COUNT else Fraction(1, 25)
    return VideoIndex(*upright, width, height, rotation, time_base, times, is_key, clock)
