"""Objects as files of one folder: the store of embedded mode."""

from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from limner_common.objects import folder_files as files
from limner_common.objects.blocks import check_composition, check_range, gathered
from limner_common.objects.keys import check_key, check_prefix
from limner_common.objects.locations import FolderLocation
from limner_common.objects.port import BLOCK_BYTES, ObjectInfo, ObjectMissing
from limner_common.objects.threads import Threads

_LISTED_AT_ONCE: Final = 500


class FolderObjectStore:
    """``ObjectStore`` on a local folder; the object ``a/b`` is the file ``a/b``.

    All disk work is done in threads, each whole read or put in one hop: a hop costs 0.1 ms, less than what one
    stalled disk would cost all services that share the event loop. Content types are not kept.

    Args:
        root: The folder, on one file system; nobody else writes there. Made by ``prepare``.
        is_durable: Whether a put waits until the disk has the bytes, so that a power cut loses no finished put.
            Without it, only the death of processes is survived.
        max_threads: How many disk operations may run at once.
    """

    def __init__(self, root: Path, *, is_durable: bool = True, max_threads: int = 16) -> None:
        self._place = files.Place(root.absolute(), is_durable)
        self._threads = Threads(max_threads, "objects")

    async def prepare(self) -> None:
        """See ``ObjectStore.prepare``."""
        await self._threads.run(files.prepare, self._place)

    async def check(self) -> None:
        """See ``ObjectStore.check``."""
        await self._threads.run(files.check, self._place)

    async def aclose(self) -> None:
        """See ``ObjectStore.aclose``."""
        self._threads.close()

    async def put_stream(self, key: str, blocks: AsyncIterable[bytes], *, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.put_stream``."""
        check_key(key)
        draft = files.Draft(self._place)
        try:
            async with aclosing(gathered(blocks, BLOCK_BYTES)) as large_blocks:
                async for block in large_blocks:
                    await self._threads.run(draft.write, block)
            return await self._threads.run(draft.commit, key)
        finally:
            await self._threads.run(draft.discard)

    async def put_bytes(self, key: str, data: bytes, *, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.put_bytes``."""
        return await self._threads.run(files.put_bytes, self._place, check_key(key), data)

    async def put_file(self, key: str, path: Path, *, move: bool = False, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.put_file``."""
        return await self._threads.run(partial(files.put_file, self._place, check_key(key), path, move=move))

    async def get_bytes(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See ``ObjectStore.get_bytes``."""
        check_range(start, length)
        return await self._threads.run_detached(files.read_range, self._place, check_key(key), start, length)

    @asynccontextmanager
    async def open_range(self, key: str, start: int = 0, length: int | None = None) -> AsyncIterator["FolderBody"]:
        """See ``ObjectStore.open_range``."""
        check_range(start, length)
        file = files.OpenFile(self._place, check_key(key), start, length)
        try:
            first = await self._threads.run(file.open)
            yield FolderBody(file, first, self._threads)
        finally:
            file.close()

    async def stat(self, key: str) -> ObjectInfo:
        """See ``ObjectStore.stat``."""
        return await self._threads.run(files.stat_object, self._place, check_key(key))

    async def exists(self, key: str) -> bool:
        """See ``ObjectStore.exists``."""
        try:
            await self.stat(key)
        except ObjectMissing:
            return False
        return True

    async def delete(self, key: str) -> None:
        """See ``ObjectStore.delete``."""
        await self._threads.run(files.delete_object, self._place, check_key(key))

    async def delete_prefix(self, prefix: str) -> int:
        """See ``ObjectStore.delete_prefix``."""
        if not check_prefix(prefix):
            raise ValueError("the prefix must not be empty")
        if prefix.endswith("/"):
            return await self._threads.run(files.delete_folder, self._place, prefix)
        return await self._threads.run(files.delete_matching, self._place, prefix)

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """See ``ObjectStore.list``."""
        found = files.walk(self._place, check_prefix(prefix))
        while infos := await self._threads.run(_take, found):
            for info in infos:
                yield info

    async def compose(self, dest: str, sources: Sequence[str], *, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.compose``."""
        keys = tuple(check_key(key) for key in sources)
        check_composition(check_key(dest), keys)
        return await self._threads.run(files.compose, self._place, dest, keys)

    async def copy(self, source: str, dest: str) -> ObjectInfo:
        """See ``ObjectStore.copy``."""
        return await self._threads.run(files.copy_object, self._place, check_key(source), check_key(dest))

    async def presign_get(
        self, key: str, ttl_seconds: int, filename: str, *, content_type: str = "application/octet-stream"
    ) -> None:
        """See ``ObjectStore.presign_get``; a folder has no address, so this is None."""
        check_key(key)

    def location(self, key: str) -> FolderLocation:
        """See ``ObjectStore.location``."""
        return FolderLocation(check_key(key), self._place.path(key))


class FolderBody:
    """The open bytes of a file, see ``ObjectBody``."""

    def __init__(self, file: files.OpenFile, first: bytes, threads: Threads) -> None:
        self.info = file.info
        self.start = file.start
        self.length_bytes = file.length_bytes
        self._file = file
        self._first = first
        self._threads = threads

    async def __aiter__(self) -> AsyncIterator[bytes]:
        block, self._first = self._first, b""
        while block:
            yield block
            block = await self._threads.run(self._file.read, BLOCK_BYTES)


def _take(found: Iterator[ObjectInfo]) -> Sequence[ObjectInfo]:
    return list(islice(found, _LISTED_AT_ONCE))
