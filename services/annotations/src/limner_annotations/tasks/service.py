"""What can be done with the annotations of a task: each change is one revision per job it touches, all or none."""

from collections.abc import Mapping, Sequence
from functools import partial

from limner_annotations.access import OpenTask
from limner_annotations.container import AnnotationsContainer
from limner_annotations.revisions.documents import Batch, Kind, ObjectRow, Target
from limner_annotations.revisions.parsing import parse_document, parse_targets, refuse_ids, targets_of
from limner_annotations.revisions.repeats import find_saved, in_order_sent
from limner_annotations.revisions.service import JobChange, find_on_frames, find_targets, find_tracks, lock_jobs
from limner_annotations.revisions.states import Author, ChangeKind
from limner_annotations.tasks.overlaps import Layout
from limner_annotations.tasks.reading import layout_of
from limner_annotations.tasks.splitting import (
    JobDocument,
    OwnedParts,
    assign_parts,
    count_part_ids,
    encode_changed,
    encode_new,
    merge_batches,
    split,
)
from limner_annotations.tasks.unions import Unions, find_unions
from limner_common.db import UnitOfWork
from limner_model.annotations import LabeledData


async def replace_annotations(container: AnnotationsContainer, task: OpenTask, body: bytes, author: Author) -> bytes:
    """Put the objects of a document in the place of all that the task's jobs hold; ids are new.

    Returns:
        The stored objects, merged.

    Raises:
        Invalid: The document is refused.
        NotFound: A job was deleted.
        LabelsOutdated: The labels it was checked against went meanwhile.
    """
    return await _write_new(container, task, body, author, ChangeKind.REPLACE)


async def create_annotations(container: AnnotationsContainer, task: OpenTask, body: bytes, author: Author) -> bytes:
    """Add the objects of a document, which have no ids; returns and raises as ``replace_annotations``."""
    return await _write_new(container, task, body, author, ChangeKind.CREATE)


async def update_annotations(container: AnnotationsContainer, task: OpenTask, body: bytes, author: Author) -> bytes:
    """Put the objects of a document in the place of those with the same ids.

    What is seen as one with an object, in the overlap with another job, changes with it. Objects without a known id are
    added. Returns and raises as ``replace_annotations``.
    """
    layout = layout_of(task)
    data, parts = await container.compute(len(body), lambda: _parse_and_split(task, layout, body))
    targets = targets_of(data)
    fresh = await container.ids.take(count_part_ids(parts))
    async with container.database.begin() as uow:
        changes = await _open(uow, task, ChangeKind.UPDATE, author)
        owned = await _owned_parts(container, uow, layout, targets)
        updated = await _end(changes, owned)
        batches = await container.compute(len(body), partial(encode_changed, parts, fresh, owned))
        await _add(changes, batches, updated)
    return await container.compute(len(body), lambda: merge_batches(batches, layout))


async def delete_annotations(container: AnnotationsContainer, task: OpenTask, body: bytes, author: Author) -> bytes:
    """Take the objects that a document names, and what is seen as one with them, out of the task; others are ignored.

    Returns:
        The objects as they were sent.

    Raises:
        Invalid: An object has no id.
        NotFound: A job was deleted.
    """
    layout = layout_of(task)
    targets, answer = await container.compute(len(body), partial(parse_targets, body))
    async with container.database.begin() as uow:
        changes = await _open(uow, task, ChangeKind.DELETE, author, adds=False)
        await _end(changes, await _owned_parts(container, uow, layout, targets))
        await _add(changes, {}, {})
    return answer


async def clear_annotations(container: AnnotationsContainer, task: OpenTask, author: Author) -> None:
    """Take everything out of the task.

    Raises:
        NotFound: A job was deleted.
    """
    async with container.database.begin() as uow:
        changes = await _open(uow, task, ChangeKind.CLEAR, author, adds=False)
        for change in changes.values():
            await change.end_all()
        await _add(changes, {}, {})


