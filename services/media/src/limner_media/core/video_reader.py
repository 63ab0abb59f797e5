"""Exact access to single frames and runs of frames of a video."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from limner_media.core.errors import MediaError
from limner_media.core.video import decode_stream
from limner_media.core.video_index import Clock, FrameNumbers, VideoIndex
from limner_media.core.video_open import VideoSource, open_video, raise_source_failure

_MAX_BATCH_THREADS: Final = 8
_SEEK_COST_FRAMES: Final = 8
# More than the reordering depth of any common codec.
_SEEK_MARGIN_FRAMES: Final = 16


class Decoding(StrEnum):
    """How a decoder uses threads."""

    SINGLE = "single"
    """One thread: a frame comes out as soon as it is decoded; for single frames."""
    BATCH = "batch"
    """Several frames at once: more throughput, later first frame; for chunks."""


class VideoReader:
    """An open video that gives frames by number, reusing its position where that saves decoding.

    Not for use by several threads; closed by the thread that opened it (a context manager).
    """

    def __init__(self, source: VideoSource, index: VideoIndex, *, file: str, decoding: Decoding = Decoding.SINGLE) -> None:
        """Open the video.

        Args:
            source: Path or seekable binary file that the index was made from.
            index: Its frame table.
            file: Name of the video, for messages.
            decoding: How to use threads.

        Raises:
            MediaError: The video cannot be opened.
        """
        self.index = index
        self._source = source
        self._file = file
        self._decoding = decoding
        self._numbers = FrameNumbers(index.times)
        self._container: InputContainer | None = None
        self._current: tuple[int, VideoFrame] | None = None
        self._first_number: int | None = None
        # Frames to aim before a key frame; grows once when the container turns out to land behind its aim (MPEG-TS).
        self._margin = 0
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the container; harmless when closed already."""
        self._current = None
        self._frames: Iterator[tuple[int | None, VideoFrame]] = iter(())
        if self._container is not None:
            self._container.close()
            self._container = None

    def frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, VideoFrame]]:
        """Give frames by number, each decoded once when numbers ascend.

        Yields:
            The number asked for and the frame as coded (not turned upright). A frame is valid until the next step.

        Raises:
            MediaError: A number is not in the video, or nothing can be decoded there.
        """
        for number in numbers:
            yield number, self.frame(number)

    def frame(self, number: int) -> VideoFrame:
        """Give one frame as coded; for a damaged frame the next one that can be decoded, else the last before it.

        Args:
            number: Frame number from 0 in presentation order.

        Raises:
            MediaError: The number is not in the video, or nothing can be decoded there.
        """
        if not 0 <= number < self.index.frame_count:
            raise MediaError(f"the video has no frame {number}; it has {self.index.frame_count} frames", file=self._file)
        if self._current is not None and self._current[0] == number:
            return self._current[1]
        found = self._decode_to(number) if self._is_ahead(number) else self._seek_and_decode(number)
        if self._container is not None:
            raise_source_failure(self._container)
        if found is None:
            raise MediaError(f"frame {number} of the video cannot be decoded", file=self._file)
        return found

    def _is_ahead(self, number: int) -> bool:
        """Whether decoding on is no more work than seeking, which throws away what the decoder has in its pipeline."""
        if self._current is None or self._current[0] >= number:
            return False
        frames_if_sought = number - self.index.key_frame_at_or_before(number) + _SEEK_COST_FRAMES
        return self.index.clock is Clock.COUNT or number - self._current[0] <= frames_if_sought

    def _seek_and_decode(self, number: int) -> VideoFrame | None:
        """Seek to the key frame at or before a frame; to earlier ones while the container lands too late."""
        key, step = self.index.key_frame_at_or_before(number), 1
        while self._seek(key):
            found = self._decode_to(number)
            if found is not None and self._first_number is not None and self._first_number <= number:
                return found
            if self._margin:
                key, step = self.index.key_frame_at_or_before(max(0, key - step)), step * 2
            self._margin = _SEEK_MARGIN_FRAMES
        self._open()
        return self._decode_to(number)

    def _seek(self, key: int) -> bool:
        """Continue decoding at a key frame; False when only decoding from the start is left."""
        self._current = self._first_number = None
        aim = key - self._margin
        if self._container is None or self.index.clock is Clock.COUNT or aim < 0:
            return False
        try:
            self._container.seek(int(self.index.times[aim]), stream=self._stream, backward=True)
        except av.error.FFmpegError:
            return False
        self._frames = decode_stream(self._container, self._stream, self.index.clock, from_key=True)
        return True

    def _decode_to(self, number: int) -> VideoFrame | None:
        """Decode until a frame of at least this number; the last frame when the stream ends before."""
        for time, frame in self._frames:
            found = self._number_of(time)
            if found is None:
                continue
            if self._first_number is None:
                self._first_number = found
            self._current = (found, frame)
            if found >= number:
                return frame
        return self._current[1] if self._current is not None else None

    def _number_of(self, time: int | None) -> int | None:
        if self.index.clock is Clock.COUNT:
            return 0 if self._current is None else self._current[0] + 1
        return None if time is None else self._numbers.of(time)

    def _open(self) -> None:
        self.close()
        container, stream = open_video(self._source, file=self._file)
        self._container, self._stream = container, stream
        self._first_number = None
        _set_threads(stream, self._decoding)
        self._frames = decode_stream(container, stream, self.index.clock)


class OpenVideos:
    """Keeps the videos read last open, because opening costs as much as decoding several frames.

    One per worker process; `close` when the worker ends.
    """

    def __init__(self, *, max_open: int = 4) -> None:
        self._max_open = max_open
        self._readers: OrderedDict[str, VideoReader] = OrderedDict()

    def reader(self, key: str, open_reader: Callable[[], VideoReader]) -> VideoReader:
        """Give the reader kept under ``key``, opening it (and closing the one used longest ago) when there is none."""
        reader = self._readers.pop(key, None) or open_reader()
        self._readers[key] = reader
        while len(self._readers) > self._max_open:
            self._readers.popitem(last=False)[1].close()
        return reader

    def drop(self, key: str) -> None:
        """Close a reader, after an error or when its video goes away."""
        reader = self._readers.pop(key, None)
        if reader is not None:
            reader.close()

    def close(self) -> None:
        """Close all readers."""
        while self._readers:
            self._readers.popitem()[1].close()


def _set_threads(stream: VideoStream, decoding: Decoding) -> None:
    if decoding is Decoding.SINGLE:
        stream.thread_type = "SLICE"
        stream.thread_count = 1
    else:
        stream.thread_type = "AUTO"
        stream.thread_count = min(_MAX_BATCH_THREADS, os.cpu_count() or 1)
