"""A document of a task as the parts of its jobs, and the parts as one document again. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from limner_annotations.revisions.documents import (
    Batch,
    Kind,
    Target,
    assign_ids,
    count_ids,
    encode_batch,
    join_document,
)
from limner_annotations.revisions.stored import StoredDoc
from limner_annotations.tasks.overlaps import Layout, OverlapMerger, merge_tracks
from limner_annotations.tasks.unions import Member, Unions
from limner_common.errors import Invalid
from limner_model.annotations import LabeledData, Shape, Tag, Track
from limner_model.interpolation import InvalidTrack
from limner_model.slicing import slice_data

#: For an object of a request: under which id each job has its part of it.
OwnedParts = Mapping[Target, Mapping[int, int]]

#: A job and its part of a document.
JobDocument = tuple[int, LabeledData]

_T = TypeVar("_T", Tag, Shape, Track)


def split(data: LabeledData, layout: Layout, *, is_cut: bool = False) -> list[JobDocument]:
    """Return the part of each job; objects that need no cut are shared by the parts and the document.

    Args:
        data: The document.
        layout: The jobs.
        is_cut: A single job is not the whole task, so the document is cut to its frames too.

    Raises:
        Invalid: Keyframes of a track do not fit together.
    """
    if layout.is_single and not is_cut:
        return [(layout.segments[0].job_id, data)]
    try:
        return [(job_id, slice_data(data, start, stop, is_3d=layout.is_3d)) for job_id, start, stop in layout.segments]
    except InvalidTrack as error:
        raise Invalid(str(error), code="track_invalid") from error


def count_part_ids(parts: Iterable[JobDocument]) -> int:
    """Return the most ids that encoding parts can need."""
    return sum(count_ids(part) for _, part in parts)


def encode_new(parts: Iterable[JobDocument], fresh: Iterator[int]) -> dict[int, Batch]:
    """Return the rows of each job for new objects; an object in two jobs gets an id in each.

    Args:
        parts: Parts of the jobs; their ids are overwritten.
        fresh: Ids that nobody has, at least ``count_part_ids(parts)``.
    """
    batches: dict[int, Batch] = {}
    for job_id, part in parts:
        assign_ids(part, fresh)
        batches[job_id] = encode_batch(part)  # before the next part gives other ids to what it shares
    return batches


def encode_changed(parts: Iterable[JobDocument], fresh: Iterator[int], owned: OwnedParts) -> dict[int, Batch]:
    """Return the rows of each job for objects that jobs may have already: those keep their ids, others get new ones."""
    batches: dict[int, Batch] = {}
    for job_id, part in parts:
        kept: set[int] = set()
        renamed = LabeledData(
            tags=[_rename(Kind.TAG, tag, job_id, owned, kept) for tag in part.tags],
            shapes=[_rename(Kind.SHAPE, shape, job_id, owned, kept) for shape in part.shapes],
            tracks=[_rename(Kind.TRACK, track, job_id, owned, kept) for track in part.tracks],
        )
        assign_ids(renamed, fresh, kept=kept)
        batches[job_id] = encode_batch(renamed)
    return batches


def assign_parts(targets: Collection[Target], found: Iterable[StoredDoc], unions: Unions) -> dict[Target, dict[int, int]]:
    """Say for each object of a request which objects of which jobs it stands for.

    An object stands for itself and for what is seen as one with it, unless the request names that as well.

    Args:
        targets: Objects that the request names.
        found: Those of them that the jobs have.
        unions: What is seen as one.
    """
    owners = {Target(Kind(row.kind), row.id): row.job_id for row in found}
    named: set[Member] = {(job_id, target.id) for target, job_id in owners.items()}
    parts: dict[Target, dict[int, int]] = {}
    for target in targets:
        if target not in owners:
            continue
        own = (owners[target], target.id)
        mine = parts.setdefault(target, dict([own]))
        for member in unions.of(own):
            if member not in named:
                named.add(member)
                mine.setdefault(*member)
    return parts


def merge_batches(batches: Mapping[int, Batch], layout: Layout) -> bytes:
    """Return rows of several jobs as one merged document."""
    if len(batches) == 1 and layout.is_single:
        return next(iter(batches.values())).document()
    docs: dict[Kind, list[bytes]] = {}
    for kind in Kind:
        rows = [
            StoredDoc(job_id, kind, row.id, row.frame, row.doc)
            for job_id in sorted(batches)
            for row in sorted(batches[job_id].rows, key=lambda row: (row.frame, row.id))
            if row.kind is kind
        ]
        if kind is Kind.TRACK:
            merged = merge_tracks(layout, rows)
        else:
            merger = OverlapMerger(layout, kind)
            merged = [*merger.push(rows), *merger.flush()]
        docs[kind] = [row.doc for row in merged]
    return join_document(docs)


def _rename(kind: Kind, item: _T, job_id: int, owned: OwnedParts, kept: set[int]) -> _T:
    own = None if item.id is None else owned.get(Target(kind, item.id), {}).get(job_id)
    if own is not None:
        kept.add(own)
    return msgspec.structs.replace(item, id=own)
