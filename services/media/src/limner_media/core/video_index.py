"""The table of a video's frames: what is needed to find any frame exactly, without the video."""

import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

_MAGIC: Final = b"LVI1"
_FIXED: Final = struct.Struct("<4s4II2IBQ")


class Clock(StrEnum):
    """By what a decoded frame is recognised; the order of the members is part of the stored form."""

    PTS = "pts"
    """Presentation time; times ascend."""
    DTS = "dts"
    """Decoding time, where the container stores no presentation time that can be trusted; times do not ascend."""
    COUNT = "count"
    """Position from the start, for streams without usable times; there is no seeking."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoIndex:
    """Frames of a video in the order they are shown.

    Attributes:
        width: Width in pixels as shown, rotation metadata applied.
        height: Height in pixels as shown.
        coded_width: Width in pixels before rotation.
        coded_height: Height in pixels before rotation.
        rotation: Degrees counter-clockwise to turn a decoded frame upright: 0, 90, 180 or 270.
        time_base: Seconds per unit of ``times``.
        times: int64 (frames,); what `clock` says of frame k, all different.
        is_key: bool (frames,); True where decoding can start.
        clock: What the times are.
    """

    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation: int
    time_base: Fraction
    times: NDArray[np.int64]
    is_key: NDArray[np.bool_]
    clock: Clock = Clock.PTS

    @property
    def frame_count(self) -> int:
        """Number of frames shown."""
        return int(self.times.size)

    def key_frame_at_or_before(self, number: int) -> int:
        """Number of the nearest frame at or before ``number`` where decoding can start; 0 when none is marked."""
        keys = self.key_frames
        position = int(np.searchsorted(keys, number, side="right")) - 1
        return int(keys[position]) if position >= 0 else 0

    @property
    def key_frames(self) -> NDArray[np.int64]:
        """int64 (key frames,); numbers of the frames where decoding can start, ascending."""
        return np.flatnonzero(self.is_key).astype(np.int64)

    def to_bytes(self) -> bytes:
        """A compact form: some hundred bytes for a video of constant frame rate, whatever its length."""
        head = _FIXED.pack(
            _MAGIC,
            self.width,
            self.height,
            self.coded_width,
            self.coded_height,
            self.rotation,
            self.time_base.numerator,
            self.time_base.denominator,
            list(Clock).index(self.clock),
            self.frame_count,
        )
        steps = np.diff(self.times, prepend=np.int64(0)).astype("<i8")
        return head + zlib.compress(steps.tobytes() + np.packbits(self.is_key).tobytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: The bytes are not an index, or are cut short.
        """
        if len(data) < _FIXED.size or data[:4] != _MAGIC:
            raise ValueError("not a video index")
        _, width, height, coded_width, coded_height, rotation, num, den, clock, count = _FIXED.unpack_from(data)
        try:
            table = zlib.decompress(data[_FIXED.size :])
        except zlib.error as error:
            raise ValueError("the video index is cut short") from error
        steps = np.frombuffer(table, "<i8", count)
        bits = np.frombuffer(table, np.uint8, (count + 7) // 8, count * 8)
        return cls(
            width=width,
            height=height,
            coded_width=coded_width,
            coded_height=coded_height,
            rotation=rotation,
            time_base=Fraction(num, den),
            times=np.cumsum(steps, dtype=np.int64),
            is_key=np.unpackbits(bits, count=count).astype(np.bool_),
            clock=list(Clock)[clock],
        )


class FrameNumbers:
    """Finds the number of a decoded frame by its time, whatever order the times are in."""

    def __init__(self, times: NDArray[np.int64]) -> None:
        self._order = np.argsort(times, kind="stable")
        self._sorted = times[self._order]

    def of(self, time: int) -> int | None:
        """Number of the frame with this time; None when no frame of the table has it."""
        position = int(np.searchsorted(self._sorted, time))
        if position < self._sorted.size and int(self._sorted[position]) == time:
            return int(self._order[position])
        return None
