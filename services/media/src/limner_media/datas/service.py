"""The data of tasks, for the other features."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from limner_common.db import Database, UnitOfWork
from limner_common.errors import Invalid, NotFound
from limner_common.grants import Grant
from limner_media.datas import repository
from limner_media.datas.events import frames_changed
from limner_media.datas.values import Frame, FrameLine, NewData, TaskData
from limner_media.sources.pieces import Piece

_KEPT = 256
_LISTED_AT_ONCE = 2_000


class NoData(NotFound):
    """The task has no data, or they are not ready."""

    def __init__(self) -> None:
        super().__init__("The task has no data yet.", code="no_data")


class Datas:
    """Reads the data of tasks.

    Args:
        database: The service's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[tuple[int, str], TaskData] = OrderedDict()

    async def get(self, task_id: int) -> TaskData:
        """Return the data of a task as they are now.

        Raises:
            NoData: There are none.
        """
        async with self._database.read() as connection:
            found = await repository.find_data(connection, task_id)
        if found is None:
            raise NoData
        return found

    async def get_for_chunks(self, task_id: int, version: str | None) -> TaskData:
        """Return data for reading frames; ``deleted_frames`` may be outdated.

        Everything else is settled when data become ready and whatever changes chunks changes the task's version, so a
        copy is kept per version named in a grant.

        Raises:
            NoData: There are none.
        """
        if version is None:
            return await self.get(task_id)
        key = (task_id, version)
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        found = self._kept[key] = await self.get(task_id)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found

    async def exists(self, task_id: int) -> bool:
        """Say if a task has data."""
        async with self._database.read() as connection:
            return await repository.has_data(connection, task_id)

    async def insert(self, uow: UnitOfWork, new: NewData) -> None:
        """Write new data with all their frames."""
        await repository.insert_data(uow, new)

    async def delete(self, uow: UnitOfWork, task_id: int) -> str | None:
        """Remove a task's data; returns the token they had. Idempotent."""
        uow.after_commit(lambda: self._forget(task_id))
        return await repository.delete_data(uow, task_id)

    async def mark_deleted(
        self, task_id: int, deleted: Sequence[int], *, within: Sequence[int] | None, grant: Grant
    ) -> TaskData:
        """Replace the marks of deleted frames and tell others; does nothing when they are the same already.

        Args:
            task_id: The task.
            deleted: Frames to be marked, ascending.
            within: Only marks on these frames are replaced, as for a job; None for all.
            grant: Whoever does it.

        Raises:
            NoData: The task has no data.
        """
        async with self._database.begin() as uow:
            data = await repository.lock_data(uow, task_id)
            if data is None:
                raise NoData
            wanted = list(deleted)
            if within is not None:
                kept = [number for number in data.deleted_frames if number not in within]
                wanted = sorted({*kept, *(number for number in deleted if number in within)})
            if wanted != list(data.deleted_frames):
                await repository.set_deleted_frames(uow, task_id, wanted)
                uow.record(frames_changed(task_id, len(wanted), grant))
                uow.after_commit(lambda: self._forget(task_id))
        return replace(data, deleted_frames=tuple(wanted))

    async def frames(self, data: TaskData, numbers: range | Sequence[int]) -> list[Frame]:
        """Return frames of an image or point cloud task, ascending."""
        async with self._database.read() as connection:
            return await repository.find_frames(connection, data.task_id, numbers)

    async def frame(self, data: TaskData, number: int) -> Frame:
        """Return one frame of an image or point cloud task."""
        (found,) = await self.frames(data, range(number, number + 1))
        return found

    async def frame_lines(self, data: TaskData, start: int, stop: int) -> AsyncIterator[list[FrameLine]]:
        """Yield lines of the frames ``start`` to ``stop``, both inclusive, some thousand at a time; one for a video."""
        if data.video is not None:
            yield [FrameLine(start, data.video.piece.name, data.video.width, data.video.height, 0)]
            return
        for first in range(start, stop + 1, _LISTED_AT_ONCE):
            # A connection per batch: whoever reads slowly keeps none.
            async with self._database.read() as connection:
                last = min(stop, first + _LISTED_AT_ONCE - 1)
                found = await repository.frame_lines(connection, data.task_id, first, last)
            yield found

    async def related(self, data: TaskData, frame: Frame) -> list[Piece]:
        """Return the context files of a frame."""
        if not frame.related:
            return []
        async with self._database.read() as connection:
            return await repository.find_related(connection, data.task_id, frame.related)

    async def _forget(self, task_id: int) -> None:
        for key in [key for key in self._kept if key[0] == task_id]:
            del self._kept[key]


def check_frame_number(data: TaskData, number: int) -> None:
    """Refuse numbers that are not frames of the task.

    Raises:
        Invalid: It is none.
    """
    if not 0 <= number < data.size:
        raise Invalid(f"The frame number should be in the [0, {data.size - 1}] range", code="bad_frame_number")
