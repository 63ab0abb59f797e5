"""The folder or bucket that backups go to and come from."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from limner_allinone.admin.backup import layout
from limner_allinone.admin.backup.layout import File, Manifest
from limner_allinone.configuration import Misconfigured, named_settings
from limner_allinone.settings import BackupSettings
from limner_allinone.stores import object_store_from
from limner_common.errors import Conflict, Invalid, NotFound
from limner_common.objects import FolderObjectStore, ObjectMissing, ObjectStore
from limner_common.settings import ServiceSettings

_S3 = re.compile(r"s3://([^/]+)(?:/(.*?))?/*")


@dataclass(frozen=True, slots=True)
class Target:
    """A place with backups.

    Attributes:
        title: As the operator named it.
        store: The store it is in.
        prefix: What all its keys begin with; "" or ends on a slash.
    """

    title: str
    store: ObjectStore
    prefix: str

    def key(self, name: str) -> str:
        """Return the key of a name of ``layout``."""
        return f"{self.prefix}{name}"

    async def put(self, folder: str, name: str, data: bytes) -> File:
        """Store a file of a backup whose folder, ending on a slash, is given."""
        info = await self.store.put_bytes(self.key(f"{folder}{name}"), data)
        assert info.sha256 is not None
        return File(name=name, size_bytes=info.size_bytes, sha256=info.sha256)

    async def prepare(self) -> None:
        """Make the target, or see that it is one.

        Raises:
            Conflict: Something else lies there.
        """
        await self.store.prepare()
        if await self.store.exists(self.key(layout.MARKER)):
            return
        async for info in self.store.list(self.prefix):
            raise Conflict(f"{self.title} holds something else ({info.key}). Name an empty place, or one with backups.")
        await self.store.put_bytes(self.key(layout.MARKER), b'{"format": %d}\n' % layout.FORMAT)

    async def ids(self) -> tuple[list[str], list[str]]:
        """Return the ids of the backups that are complete and of those that are not, oldest first.

        Raises:
            NotFound: There are no backups at this place.
        """
        if not await self.store.exists(self.key(layout.MARKER)):
            raise NotFound(f"{self.title} holds no backups of Limner.")
        found: dict[str, bool] = {}
        folder = self.key(layout.BACKUPS)
        async for info in self.store.list(folder):
            backup_id, _, name = info.key.removeprefix(folder).partition("/")
            found[backup_id] = found.get(backup_id, False) or name == "manifest.json"
        ids = sorted(found)
        return [one for one in ids if found[one]], [one for one in ids if not found[one]]

    async def manifest(self, backup_id: str | None) -> Manifest:
        """Return the description of a backup, the newest when None.

        Raises:
            NotFound: There is none, or it was not finished.
        """
        complete, _ = await self.ids()
        if backup_id is None and complete:
            backup_id = complete[-1]
        if backup_id is None or backup_id not in complete:
            wanted = "no complete backup" if backup_id is None else f"no complete backup {backup_id}"
            raise NotFound(f"{self.title} holds {wanted}. List them with: limner admin backup list.")
        data = await self.store.get_bytes(self.key(layout.manifest_key(backup_id)))
        return layout.decode_manifest(data, backup_id)

    async def put_manifest(self, manifest: Manifest) -> None:
        """Store a manifest: from now on the backup is there."""
        await self.store.put_bytes(
            self.key(layout.manifest_key(manifest.id)), msgspec.json.format(msgspec.json.encode(manifest))
        )

    async def has_content(self, sha256: str, size_bytes: int) -> bool:
        """Return whether content lies in the target, as far as its length tells."""
        try:
            return (await self.store.stat(self.key(layout.content_key(sha256)))).size_bytes == size_bytes
        except ObjectMissing:
            return False


@asynccontextmanager
async def open_target(text: str, settings: ServiceSettings) -> AsyncIterator[Target]:
    """Open a place for backups.

    Args:
        text: A folder, or ``s3://BUCKET/PREFIX``; the endpoint is that of ``LIMNER_BACKUP_S3_*`` or, where those say
            nothing, the installation's.
        settings: The installation's.

    Raises:
        Invalid: It is neither.
        Misconfigured: The endpoint is not known.
    """
    store, prefix = _store_of(text, settings)
    try:
        yield Target(text, store, prefix)
    finally:
        await store.aclose()


def _store_of(text: str, settings: ServiceSettings) -> tuple[ObjectStore, str]:
    if "://" not in text:
        return FolderObjectStore(Path(text).expanduser()), ""
    found = _S3.fullmatch(text)
    if found is None:
        raise Invalid(f"{text} is no target: name a folder, or s3://BUCKET/PREFIX.")
    with named_settings():
        backup = BackupSettings()
    given = {f"objects_{name}": value for name, value in backup if value is not None}
    merged = settings.model_copy(update={**given, "objects_s3_bucket": found[1], "objects_folder": None})
    if merged.objects_s3_url is None:
        raise Misconfigured(f"Set LIMNER_BACKUP_S3_URL: the endpoint of {text} is not known.")
    return object_store_from(merged), f"{found[2]}/" if found[2] else ""
