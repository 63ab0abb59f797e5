"""Changing what jobs hold: a change of one job under its lock is one revision."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_annotations import metrics
from limner_annotations.labels.service import hold_labels
from limner_annotations.revisions import reading, repository
from limner_annotations.revisions.documents import Batch, Counts, Kind, Target
from limner_annotations.revisions.events import annotations_saved
from limner_annotations.revisions.states import Author, ChangeKind, JobState, RevisionMismatch
from limner_annotations.revisions.stored import StoredDoc
from limner_common.db import Database, UnitOfWork
from limner_common.errors import NotFound
from limner_model.facts import TaskFacts


class JobChange:
    """One revision of one job in the making; the job is locked until the transaction ends.

    Nothing is written for a change without effect.

    Args:
        uow: Unit of work that holds the lock.
        state: The job under the lock.
        kind: What makes the change.
        author: Who makes it.
        labels_version: Version of the labels that added documents are filled for; empty when for none.
    """

    def __init__(self, uow: UnitOfWork, state: JobState, kind: ChangeKind, author: Author, labels_version: str) -> None:
        self._uow = uow
        self._kind = kind
        self._author = author
        self._labels_version = labels_version
        self._before = state
        self._ended = Counts()
        self._added = Counts()
        self._updated = 0
        self._label_ids: set[int] = set()
        self._has_old_documents = False

    @property
    def job_id(self) -> int:
        """The job."""
        return self._before.job_id

    @property
    def revision(self) -> int:
        """The revision that is being made."""
        return self._before.revision + 1

    async def end_all(self) -> None:
        """Take all objects out of the job."""
        if not self._before.is_empty:
            await repository.end_all(self._uow, self.job_id, self.revision)
            self._ended = self._before.counts

    async def end(self, targets: Collection[Target]) -> set[int]:
        """Take objects out of the job; those that are not in it are ignored. Returns the ids that were."""
        if not targets or self._before.is_empty:
            return set()
        found, counts = await repository.end_targets(self._uow, self.job_id, self.revision, targets)
        self._ended += counts
        return found

    async def end_labels(self, label_ids: Collection[int]) -> None:
        """Take the objects with these labels out of the job."""
        self._ended += await repository.end_labels(self._uow, self.job_id, self.revision, label_ids)

    async def add(self, batch: Batch, *, updated: int = 0) -> None:
        """Put objects into the job.

        Args:
            batch: The objects, with ids that no current object has.
            updated: How many of them stand for objects that were ended by this change.
        """
        if not batch.rows:
            return
        await repository.copy_objects(self._uow, self.job_id, self.revision, batch.rows)
        self._added += batch.counts()
        self._updated += updated
        self._label_ids |= batch.label_ids()

    async def restore(self, past: int, label_ids: Collection[int]) -> None:
        """Bring the job's objects back to those of an earlier revision, without those of other labels."""
        self._ended += await repository.end_created_after(self._uow, self.job_id, self.revision, past)
        counts, revived = await repository.revive(self._uow, self.job_id, self.revision, past, label_ids)
        self._added += counts
        self._label_ids |= revived
        self._has_old_documents = counts.total > 0

    async def finish(self) -> JobState:
        """Write the revision, unless nothing changed, and return the job's state."""
        before = self._before
        created, deleted = self._added.total - self._updated, self._ended.total - self._updated
        if not created and not deleted and not self._updated:
            return before
        counts = before.counts - self._ended + self._added
        after = replace(
            before,
            revision=self.revision,
            labels_version=self._documents_version(),
            label_ids=frozenset(self._label_ids if self._is_replaced else before.label_ids | self._label_ids),
            counts=counts,
        )
        totals = {"created": created, "updated": self._updated, "deleted": deleted}
        await repository.add_revision(self._uow, after, self._kind, self._author, **totals)
        await repository.save_state(self._uow, after)
        self._uow.record(annotations_saved(after, self._kind, self._author, **totals))
        self._uow.after_commit(partial(_count_save, self._kind, totals))
        return after

    @property
    def _is_replaced(self) -> bool:
        """Whether nothing is left of what the job held before."""
        return self._ended.total == self._before.counts.total

    def _documents_version(self) -> str:
        """Return the version of labels that all current documents are filled for; empty when there are several."""
        if self._has_old_documents:
            return ""
        if self._is_replaced:
            return self._labels_version
        if not self._added.total or self._before.labels_version == self._labels_version:
            return self._before.labels_version
        return ""


async def _count_save(kind: ChangeKind, totals: Mapping[str, int]) -> None:
    metrics.SAVES.labels(kind).inc()
    for action, count in totals.items():
        metrics.OBJECTS.labels(action).inc(count)