async def find_answer(
    container: AnnotationsContainer, task: OpenTask, body: bytes, author: Author, *, echoes: bool
) -> bytes:
    """Return the answer of a request that wrote revisions when it was sent before.

    Args:
        container: Container.
        task: The task.
        body: Its document.
        author: Who sends it, and its key.
        echoes: Its answer is the document.
    """
    if echoes:
        return (await container.compute(len(body), partial(parse_targets, body)))[1]
    layout = layout_of(task)
    saved = await find_saved(container.database, [job.id for job in task.annotation_jobs], author.save_key)
    return await container.compute(len(body), lambda: _answer_again(layout, body, saved))


def _answer_again(layout: Layout, body: bytes, saved: Mapping[int, tuple[int, list[ObjectRow]]]) -> bytes:
    batches = {job_id: Batch(rows) for job_id, (_, rows) in saved.items()}
    if layout.is_single:
        batches = {job_id: in_order_sent(body, batch.rows) for job_id, batch in batches.items()}
    return merge_batches(batches, layout)


async def _write_new(
    container: AnnotationsContainer, task: OpenTask, body: bytes, author: Author, kind: ChangeKind
) -> bytes:
    layout = layout_of(task)
    data, parts = await container.compute(len(body), lambda: _parse_and_split(task, layout, body))
    if kind is ChangeKind.CREATE:
        refuse_ids(data)
    fresh = await container.ids.take(count_part_ids(parts))
    batches = await container.compute(len(body), partial(encode_new, parts, fresh))
    del data, parts
    async with container.database.begin() as uow:
        changes = await _open(uow, task, kind, author)
        if kind is ChangeKind.REPLACE:
            for change in changes.values():
                await change.end_all()
        await _add(changes, batches, {})
    return await container.compute(len(body), lambda: merge_batches(batches, layout))


def _parse_and_split(task: OpenTask, layout: Layout, body: bytes) -> tuple[LabeledData, list[JobDocument]]:
    data = parse_document(body, task.schema, start_frame=0, stop_frame=task.facts.size - 1)
    return data, split(data, layout)


async def _open(
    uow: UnitOfWork, task: OpenTask, kind: ChangeKind, author: Author, *, adds: bool = True
) -> dict[int, JobChange]:
    """Lock all annotation jobs of a task."""
    states = await lock_jobs(uow, task.id, [job.id for job in task.annotation_jobs], facts=task.facts if adds else None)
    return {state.job_id: JobChange(uow, state, kind, author, task.labels_version) for state in states}


async def _owned_parts(
    container: AnnotationsContainer, uow: UnitOfWork, layout: Layout, targets: Sequence[Target]
) -> OwnedParts:
    """Find which objects of which jobs a request means; a bounded number of statements."""
    if not targets:
        return {}
    job_ids = [segment.job_id for segment in layout.segments]
    found = await find_targets(uow.connection, job_ids, targets)
    if layout.is_single or not layout.overlap:
        return assign_parts(targets, found, Unions())
    rows = []
    if any(row.kind == Kind.TRACK for row in found):
        rows += await find_tracks(uow.connection, job_ids)
    frames = layout.shared_frames(row.frame for row in found if row.kind != Kind.TRACK)
    if frames:
        rows += await find_on_frames(uow.connection, job_ids, frames)
    unions = await container.compute(sum(len(row.doc) for row in rows), lambda: find_unions(layout, rows))
    return assign_parts(targets, found, unions)


async def _end(changes: Mapping[int, JobChange], owned: OwnedParts) -> dict[int, set[int]]:
    """End the objects that stand for those of a request; return their ids by job."""
    ended: dict[int, set[int]] = {}
    for job_id, change in changes.items():
        named = [Target(target.kind, parts[job_id]) for target, parts in owned.items() if job_id in parts]
        ended[job_id] = await change.end(named)
    return ended


async def _add(changes: Mapping[int, JobChange], batches: Mapping[int, Batch], ended: Mapping[int, set[int]]) -> None:
    """Add rows to the jobs and finish their revisions."""
    for job_id, change in changes.items():
        batch = batches.get(job_id, Batch())
        kept = ended.get(job_id, set())
        await change.add(batch, updated=sum(1 for row in batch.rows if row.id in kept))
        await change.finish()
