"""One view of the jobs of a task: objects that two jobs share on the frames they share are seen once. Pure.

Segments overlap by at most half their length, so a frame belongs to two jobs at most, and tags and shapes can be merged
while they stream by; tracks can go on through all jobs and are merged together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from limner_annotations.revisions.documents import Kind, decode_documents, encode_objects, objects_of
from limner_annotations.revisions.stored import StoredDoc
from limner_model.annotations import LabeledData
from limner_model.merging import JobPart, merge_jobs


class Segment(NamedTuple):
    """The frames of an annotation job, both ends inclusive."""

    job_id: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How the jobs of a task lie on its frames: segments by ascending job, and the frames that neighbours share."""

    segments: Sequence[Segment]
    overlap: int
    is_3d: bool

    @property
    def is_single(self) -> bool:
        """Whether one job is the whole task, so that nothing needs merging."""
        return len(self.segments) == 1

    def shared_frames(self, frames: Iterable[int]) -> set[int]:
        """Return those of some frames that two jobs have."""
        starts = [segment.start for segment in self.segments[1:]]
        return {frame for frame in frames if any(start <= frame < start + self.overlap for start in starts)}


class OverlapMerger:
    """Merges the tags or the shapes of the jobs of a task while they are read.

    Args:
        layout: The jobs.
        kind: Tags or shapes.
    """

    def __init__(self, layout: Layout, kind: Kind) -> None:
        self._layout = layout
        self._kind = kind
        self._position = {segment.job_id: index for index, segment in enumerate(layout.segments)}
        self._here = -1
        # Of the job before, on the frames it shares with this one; and of this job on the same frames.
        self._tail: list[StoredDoc] = []
        self._head: list[StoredDoc] = []
        # Of this job, on the frames it shares with the next one.
        self._coming: list[StoredDoc] = []

    def push(self, rows: Iterable[StoredDoc]) -> list[StoredDoc]:
        """Take objects in the order of job, frame and id; return those that are settled, in the order of frames."""
        if not self._layout.overlap:
            return list(rows)
        settled: list[StoredDoc] = []
        for row in rows:
            position = self._position[row.job_id]
            if position != self._here:
                settled += self._enter(position)
            segments = self._layout.segments
            if row.frame < segments[position].start + self._layout.overlap and position:
                self._head.append(row)
                continue
            settled += self._settle()
            if position + 1 < len(segments) and row.frame >= segments[position + 1].start:
                self._coming.append(row)
            else:
                settled.append(row)
        return settled

    def flush(self) -> list[StoredDoc]:
        """Return what was still waiting, after the last object."""
        return self._enter(len(self._layout.segments))

    def _enter(self, position: int) -> list[StoredDoc]:
        settled = self._settle()
        if position == self._here + 1:
            self._tail = self._coming
        else:
            settled += self._coming
        self._coming = []
        self._here = position
        if position == len(self._layout.segments):
            settled += self._tail
            self._tail = []
        return settled

    def _settle(self) -> list[StoredDoc]:
        """Merge what two jobs have on the frames they share."""
        tail, head = self._tail, self._head
        if not tail and not head:
            return []
        self._tail, self._head = [], []
        if tail and head:
            absorbed = absorbed_ids(self._layout, self._here, self._kind, tail, head)
            head = [row for row in head if row.id not in absorbed]
        return sorted([*tail, *head], key=_by_frame)


def absorbed_ids(
    layout: Layout, position: int, kind: Kind, olds: Sequence[StoredDoc], news: Sequence[StoredDoc]
) -> set[int]:
    """Return the ids of objects that vanish when the job at ``position`` is merged into the one before it.

    Args:
        layout: The jobs.
        position: Index of the later job, at least 1.
        kind: Kind of all objects given.
        olds: Objects of the job before.
        news: Objects of the job.
    """
    parts = [
        JobPart(layout.segments[position - 1].start, decode_documents(kind, (row.doc for row in olds))),
        JobPart(layout.segments[position].start, decode_documents(kind, (row.doc for row in news))),
    ]
    merged = merge_jobs(parts, overlap=layout.overlap, is_3d=layout.is_3d)
    return {row.id for row in (*olds, *news)} - {item.id for _, item in objects_of(merged) if item.id is not None}


def merge_tracks(layout: Layout, rows: Iterable[StoredDoc]) -> list[StoredDoc]:
    """Merge the tracks of all jobs; those that do not go on in the next job end after their segment.

    Returns:
        Merged tracks by frame and id. O(tracks) memory.
    """
    if layout.is_single:
        return sorted(rows, key=_by_frame)
    docs: dict[int, list[bytes]] = {segment.job_id: [] for segment in layout.segments}
    for row in rows:
        docs[row.job_id].append(row.doc)
    if not any(docs.values()):
        return []
    parts = [JobPart(start, decode_documents(Kind.TRACK, docs.pop(job_id))) for job_id, start, _ in layout.segments]
    merged = merge_jobs(parts, overlap=layout.overlap, is_3d=layout.is_3d)
    return stored_docs(0, merged)


def stored_docs(job_id: int, data: LabeledData) -> list[StoredDoc]:
    """Return the objects of a document, which have ids, as they would be read: by kind, frame and id."""
    documents = zip(objects_of(data), encode_objects(data), strict=True)
    docs = [StoredDoc(job_id, kind, item.id or 0, item.frame, doc) for (kind, item), doc in documents]
    return sorted(docs, key=lambda row: (row.kind, row.frame, row.id))


def _by_frame(row: StoredDoc) -> tuple[int, int]:
    return row.frame, row.id
