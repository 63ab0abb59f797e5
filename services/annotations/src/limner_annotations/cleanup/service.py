"""Forgetting jobs and labels that are gone, and following tasks to the labels of a project."""

from collections.abc import Collection, Iterable
from functools import partial

from limner_annotations.container import AnnotationsContainer
from limner_annotations.labels.owners import LabelOwner, OwnerKind
from limner_annotations.labels.service import begin_change, forget_owner
from limner_annotations.revisions.relabeling import LabelMap, relabel
from limner_annotations.revisions.service import (
    JobChange,
    jobs_of_task,
    jobs_with_labels,
    lock_jobs,
    mark_deleted,
    purge_rows,
    stream_job,
)
from limner_annotations.revisions.states import Author, ChangeKind
from limner_common.db import UnitOfWork
from limner_common.db.engine import Database
from limner_common.errors import NotFound
from limner_common.ids import new_token
from limner_common.work import WorkContext, WorkQueue

PURGE = "purge"


async def forget_task(uow: UnitOfWork, queue: WorkQueue, task_id: int, job_ids: Iterable[int]) -> None:
    """Forget a task with all its jobs; see ``forget_jobs``."""
    await forget_owner(uow, OwnerKind.TASK, task_id)
    known = await mark_deleted(uow, task_id, job_ids, is_whole_task=True)
    await _enqueue(uow, queue, known)


async def forget_jobs(uow: UnitOfWork, queue: WorkQueue, task_id: int, job_ids: Iterable[int]) -> None:
    """Make jobs unknown at once, and have their rows removed by a worker; idempotent."""
    known = await mark_deleted(uow, task_id, job_ids)
    await _enqueue(uow, queue, known)


async def end_labels(uow: UnitOfWork, owner: LabelOwner, label_ids: Collection[int]) -> None:
    """Take objects of labels that are gone out of all jobs: one revision per job that has any; idempotent.

    Args:
        uow: Unit of work.
        owner: Whose labels they were, at its version without them.
        label_ids: The labels.
    """
    if not label_ids:
        return
    await begin_change(uow, owner)
    for task_id, job_id in await jobs_with_labels(uow.connection, label_ids):
        try:
            (state,) = await lock_jobs(uow, task_id, [job_id])
        except NotFound:
            continue  # deleted since it was listed
        change = JobChange(uow, state, ChangeKind.LABELS, Author(reason="labels deleted"), state.labels_version)
        await change.end_labels(label_ids)
        await change.finish()


async def exchange_labels(container: AnnotationsContainer, uow: UnitOfWork, task: LabelOwner, label_map: LabelMap) -> None:
    """Give the objects of a task the labels of the project it moved to: one revision per job that has any; idempotent.

    Objects keep their ids; those of labels that have no place in the project go. Attributes that only the new labels have
    are filled when somebody reads. In memory is a batch of objects at a time.
    """
    if not label_map.labels:
        return
    await begin_change(uow, task)
    for job_id in await jobs_of_task(uow.connection, task.id):
        try:
            (state,) = await lock_jobs(uow, task.id, [job_id])
        except NotFound:
            continue  # deleted since it was listed
        if state.is_empty:
            continue
        change = JobChange(uow, state, ChangeKind.LABELS, Author(reason="task moved to a project"), "")
        async for kind, docs in stream_job(uow.connection, job_id, state.revision):
            work = partial(relabel, kind, docs, label_map)
            targets, batch = await container.compute(sum(map(len, docs)), work)
            await change.end(targets)
            await change.add(batch, updated=len(batch.rows))
        await change.finish()


async def purge(database: Database, context: WorkContext, *, batch_rows: int) -> None:
    """Remove the rows of deleted jobs, a bounded number per transaction; may be interrupted and run again."""
    for job_id in context.item.payload["job_ids"]:
        removed = batch_rows
        while removed == batch_rows:
            context.check()
            async with database.begin() as uow:
                removed = await purge_rows(uow, job_id, limit=batch_rows)


async def _enqueue(uow: UnitOfWork, queue: WorkQueue, job_ids: list[int]) -> None:
    if job_ids:
        await queue.enqueue(uow, item_id=new_token("purge-"), kind=PURGE, payload={"job_ids": job_ids})
