"""Frame numbers of a task against frame numbers of its source.

Annotations count the frames of a task from 0 (relative); files and media count the frames of the source (absolute). Both
are tied by a start frame and a step. Source of the rules: CVAT's ``start_frame``, ``stop_frame`` and ``frame_filter``.
"""

import re

import msgspec

_STEP = re.compile(r"step\s*=\s*([1-9]\d*)")


class FrameNumbering(msgspec.Struct, frozen=True):
    """The frames of one task: ``size`` frames, from source frame ``start_frame``, every ``step``-th."""

    size: int
    start_frame: int = 0
    step: int = 1

    @property
    def stop_frame(self) -> int:
        """The last source frame, inclusive; ``start_frame - step`` for a task without frames."""
        return self.start_frame + (self.size - 1) * self.step

    def absolute(self, frame: int) -> int:
        """Return the source frame of a relative frame; the frame need not lie inside the task."""
        return self.start_frame + frame * self.step

    def relative(self, source_frame: int) -> int | None:
        """Return the relative frame of a source frame, or None where the task does not have it."""
        frame, rest = divmod(source_frame - self.start_frame, self.step)
        return frame if rest == 0 and 0 <= frame < self.size else None


def parse_frame_step(frame_filter: str) -> int:
    """Return N of the frame filter ``step=N``; 1 for an empty filter.

    Raises:
        ValueError: The filter is not empty and has no ``step=N`` with N >= 1.
    """
    if not frame_filter.strip():
        return 1
    found = _STEP.search(frame_filter)
    if found is None:
        raise ValueError(f"the frame filter {frame_filter!r} is not of the form step=N")
    return int(found[1])


def number_frames(media_size: int, *, start_frame: int = 0, stop_frame: int | None = None, step: int = 1) -> FrameNumbering:
    """Choose the frames of a task from the frames of its source.

    Args:
        media_size: Number of frames of the source.
        start_frame: First source frame, from 0.
        stop_frame: Last source frame, inclusive; None or beyond the source means its end.
        step: Every how many-th frame is taken, >= 1.

    Returns:
        The numbering; its size is 0 where no frame is left.
    """
    last = media_size - 1 if stop_frame is None else min(stop_frame, media_size - 1)
    return FrameNumbering(size=len(range(start_frame, last + 1, step)), start_frame=start_frame, step=step)
