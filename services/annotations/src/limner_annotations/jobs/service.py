"""What can be done with the annotations of a job: read, replace, create, update, delete, clear."""

import asyncio
from collections.abc import Collection, Iterator
from functools import partial

from limner_annotations.access import OpenJob
from limner_annotations.container import AnnotationsContainer
from limner_annotations.revisions.documents import Batch, assign_ids, count_ids, encode_batch
from limner_annotations.revisions.parsing import parse_document, parse_targets, refuse_ids, targets_of
from limner_annotations.revisions.repeats import find_saved, in_order_sent
from limner_annotations.revisions.service import JobChange, lock_job
from limner_annotations.revisions.states import Author, ChangeKind, JobState
from limner_model.annotations import LabeledData


async def replace_annotations(
    container: AnnotationsContainer, job: OpenJob, body: bytes, author: Author, *, expected: int | None = None
) -> tuple[JobState, bytes]:
    """Put the objects of a document in the place of all that the job holds; ids are new.

    Returns:
        The state after, and the stored objects in the order given.

    Raises:
        Invalid: The document is refused.
        RevisionMismatch: The job is not at the expected revision.
        NotFound: The job was deleted.
        LabelsOutdated: The labels it was checked against went meanwhile.
    """
    data = await _parse(container, job, body)
    return await _save_new(container, job, data, len(body), ChangeKind.REPLACE, author, expected=expected)


async def create_annotations(
    container: AnnotationsContainer, job: OpenJob, body: bytes, author: Author, *, expected: int | None = None
) -> tuple[JobState, bytes]:
    """Add the objects of a document, which have no ids; returns and raises as ``replace_annotations``."""
    data = await _parse(container, job, body, has_ids=False)
    return await _save_new(container, job, data, len(body), ChangeKind.CREATE, author, expected=expected)


async def update_annotations(
    container: AnnotationsContainer, job: OpenJob, body: bytes, author: Author, *, expected: int | None = None
) -> tuple[JobState, bytes]:
    """Put the objects of a document in the place of those with the same ids, which they keep.

    An object without id, or whose id the job does not have (somebody deleted it, or it is another job's), is added under
    a new id: nothing that was drawn gets lost, and nothing of others is touched. Otherwise as ``replace_annotations``.
    """
    data = await _parse(container, job, body)
    targets = targets_of(data)
    fresh = await container.ids.take(count_ids(data))
    async with container.database.begin() as uow:
        state = await lock_job(uow, job.task.id, job.id, expected=expected, facts=job.task.facts)
        change = JobChange(uow, state, ChangeKind.UPDATE, author, job.task.labels_version)
        kept = await change.end(targets)
        batch = await container.compute(len(body), lambda: _numbered(data, fresh, kept))
        await change.add(batch, updated=len(kept))
        state = await change.finish()
    return state, await _answer(container, batch, len(body))


async def delete_annotations(
    container: AnnotationsContainer, job: OpenJob, body: bytes, author: Author, *, expected: int | None = None
) -> tuple[JobState, bytes]:
    """Take the objects that a document names by id out of the job; unknown ids are ignored.

    Returns:
        The state after, and the objects as they were sent.

    Raises:
        Invalid: An object has no id.
        RevisionMismatch: The job is not at the expected revision.
        NotFound: The job was deleted.
    """
    targets, answer = await container.compute(len(body), partial(parse_targets, body))
    async with container.database.begin() as uow:
        state = await lock_job(uow, job.task.id, job.id, expected=expected)
        change = JobChange(uow, state, ChangeKind.DELETE, author, job.task.labels_version)
        await change.end(targets)
        return await change.finish(), answer


async def clear_annotations(
    container: AnnotationsContainer, job: OpenJob, author: Author, *, expected: int | None = None
) -> JobState:
    """Take everything out of the job; raises as ``delete_annotations``."""
    async with container.database.begin() as uow:
        state = await lock_job(uow, job.task.id, job.id, expected=expected)
        change = JobChange(uow, state, ChangeKind.CLEAR, author, job.task.labels_version)
        await change.end_all()
        return await change.finish()


async def find_answer(
    container: AnnotationsContainer, job: OpenJob, body: bytes, author: Author, *, echoes: bool = False
) -> tuple[int, bytes] | None:
    """Return the revision that a request wrote when it was sent before, and its answer; None when it wrote none.

    Args:
        container: Container.
        job: The job.
        body: Its document.
        author: Who sends it, and its key.
        echoes: Its answer is the document.
    """
    saved = await find_saved(container.database, [job.id], author.save_key)
    if job.id not in saved:
        return None
    revision, rows = saved[job.id]
    if echoes:
        return revision, (await container.compute(len(body), partial(parse_targets, body)))[1]
    return revision, await container.compute(len(body), lambda: in_order_sent(body, rows).document())


async def _save_new(
    container: AnnotationsContainer,
    job: OpenJob,
    data: LabeledData,
    size_bytes: int,
    kind: ChangeKind,
    author: Author,
    *,
    expected: int | None,
) -> tuple[JobState, bytes]:
    """Add objects under new ids, in the place of all others when ``kind`` says so."""
    count = count_ids(data)
    encode = partial(_numbered, data, await container.ids.take(count), frozenset())
    async with container.database.begin() as uow:
        facts = job.task.facts if count else None
        state = await lock_job(uow, job.task.id, job.id, expected=expected, facts=facts)
        change = JobChange(uow, state, kind, author, job.task.labels_version)
        # The database is busy with ending objects for longer than we are with encoding as many.
        encoding = asyncio.create_task(container.compute(size_bytes, encode))
        if kind is ChangeKind.REPLACE:
            await change.end_all()
        batch = await encoding
        await change.add(batch)
        state = await change.finish()
    return state, await _answer(container, batch, size_bytes)


async def _parse(container: AnnotationsContainer, job: OpenJob, body: bytes, *, has_ids: bool = True) -> LabeledData:
    def parse() -> LabeledData:
        data = parse_document(
            body,
            job.task.schema,
            start_frame=job.facts.start_frame,
            stop_frame=job.facts.stop_frame,
            included_frames=job.included_frames,
        )
        if not has_ids:
            refuse_ids(data)
        return data

    return await container.compute(len(body), parse)


def _numbered(data: LabeledData, fresh: Iterator[int], kept: Collection[int]) -> Batch:
    """Encode objects under their ids, and let go of them here: freeing many takes a while."""
    assign_ids(data, fresh, kept=kept)
    batch = encode_batch(data)
    data.tags, data.shapes, data.tracks = [], [], []
    return batch


async def _answer(container: AnnotationsContainer, batch: Batch, size_bytes: int) -> bytes:
    return await container.compute(size_bytes, batch.document)
