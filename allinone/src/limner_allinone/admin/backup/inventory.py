"""Lists of objects as files: sorted by key, in pieces, so that what was done before an interruption is known."""

import gzip
from collections.abc import AsyncIterator, Sequence

import msgspec

from limner_allinone.admin.backup import layout
from limner_allinone.admin.backup.layout import File
from limner_allinone.admin.backup.streams import gunzipped
from limner_allinone.admin.backup.targets import Target
from limner_common.errors import Invalid

_FOLDER = "inventory/"
#: Entries of a file; the last ones are copied again when copying was interrupted.
_PER_FILE = 5000


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """An object: its key, length, ETag in the store it was in, and the SHA-256 of its bytes."""

    key: str
    size_bytes: int
    etag: str
    sha256: str


_DECODER = msgspec.json.Decoder(list[Entry])


class InventoryWriter:
    """Stores entries, a file at a time.

    Args:
        target: Where to.
        folder: Folder of the backup, ending on a slash.
    """

    def __init__(self, target: Target, folder: str) -> None:
        self._target = target
        self._folder = folder
        self._entries: list[Entry] = []
        self.files: list[File] = []

    async def add(self, entry: Entry) -> None:
        """Add the next entry; its content is in the target already."""
        self._entries.append(entry)
        if len(self._entries) >= _PER_FILE:
            await self.flush()

    async def flush(self) -> None:
        """Store what is held."""
        if not self._entries:
            return
        data = gzip.compress(msgspec.json.encode(self._entries), mtime=0)
        name = f"{_FOLDER}{len(self.files):06d}.json.gz"
        self.files.append(await self._target.put(self._folder, name, data))
        self._entries.clear()


async def read_inventory(target: Target, folder: str, files: Sequence[str]) -> AsyncIterator[Entry]:
    """Yield the entries of inventory files, given by name.

    Raises:
        Invalid: A file is damaged.
    """
    for name in files:
        async with target.store.open_range(target.key(f"{folder}{name}")) as body:
            data = b"".join([block async for block in gunzipped(body, name)])
        try:
            entries = _DECODER.decode(data)
        except msgspec.MsgspecError as error:
            raise Invalid(f"{name} is damaged: {error}.") from error
        for entry in entries:
            yield entry


async def known_entries(target: Target) -> AsyncIterator[Entry]:
    """Yield entries of the newest complete backup and of a newer one that was interrupted, by ascending key.

    Keys may come twice; their contents are in the target as far as is known.
    """
    complete, broken = await target.ids()
    ids = [*complete[-1:], *[one for one in broken if not complete or one > complete[-1]][-1:]]
    streams = [read_inventory(target, folder, await _names(target, folder)) for folder in map(_folder_of, ids)]
    heads = [await anext(stream, None) for stream in streams]
    while waiting := [(entry.key, place) for place, entry in enumerate(heads) if entry is not None]:
        _, place = min(waiting)
        entry = heads[place]
        assert entry is not None
        yield entry
        heads[place] = await anext(streams[place], None)


def _folder_of(backup_id: str) -> str:
    return f"{layout.BACKUPS}{backup_id}/"


async def _names(target: Target, folder: str) -> list[str]:
    prefix = target.key(folder)
    return [info.key.removeprefix(prefix) async for info in target.store.list(f"{prefix}{_FOLDER}")]
