"""Content of a target: compared where it is, and copied into a store."""

from collections.abc import AsyncIterator

from limner_allinone.admin.backup import layout
from limner_allinone.admin.backup.inventory import Entry
from limner_allinone.admin.backup.progress import Progress
from limner_allinone.admin.backup.streams import Hashed, in_order
from limner_allinone.admin.backup.targets import Target
from limner_common.errors import Conflict
from limner_common.objects import ObjectMissing, ObjectStore

_AT_ONCE = 8


async def check_content(target: Target, entry: Entry, *, is_read: bool) -> str | None:
    """Return what is wrong with the content of an entry in a target, None when nothing is.

    Args:
        target: Where it should be.
        entry: What it should be.
        is_read: Whether to read it, or to look at its length only.
    """
    try:
        if not is_read:
            info = await target.store.stat(target.key(layout.content_key(entry.sha256)))
            return None if info.size_bytes == entry.size_bytes else f"{entry.key}: its content has another length"
        async with target.store.open_range(target.key(layout.content_key(entry.sha256))) as body:
            read = Hashed(body)
            await read.drain()
    except ObjectMissing:
        return f"{entry.key}: its content is missing"
    return None if read.sha256 == entry.sha256 else f"{entry.key}: its content is damaged"


async def copy_out(target: Target, store: ObjectStore, entries: AsyncIterator[Entry], progress: Progress) -> None:
    """Copy objects from a target into a store, then read each again and compare.

    Objects that are there with their length are those of a restore that was interrupted; they are not copied again, but
    compared like all others.

    Raises:
        Conflict: Something arrived damaged.
        ObjectMissing: The target lacks content.
    """

    async def copy(entry: Entry) -> tuple[Entry, bool]:
        return entry, await _copy_out(target, store, entry)

    async for entry, is_copied in in_order(entries, copy, _AT_ONCE):
        progress.add(entry.size_bytes, is_copied=is_copied)


async def _copy_out(target: Target, store: ObjectStore, entry: Entry) -> bool:
    if await _has(store, entry) and await _hash_of(store, entry.key) == entry.sha256:
        return False
    async with target.store.open_range(target.key(layout.content_key(entry.sha256))) as body:
        await store.put_stream(entry.key, body)
    if await _hash_of(store, entry.key) != entry.sha256:
        raise Conflict(f"{entry.key} arrived damaged. Check the target with: limner admin backup verify.")
    return True


async def _has(store: ObjectStore, entry: Entry) -> bool:
    try:
        return (await store.stat(entry.key)).size_bytes == entry.size_bytes
    except ObjectMissing:
        return False


async def _hash_of(store: ObjectStore, key: str) -> str:
    async with store.open_range(key) as body:
        read = Hashed(body)
        await read.drain()
    return read.sha256
