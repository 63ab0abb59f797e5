"""Makes a backup while the product runs."""

import asyncio
import gzip
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from limner_allinone.admin.backup import dumping, layout
from limner_allinone.admin.backup.copying_in import copy_in
from limner_allinone.admin.backup.inventory import Entry, InventoryWriter, known_entries
from limner_allinone.admin.backup.layout import File, Manifest, Missing, SchemaDump
from limner_allinone.admin.backup.progress import Progress
from limner_allinone.admin.backup.targets import Target
from limner_allinone.admin.installations import Administered
from limner_allinone.admin.owners import matched
from limner_allinone.composition import SERVICE_NAMES
from limner_allinone.databases import session_url_from
from limner_allinone.home import product_version
from limner_common.administration import Reference
from limner_common.clock import utc_now
from limner_common.db.engine import connect_asyncpg
from limner_common.db.holds import hold_removals
from limner_common.errors import Conflict, Invalid, Unavailable
from limner_common.objects import ObjectInfo, ObjectStore

_RUN_LOCK = "limner:backup"
#: Remains of a backup that was interrupted so long ago serve nobody.
_REMAINS_KEPT = timedelta(days=1)
#: Missing objects named in the manifest; all are counted.
_NAMED = 1000
SECRETS = "secrets.json"


@dataclass(frozen=True, slots=True)
class _Database:
    schemas: list[SchemaDump]
    events: File
    event_count: int


async def create(
    installation: Administered, store: ObjectStore, target: Target, tell: Callable[[str], None], *, with_secrets: bool
) -> Manifest:
    """Make a backup and return its description; an interrupted one is not there, and the next one goes on with its content.

    Raises:
        Conflict: Another backup of the installation is being made, or something else lies in the target.
        Invalid: Secrets are wanted of an installation that has none of its own.
        Unavailable: The database or a store went away.
    """
    secrets = _secrets_of(installation) if with_secrets else None
    await target.prepare()
    async with _alone(installation) as holder:
        moment = utc_now()
        backup_id = layout.new_id(moment)
        folder = f"{layout.BACKUPS}{backup_id}/"
        scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="limner-backup-"))
        try:
            tell(f"Backup {backup_id}: reading the database")
            database = await _dump(installation, target, folder, scratch / "references")
            progress = Progress(tell, "copied or recognised")
            writer = InventoryWriter(target, folder)
            missing, missing_count = await _copy(store, target, writer, scratch / "references", progress)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        if secrets is not None:
            await target.put(folder, SECRETS, secrets)
        if holder.is_closed():
            raise Unavailable(
                "The connection to the database was lost, so objects may have been removed meanwhile. Try again."
            )
        manifest = Manifest(
            id=backup_id,
            product_version=product_version(),
            snapshot_at=moment,
            finished_at=utc_now(),
            schemas=database.schemas,
            events=database.events,
            event_count=database.event_count,
            inventory=writer.files,
            objects=progress.objects,
            object_bytes=progress.object_bytes,
            copied=progress.copied,
            copied_bytes=progress.copied_bytes,
            missing=missing,
            missing_count=missing_count,
            has_secrets=secrets is not None,
        )
        await target.put_manifest(manifest)
        await _remove_remains(target)
    return manifest


def _secrets_of(installation: Administered) -> bytes:
    if installation.home is None:
        raise Invalid(
            "This deployment's grant keys are in its environment, not in its keeping: back them up where they are."
        )
    return installation.home.secrets_file.read_bytes()


@asynccontextmanager
async def _alone(installation: Administered) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Hold what may only be held once, and keep objects from being removed; both end with the connection yielded."""
    connection = await connect_asyncpg(session_url_from(installation.settings))
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", _RUN_LOCK):
            raise Conflict("Another backup of this installation is being made.")
        await hold_removals(connection)
        yield connection
    finally:
        await connection.close()


async def _dump(installation: Administered, target: Target, folder: str, references: Path) -> _Database:
    async with dumping.snapshot(installation) as connection:
        with gzip.open(references, "wb", compresslevel=1) as file:
            async for reference in dumping.read_references(installation, connection):
                file.write(msgspec.json.encode(reference) + b"\n")
        schemas = await dumping.dump_schemas(connection, SERVICE_NAMES, target, folder)
        events, count = await dumping.dump_events(connection, target, folder)
    return _Database(schemas, events, count)


async def _copy(
    store: ObjectStore, target: Target, writer: InventoryWriter, references: Path, progress: Progress
) -> tuple[list[Missing], int]:
    """Copy all objects and return the references of the snapshot that lead nowhere: the first of them, and how many."""

    async def written() -> AsyncIterator[ObjectInfo]:
        async for entry in copy_in(store, target, known_entries(target), progress):
            await writer.add(entry)
            yield _info_of(entry)

    missing: list[Missing] = []
    count = 0
    async for match in matched(written(), _read(references)):
        if match.info is None and match.reference is not None:
            count += 1
            if len(missing) < _NAMED:
                missing.append(Missing(key=match.reference.key, kind=match.reference.kind, task_id=match.reference.task_id))
    await writer.flush()
    return missing, count


async def _read(references: Path) -> AsyncIterator[Reference]:
    for reference in _lines(references):
        yield reference


def _lines(references: Path) -> Iterator[Reference]:
    with gzip.open(references, "rb") as file:
        for line in file:
            yield msgspec.json.decode(line, type=Reference)


def _info_of(entry: Entry) -> ObjectInfo:
    return ObjectInfo(entry.key, entry.size_bytes, entry.etag, utc_now())


async def _remove_remains(target: Target) -> None:
    """Remove what is left of backups that were interrupted some time ago; contents stay, others may share them."""
    _, broken = await target.ids()
    oldest = utc_now() - _REMAINS_KEPT
    for backup_id in broken:
        folder = target.key(f"{layout.BACKUPS}{backup_id}/")
        newest = max([info.modified_at async for info in target.store.list(folder)], default=oldest)
        if newest < oldest:
            await target.store.delete_prefix(folder)
