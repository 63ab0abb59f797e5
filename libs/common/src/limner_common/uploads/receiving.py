"""Files of a form on their way into the object store."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from limner_common.errors import TooLarge
from limner_common.objects.port import ObjectStore
from limner_common.uploads.forms import FileData, FileEnd, FileStart, FormEvent, FormField, FormFields
from limner_common.uploads.names import object_extension

#: Files up to this size are held in memory, so that several can be stored while the next ones arrive.
_SMALL_BYTES = 1 << 20
_STORED_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file of a form that lies in the store."""

    name: str
    key: str
    size_bytes: int


class FormReceiver:
    """Stores the files of one form below a folder of keys, as they arrive.

    Args:
        objects: Where to.
        folder: Prefix of their keys, ending on a slash.
        clean_name: Turns what the client calls a file into a safe name; raises ``Invalid`` otherwise.
        max_bytes: Largest file.
    """

    def __init__(self, objects: ObjectStore, folder: str, clean_name: Callable[[str], str], *, max_bytes: int) -> None:
        self.fields = FormFields()
        self.files: list[ReceivedFile] = []
        self._objects = objects
        self._folder = folder
        self._clean_name = clean_name
        self._max_bytes = max_bytes
        self._slots = asyncio.Semaphore(_STORED_AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []

    async def receive(self, events: AsyncIterator[FormEvent]) -> None:
        """Take the whole form; afterwards ``fields`` and ``files`` are filled. Stores nothing more when it raises."""
        try:
            async for event in events:
                if isinstance(event, FormField):
                    self.fields.add(event.name, event.value)
                elif isinstance(event, FileStart):
                    await self._take_file(event, events)
            await asyncio.gather(*self._tasks)
        except BaseException:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            raise

    async def _take_file(self, start: FileStart, events: AsyncIterator[FormEvent]) -> None:
        # Browsers send a file field that was left empty as a file without a name.
        name = self._clean_name(start.filename) if start.filename else ""
        key = f"{self._folder}{len(self.files):06d}{object_extension(name)}"
        blocks = self._blocks(events, name)
        held: list[bytes] = []
        size_bytes = 0
        async for block in blocks:
            held.append(block)
            size_bytes += len(block)
            if size_bytes > _SMALL_BYTES:
                name = name or self._clean_name("")
                info = await self._objects.put_stream(key, _chain(held, blocks))
                self.files.append(ReceivedFile(name, key, info.size_bytes))
                return
        if name:
            self.files.append(ReceivedFile(name, key, size_bytes))
            await self._slots.acquire()
            self._tasks.append(asyncio.create_task(self._store(key, b"".join(held))))

    async def _store(self, key: str, data: bytes) -> None:
        try:
            await self._objects.put_bytes(key, data)
        finally:
            self._slots.release()

    async def _blocks(self, events: AsyncIterator[FormEvent], name: str) -> AsyncIterator[bytes]:
        size_bytes = 0
        async for event in events:
            if isinstance(event, FileEnd):
                return
            assert isinstance(event, FileData)
            size_bytes += len(event.data)
            if size_bytes > self._max_bytes:
                raise TooLarge(f"The file {name} is larger than the limit of {self._max_bytes} bytes.")
            yield event.data


async def _chain(held: list[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while held:
        yield held.pop(0)
    async for block in rest:
        yield block
