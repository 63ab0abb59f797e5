"""Objects of an installation into a target: each content once, some at a time, in order of keys."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from weakref import WeakValueDictionary

from limner_allinone.admin.backup import layout
from limner_allinone.admin.backup.inventory import Entry
from limner_allinone.admin.backup.progress import Progress
from limner_allinone.admin.backup.streams import Hashed, in_order
from limner_allinone.admin.backup.targets import Target
from limner_common.errors import Conflict
from limner_common.objects import ObjectBody, ObjectChanged, ObjectInfo, ObjectMissing, ObjectStore

#: Objects under way at a time; shorter ones than this many bytes are held in memory meanwhile.
_AT_ONCE = 8
_HELD_BYTES = 4 << 20
_TRIES = 3


async def copy_in(
    store: ObjectStore, target: Target, known: AsyncIterator[Entry], progress: Progress
) -> AsyncIterator[Entry]:
    """Copy what is in a store and not yet in the target; yields an entry per object, by key.

    Content that the target has is not copied again; it is not even read when an earlier inventory names the object
    with the ETag and length it has now. Objects that vanish meanwhile are left out.

    Args:
        store: The installation's.
        target: Where to.
        known: Entries of earlier inventories, by key.
        progress: Told of each object.
    """
    copying = _Copying(store, target, progress)
    async for entry in in_order(_recognised(store.list(), known), copying.copy, _AT_ONCE):
        if entry is not None:
            yield entry


@dataclass(frozen=True, slots=True)
class _Known:
    info: ObjectInfo
    sha256: str | None


async def _recognised(infos: AsyncIterator[ObjectInfo], known: AsyncIterator[Entry]) -> AsyncIterator[_Known]:
    """Yield objects with the hash that an earlier inventory has of them; both sides sorted by key."""
    entry = await anext(known, None)
    async for info in infos:
        digest = None
        while entry is not None and entry.key <= info.key:
            if (entry.key, entry.etag, entry.size_bytes) == (info.key, info.etag, info.size_bytes):
                digest = entry.sha256
            entry = await anext(known, None)
        yield _Known(info, digest)


class _Copying:
    def __init__(self, store: ObjectStore, target: Target, progress: Progress) -> None:
        self._store = store
        self._target = target
        self._progress = progress
        # Of equal contents that are under way at the same time, one is stored and the others find it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def copy(self, one: _Known) -> Entry | None:
        """Have an object in the target; None when it has vanished."""
        for _ in range(_TRIES):
            try:
                return await self._copy(one)
            except ObjectMissing:
                return None
            except ObjectChanged:
                one = _Known(one.info, None)
        raise Conflict(f"The object {one.info.key} changes again and again.")

    async def _copy(self, one: _Known) -> Entry:
        info, target = one.info, self._target
        if one.sha256 is not None and await target.has_content(one.sha256, info.size_bytes):
            self._progress.add(info.size_bytes, is_copied=False)
            return Entry(info.key, info.size_bytes, info.etag, one.sha256)
        copy = self._copy_held if info.size_bytes <= _HELD_BYTES else self._copy_streamed
        entry, is_copied = await copy(info.key)
        self._progress.add(entry.size_bytes, is_copied=is_copied)
        return entry

    async def _copy_held(self, key: str) -> tuple[Entry, bool]:
        async with self._store.open_range(key) as body:
            data = b"".join([block async for block in body])
            entry = Entry(key, len(data), body.info.etag, sha256(data).hexdigest())
        async with self._lock(entry):
            is_new = not await self._target.has_content(entry.sha256, entry.size_bytes)
            if is_new:
                await self._target.store.put_bytes(self._place(entry), data)
        return entry, is_new

    async def _copy_streamed(self, key: str) -> tuple[Entry, bool]:
        """Read the object to know its hash, and again to copy it: the name of content is its hash."""
        async with self._store.open_range(key) as body:
            read = Hashed(body)
            await read.drain()
            entry = Entry(key, read.size_bytes, body.info.etag, read.sha256)
        async with self._lock(entry):
            is_new = not await self._target.has_content(entry.sha256, entry.size_bytes)
            if is_new:
                async with self._store.open_range(key) as body:
                    await self._target.store.put_stream(self._place(entry), _exactly(body, entry))
        return entry, is_new

    def _place(self, entry: Entry) -> str:
        return self._target.key(layout.content_key(entry.sha256))

    def _lock(self, entry: Entry) -> asyncio.Lock:
        return self._locks.setdefault(entry.sha256, asyncio.Lock())


async def _exactly(body: ObjectBody, entry: Entry) -> AsyncIterator[bytes]:
    """Yield what is read, and fail at its end unless it has the hash of the entry: then nothing is stored."""
    read = Hashed(body)
    async for block in read:
        yield block
    if read.sha256 != entry.sha256:
        raise ObjectChanged(entry.key)
