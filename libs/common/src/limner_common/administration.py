"""What operators' commands ask of a service: whom objects belong to, how much there is of each task, what is left over."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_common.db.uow import UnitOfWork
from limner_common.uploads.tables import UploadTables


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that something in a service's tables speaks of, or all objects whose keys start so.

    Attributes:
        key: Key of the object, or what keys start with.
        kind: What it is: data, upload or result.
        is_prefix: Whether all keys that start with ``key`` are meant; none needs to be there.
        task_id: Task it belongs to, when it does.
        project_id: Project it belongs to, when it belongs to no task.
    """

    key: str
    kind: str
    is_prefix: bool = False
    task_id: int | None = None
    project_id: int | None = None


@dataclass(frozen=True, slots=True)
class TaskRows:
    """How many rows of a kind a task has, and the bytes of what people put into them."""

    task_id: int
    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class CacheFolders:
    """A folder of cache keys whose subfolders belong to something.

    Attributes:
        folder: Key of the folder, ending on a slash.
        known: Returns which of these names of subfolders belong to something that is there.
    """

    folder: str
    known: Callable[[AsyncConnection, Sequence[str]], Awaitable[Collection[str]]]


@dataclass(frozen=True, slots=True)
class Administration:
    """What a service answers; what it leaves out, it has nothing of.

    Connections are in a transaction: results may be streamed.

    Attributes:
        references: Yields all references to objects below the service's name, by ascending key (Unicode code points).
        task_rows: Yields how much of the service's main table belongs to each task.
        tasks: Yields the ids of the tasks that the service keeps something for, ascending.
        forget_task: Removes all of a task that is gone from the catalog, as the fact of its deletion does.
        uploads: Tables of received files.
        cache_folders: What the service keeps in the cache.
    """

    references: Callable[[AsyncConnection], AsyncIterator[Reference]] | None = None
    task_rows: Callable[[AsyncConnection], AsyncIterator[TaskRows]] | None = None
    tasks: Callable[[AsyncConnection], AsyncIterator[int]] | None = None
    forget_task: Callable[[UnitOfWork, int], Awaitable[None]] | None = None
    uploads: UploadTables | None = None
    cache_folders: Sequence[CacheFolders] = field(default_factory=tuple)
