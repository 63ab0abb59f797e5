"""The cache as a bounded folder of plain files: the cache of embedded mode."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from limner_common.cache.entry_files import Broken, EntryReader, file_path, folder_names, folder_path, head_of, set_merit
from limner_common.cache.folder_ledger import Ledger, footprint
from limner_common.cache.port import Entry, Metadata
from limner_common.objects.keys import check_key
from limner_common.objects.threads import Threads

log: Final = structlog.get_logger()

_HALF_LIFE_SECONDS: Final = 6 * 3600.0


class FolderCache:
    """``Cache`` in a folder, for any number of processes of one machine; entries survive restarts.

    When it is full, the entries used least leave first, where a use counts half after ``half_life_seconds``: what is
    used often outlives a flood of things used once, and old favourites leave in the end. The bound holds for what
    files take on the disk, the ones being written included; an entry being replaced counts once.

    A read is one hop to a thread and one read of the file. Checksums are compared when a process meets a file it has
    not checked in its present state.

    Args:
        root: Folder of the cache; nobody else writes there. Made when first needed.
        max_bytes: What all files may take on the disk.
        max_item_bytes: Longest value kept; an eighth of ``max_bytes`` when None.
        half_life_seconds: After how long a use counts half.
        max_threads: How many disk operations may run at once.
        clock: Seconds of the epoch, for merits.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_bytes: int,
        max_item_bytes: int | None = None,
        half_life_seconds: float = _HALF_LIFE_SECONDS,
        max_threads: int = 8,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._max_bytes = max_bytes
        self._max_item_bytes = max_bytes // 8 if max_item_bytes is None else max_item_bytes
        self._clock = clock
        self._ledger = Ledger(root.absolute(), max_bytes)
        self._entries = self._ledger.entries
        self._reader = EntryReader(self._entries, half_life_seconds)
        self._threads = Threads(max_threads, "cache")

    async def get(self, key: str) -> bytes | None:
        """See ``Cache.get``."""
        entry = await self.get_entry(key)
        return None if entry is None else entry.value

    async def get_entry(self, key: str) -> Entry | None:
        """See ``Cache.get_entry``."""
        return await self._threads.run_detached(self._get, check_key(key), True)

    async def get_metadata(self, key: str) -> Metadata | None:
        """See ``Cache.get_metadata``."""
        entry = await self._threads.run_detached(self._get, check_key(key), False)
        return None if entry is None else entry.metadata

    async def put(self, key: str, value: bytes, metadata: Metadata | None = None) -> None:
        """See ``Cache.put``."""
        head = head_of(check_key(key), value, metadata or {})
        await self._threads.run_detached(self._put, key, head, value)

    async def delete(self, key: str) -> None:
        """See ``Cache.delete``."""
        await self._threads.run_detached(self._delete, check_key(key))

    async def delete_prefix(self, prefix: str) -> None:
        """See ``Cache.delete_prefix``."""
        if prefix and not prefix.endswith("/"):
            raise ValueError("a prefix of the cache ends on '/'")
        if prefix:
            check_key(prefix[:-1])
        await self._threads.run_detached(self._delete_prefix, prefix)

    async def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders of keys directly below ``prefix``, which ends on ``/``, in any order."""
        return await self._threads.run_detached(folder_names, self._entries, prefix)

    async def aclose(self) -> None:
        """See ``Cache.aclose``."""
        self._threads.close()

    def _get(self, key: str, with_value: bool) -> Entry | None:
        try:
            return self._reader.read(key, self._clock(), with_value=with_value)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except Broken:
            log.warning("cache_entry_broken", key=key)
            self._delete(key)
        except OSError as error:
            log.warning("cache_read_failed", key=key, error=error.strerror)
        return None

    def _put(self, key: str, head: bytes, value: bytes) -> None:
        if len(value) > self._max_item_bytes or footprint(len(head) + len(value)) > self._max_bytes:
            self._delete(key)
            return
        try:
            self._write(file_path(self._entries, key), head, value)
        except OSError as error:
            log.warning("cache_write_failed", key=key, error=error.strerror)
            self._delete(key)

    def _write(self, path: Path, head: bytes, value: bytes) -> None:
        draft = self._ledger.reserve(len(head) + len(value))
        if draft is None:
            self._ledger.remove(path)
            return
        try:
            with draft.open("r+b", buffering=0) as file:
                _write_all(file.fileno(), head, value)
                set_merit(file.fileno(), self._clock())
                self._ledger.commit(draft, path)
                # Renaming renews ctime, so this has to come after it.
                self._reader.trust(path, file.fileno())
        except BaseException:
            with suppress(OSError):
                self._ledger.remove(draft)
            raise

    def _delete(self, key: str) -> None:
        with suppress(OSError):
            self._ledger.remove(file_path(self._entries, key))

    def _delete_prefix(self, prefix: str) -> None:
        try:
            self._ledger.remove_folder(folder_path(self._entries, prefix))
        except OSError as error:
            log.warning("cache_delete_failed", prefix=prefix, error=error.strerror)


def _write_all(fd: int, head: bytes, value: bytes) -> None:
    done = os.writev(fd, [head, value])
    rest = memoryview(value)[done - len(head) :] if done >= len(head) else memoryview(head + value)[done:]
    while rest:
        rest = rest[os.write(fd, rest) :]
