"""How the frames of a task are cut into the segments of its jobs.

All frames are task-relative, from 0; ``stop`` is inclusive. Source of the rules: the CVAT server's task creation.
"""

from collections.abc import Sequence
from typing import NamedTuple

VIDEO_OVERLAP = 5
"""Overlap of the segments of a video task that asks for none, in frames."""


class Segment(NamedTuple):
    """The frames ``start`` to ``stop``, both inclusive."""

    start: int
    stop: int


class SegmentPlan(NamedTuple):
    """Segments with the sizes that took effect; ``segment_size`` is 0 where a mapping of files made the segments."""

    segment_size: int
    overlap: int
    segments: list[Segment]


def plan_segments(size: int, *, segment_size: int = 0, overlap: int | None = None, is_video: bool = False) -> SegmentPlan:
    """Cut ``size`` frames into segments of equal length.

    Args:
        size: Number of frames of the task, >= 1.
        segment_size: Asked number of frames per segment; 0 or more than ``size`` means one segment.
        overlap: Asked number of frames that neighbours share; None means the default (5 for video, else 0). At most half
            a segment takes effect.
        is_video: The task is annotated as a video (interpolation mode).

    Raises:
        ValueError: The size is below 1, or the segment size or the overlap is negative.
    """
    if size < 1 or segment_size < 0 or (overlap is not None and overlap < 0):
        raise ValueError(f"cannot cut {size} frames into segments of {segment_size} with overlap {overlap}")
    effective_size = size if segment_size == 0 or segment_size > size else segment_size
    asked = (VIDEO_OVERLAP if is_video else 0) if overlap is None else overlap
    effective_overlap = min(asked, effective_size // 2)
    starts = range(0, size - effective_overlap, effective_size - effective_overlap)
    segments = [Segment(start, min(start + effective_size - 1, size - 1)) for start in starts]
    return SegmentPlan(effective_size, effective_overlap, segments)


def plan_mapped_segments(file_counts: Sequence[int]) -> SegmentPlan:
    """Make one segment per list of a job-file mapping, in order and without overlap.

    Args:
        file_counts: Number of files of each list, each >= 1.

    Raises:
        ValueError: There is no list, or one is empty.
    """
    if not file_counts or min(file_counts) < 1:
        raise ValueError("each job of a file mapping needs at least one file")
    segments: list[Segment] = []
    start = 0
    for count in file_counts:
        segments.append(Segment(start, start + count - 1))
        start += count
    return SegmentPlan(0, 0, segments)
