"""What the service answers to operators."""

from limner_annotations.administration import repository
from limner_annotations.cleanup.service import forget_task as forget
from limner_annotations.container import new_queue
from limner_common.administration import Administration, CacheFolders
from limner_common.db import UnitOfWork


async def forget_task(uow: UnitOfWork, task_id: int) -> None:
    """Make all jobs of a task unknown, and queue the removal of their rows."""
    await forget(uow, new_queue(), task_id, ())


administration = Administration(
    task_rows=repository.task_rows,
    tasks=repository.tasks,
    forget_task=forget_task,
    cache_folders=(
        CacheFolders("annotations/jobs/", repository.known_jobs),
        CacheFolders("annotations/tasks/", repository.known_tasks),
    ),
)
