"""What the service answers to operators."""

from limner_common.administration import Administration, CacheFolders
from limner_common.db import UnitOfWork
from limner_media.administration import repository
from limner_media.cleaning.service import queue_purge
from limner_media.container import new_queue
from limner_media.tables import uploads


async def forget_task(uow: UnitOfWork, task_id: int) -> None:
    """Queue the removal of everything a task had."""
    await queue_purge(uow, new_queue(), task_id)


administration = Administration(
    references=repository.references,
    tasks=repository.tasks,
    forget_task=forget_task,
    uploads=uploads,
    cache_folders=(CacheFolders("media/", repository.known_tokens),),
)
