"""Which objects of different jobs are seen as one, so that a change of the one reaches all its parts. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from limner_annotations.revisions.documents import Kind, decode_documents
from limner_annotations.revisions.stored import StoredDoc
from limner_annotations.tasks.overlaps import Layout
from limner_model.annotations import Tag
from limner_model.assignment import assign
from limner_model.similarity import Similarities, shape_similarities, track_similarities

# As ``limner_model.merging`` has them.
_MIN_SHAPE_SIMILARITY = 0.75
_MIN_TRACK_SIMILARITY = 0.5

#: An object of a job: job id, object id.
Member = tuple[int, int]


class Unions:
    """Sets of objects that the merged view of a task shows as one."""

    def __init__(self) -> None:
        self._set_of: dict[Member, set[Member]] = {}

    def join(self, first: Member, second: Member) -> None:
        """Say that two objects are one."""
        joined = self.of(first) | self.of(second)
        for member in joined:
            self._set_of[member] = joined

    def of(self, member: Member) -> set[Member]:
        """Return all that is one with an object, itself included."""
        return self._set_of.get(member, {member})


def find_unions(layout: Layout, rows: Iterable[StoredDoc]) -> Unions:
    """Find what is seen as one among objects of the jobs of a task.

    Args:
        layout: The jobs.
        rows: All tags and shapes of the frames of interest, and all tracks or none.
    """
    unions = Unions()
    by_job: defaultdict[tuple[int, int], list[StoredDoc]] = defaultdict(list)
    for row in rows:
        by_job[row.job_id, row.kind].append(row)
    for before, here in pairwise(layout.segments):
        border = here.start + layout.overlap
        for kind in Kind:
            olds = [row for row in by_job[before.job_id, kind] if kind is Kind.TRACK or row.frame >= here.start]
            news = [row for row in by_job[here.job_id, kind] if row.frame < border]
            for old, new in _pairs(layout, kind, olds, news, here.start):
                unions.join((old.job_id, old.id), (new.job_id, new.id))
    return unions


def _pairs(
    layout: Layout, kind: Kind, olds: list[StoredDoc], news: list[StoredDoc], start: int
) -> Iterator[tuple[StoredDoc, StoredDoc]]:
    """Yield which objects of two neighbouring jobs are merged, as ``limner_model.merging`` does it."""
    if not olds or not news:
        return
    mine = decode_documents(kind, (row.doc for row in olds))
    theirs = decode_documents(kind, (row.doc for row in news))
    if kind is Kind.TRACK:
        found = track_similarities(mine.tracks, theirs.tracks, start, start + layout.overlap, is_3d=layout.is_3d)
        for first, second in assign(found, min_similarity=_MIN_TRACK_SIMILARITY):
            yield olds[first], news[second]
        return
    for frame in {row.frame for row in olds} & {row.frame for row in news}:
        here = [index for index, row in enumerate(olds) if row.frame == frame]
        there = [index for index, row in enumerate(news) if row.frame == frame]
        if kind is Kind.TAG:
            found = _tag_similarities([mine.tags[index] for index in here], [theirs.tags[index] for index in there])
        else:
            shapes = [mine.shapes[index] for index in here], [theirs.shapes[index] for index in there]
            found = shape_similarities(*shapes, is_3d=layout.is_3d)
        for first, second in assign(found, min_similarity=_MIN_SHAPE_SIMILARITY):
            yield olds[here[first]], news[there[second]]


def _tag_similarities(first: Sequence[Tag], second: Sequence[Tag]) -> Similarities:
    return {
        (row, column): 1.0
        for row, tag in enumerate(first)
        for column, other in enumerate(second)
        if tag.label_id == other.label_id
    }