async def lock_job(
    uow: UnitOfWork, task_id: int, job_id: int, *, expected: int | None = None, facts: TaskFacts | None = None
) -> JobState:
    """Lock a job for a change; others wait until the transaction ends.

    Args:
        uow: Unit of work.
        task_id: Its task.
        job_id: The job.
        expected: Revision that the change was made for; None when any will do.
        facts: What objects to be added were checked against; None when none are added.

    Raises:
        NotFound: The job was deleted.
        RevisionMismatch: The job is at another revision.
        LabelsOutdated: Labels went since those facts.
    """
    (state,) = await lock_jobs(uow, task_id, [job_id], facts=facts)
    if expected is not None and expected != state.revision:
        difference = await repository.difference_since(uow.connection, state, expected)
        raise RevisionMismatch(expected, state.revision, difference)
    return state


async def lock_jobs(
    uow: UnitOfWork, task_id: int, job_ids: Iterable[int], *, facts: TaskFacts | None = None
) -> list[JobState]:
    """Lock several jobs of a task; returns their states by id. Raises as ``lock_job``."""
    if facts is not None:
        await hold_labels(uow, facts)
    states = await repository.lock_states(uow, task_id, list(job_ids))
    if any(state.is_deleted for state in states):
        raise NotFound
    return states


async def find_state(database: Database, task_id: int, job_id: int) -> JobState:
    """Return what is known of a job; one that was never written is empty at revision 0.

    Raises:
        NotFound: The job was deleted.
    """
    async with database.read() as connection:
        states = await repository.get_states(connection, [job_id])
    if not states:
        return JobState(job_id, task_id)
    if states[0].is_deleted:
        raise NotFound
    return states[0]


async def find_states(database: Database, task_id: int) -> list[JobState]:
    """Return the jobs of a task that were ever written and are not deleted, by id."""
    async with database.read() as connection:
        return await repository.list_states(connection, task_id=task_id)


async def stream_stored(
    connection: AsyncConnection, pins: Sequence[tuple[int, int]], kind: Kind | None = None
) -> AsyncIterator[list[StoredDoc]]:
    """Yield objects of jobs by kind, job, frame and id, in lists of bounded size; at most three statements.

    Args:
        connection: Connection in a transaction that sees one snapshot.
        pins: Jobs, each with the revision to read.
        kind: Only objects of this kind; None for all.
    """
    condition, expected = await reading.pin(connection, pins)
    async for rows in reading.stream_docs(connection, condition, expected, kind):
        yield rows


async def stream_job(connection: AsyncConnection, job_id: int, revision: int) -> AsyncIterator[tuple[Kind, list[bytes]]]:
    """Yield the documents of a job at a revision by kind, frame and id, in lists of bounded size."""
    condition, expected = await reading.pin(connection, [(job_id, revision)])
    async for found in reading.stream_by_kind(connection, condition, expected):
        yield found


async def find_targets(
    connection: AsyncConnection, job_ids: Collection[int], targets: Collection[Target]
) -> list[StoredDoc]:
    """Return the current objects of some jobs that are named; others are ignored."""
    return await reading.find_targets(connection, job_ids, targets)


async def find_tracks(connection: AsyncConnection, job_ids: Collection[int]) -> list[StoredDoc]:
    """Return the current tracks of some jobs."""
    return await reading.find_tracks(connection, job_ids)


async def find_on_frames(connection: AsyncConnection, job_ids: Collection[int], frames: Collection[int]) -> list[StoredDoc]:
    """Return the current tags and shapes of some jobs on some frames."""
    return await reading.find_on_frames(connection, job_ids, frames)


async def jobs_with_labels(connection: AsyncConnection, label_ids: Collection[int]) -> list[tuple[int, int]]:
    """Return (task id, job id) of the jobs that may have objects of these labels, by job."""
    return await repository.jobs_with_labels(connection, label_ids)


async def jobs_of_task(connection: AsyncConnection, task_id: int) -> list[int]:
    """Return the jobs of a task that were ever written and are not deleted, by id."""
    return [state.job_id for state in await repository.list_states(connection, task_id=task_id)]


async def mark_deleted(uow: UnitOfWork, task_id: int, job_ids: Iterable[int], *, is_whole_task: bool = False) -> list[int]:
    """Make jobs unknown for readers and writers; returns those that were written and not yet marked.

    Args:
        uow: Unit of work.
        task_id: Task of the jobs.
        job_ids: The jobs; those never written are remembered as deleted too.
        is_whole_task: Also all other jobs of the task.
    """
    states = await repository.lock_states(uow, task_id, list(job_ids))
    if is_whole_task:
        states += await repository.list_states(uow.connection, task_id=task_id)
    fresh = {state.job_id for state in states if not state.is_deleted}
    await repository.mark_deleted(uow, fresh)
    return sorted({state.job_id for state in states if state.job_id in fresh and state.revision})


async def purge_rows(uow: UnitOfWork, job_id: int, *, limit: int) -> int:
    """Remove objects of a deleted job, at most ``limit``, and its history with the last of them; returns how many."""
    removed = await repository.purge_objects(uow, job_id, limit)
    if removed < limit:
        await repository.purge_revisions(uow, job_id)
    return removed
