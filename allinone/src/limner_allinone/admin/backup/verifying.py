"""Reads a whole backup and compares it with its description."""

from collections.abc import AsyncIterator, Callable

from limner_allinone.admin.backup import layout
from limner_allinone.admin.backup.copying_out import check_content
from limner_allinone.admin.backup.inventory import Entry, read_inventory
from limner_allinone.admin.backup.layout import File, Manifest
from limner_allinone.admin.backup.progress import Progress
from limner_allinone.admin.backup.streams import Hashed, gunzipped, in_order
from limner_allinone.admin.backup.targets import Target
from limner_common.errors import Invalid
from limner_common.objects import ObjectMissing

_AT_ONCE = 8


async def verify(
    target: Target, manifest: Manifest, tell: Callable[[str], None], *, is_quick: bool = False
) -> AsyncIterator[str]:
    """Yield what is wrong with a backup, a sentence each; nothing when all of it is as it was written.

    Args:
        target: Where it is.
        manifest: Its description.
        tell: Told how far it is.
        is_quick: Look at the lengths of objects instead of reading them.
    """
    folder = f"{layout.BACKUPS}{manifest.id}/"
    tables = [table.file for schema in manifest.schemas for table in schema.tables]
    is_inventory_whole = True
    for file in [*tables, manifest.events, *manifest.inventory]:
        if problem := await _check_file(target, folder, file):
            is_inventory_whole &= file not in manifest.inventory
            yield problem
    if not is_inventory_whole:
        yield "objects: not looked at, because the inventory is damaged"
        return
    progress = Progress(tell, "looked at")
    entries = read_inventory(target, folder, [file.name for file in manifest.inventory])

    async def check(entry: Entry) -> tuple[Entry, str | None]:
        return entry, await check_content(target, entry, is_read=not is_quick)

    async for entry, problem in in_order(entries, check, _AT_ONCE):
        progress.add(entry.size_bytes, is_copied=False)
        if problem:
            yield problem
    if (progress.objects, progress.object_bytes) != (manifest.objects, manifest.object_bytes):
        yield f"objects: {progress.objects} are listed, not {manifest.objects}"


async def _check_file(target: Target, folder: str, file: File) -> str | None:
    try:
        async with target.store.open_range(target.key(f"{folder}{file.name}")) as body:
            stored = Hashed(body)
            async for _ in gunzipped(stored, file.name):
                pass
    except ObjectMissing:
        return f"{file.name} is missing"
    except Invalid as error:
        return error.message.rstrip(".")
    return None if stored.sha256 == file.sha256 else f"{file.name} is not what was written"
