"""Which frames a chunk holds.

Source: domain/MEDIA.md §5, §7.1, §8. All frame numbers are task-relative, from 0.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from limner_common.errors import Invalid
from limner_media.datas.values import TaskData
from limner_model.facts import JobFacts


@dataclass(frozen=True, slots=True)
class ChunkFrames:
    """The frames of one chunk in order.

    Attributes:
        numbers: Frames; None at positions of frames that are not part of the job.
        is_selective: The frames are hand-picked: always a zip of JPEGs, whatever the task is.
    """

    numbers: Sequence[int | None]
    is_selective: bool = False

    @property
    def present(self) -> list[int]:
        """The frames that are really there."""
        return [number for number in self.numbers if number is not None]

    @property
    def name(self) -> str:
        """A name that only chunks of the same frames share; a part of a cache key."""
        if isinstance(self.numbers, range):
            return f"{self.numbers.start}-{self.numbers.stop - 1}"
        listed = ",".join("" if number is None else str(number) for number in self.numbers)
        return f"s-{hashlib.sha256(listed.encode()).hexdigest()[:32]}"


def job_frames(job: JobFacts) -> Sequence[int]:
    """Return the frames of a job in order: a range, or the hand-picked ones."""
    return range(job.start_frame, job.stop_frame + 1) if job.frames is None else sorted(job.frames)


def task_chunk(data: TaskData, number: int) -> ChunkFrames:
    """Return the frames of chunk ``number`` of a task.

    Raises:
        Invalid: The task has no such chunk.
    """
    _check_chunk_number(number, 0, data.chunk_count - 1)
    return ChunkFrames(_span(data, number))


def job_chunk_by_index(data: TaskData, job: JobFacts, index: int) -> ChunkFrames:
    """Return the frames of the ``index``-th chunk of a job's own frames.

    Raises:
        Invalid: The job has no such chunk.
    """
    frames = job_frames(job)
    _check_chunk_number(index, 0, (len(frames) - 1) // data.chunk_size)
    return ChunkFrames(frames[index * data.chunk_size : (index + 1) * data.chunk_size], job.frames is not None)


def job_chunk_by_number(data: TaskData, job: JobFacts, number: int) -> ChunkFrames:
    """Return the frames of a task's chunk that belong to a job.

    A job of a range of frames gets just those; one of hand-picked frames gets all positions, most of them empty.

    Raises:
        Invalid: The chunk holds none of the job's frames.
    """
    frames = job_frames(job)
    _check_chunk_number(number, frames[0] // data.chunk_size, frames[-1] // data.chunk_size)
    span = _span(data, number)
    if isinstance(frames, range):
        return ChunkFrames(range(max(span.start, frames.start), min(span.stop, frames.stop)))
    picked = frozenset(frames)
    return ChunkFrames(tuple(frame if frame in picked else None for frame in span), is_selective=True)


def _span(data: TaskData, number: int) -> range:
    start = number * data.chunk_size
    return range(start, min(start + data.chunk_size, data.size))


def _check_chunk_number(number: int, first: int, last: int) -> None:
    if not first <= number <= last:
        raise Invalid(f"The chunk number should be in the [{first}, {last}] range", code="bad_chunk_number")
