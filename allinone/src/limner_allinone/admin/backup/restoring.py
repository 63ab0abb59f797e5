"""Makes an installation of a backup: in an empty home folder, or in the empty database and store of a deployment.

Objects come first and belong to nobody until the rows arrive, all in one transaction. A home carries a mark until it is
complete; nothing starts on it before. Whatever interrupts a restore, the same command goes on with it.
"""

import asyncio
import shutil
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from limner_allinone.admin.backup import layout
from limner_allinone.admin.backup.copying_out import copy_out
from limner_allinone.admin.backup.creating import SECRETS
from limner_allinone.admin.backup.inventory import Entry, read_inventory
from limner_allinone.admin.backup.layout import Manifest
from limner_allinone.admin.backup.loading import check_empty, check_versions, load_database
from limner_allinone.admin.backup.progress import Progress
from limner_allinone.admin.backup.targets import Target
from limner_allinone.admin.installations import home_settings, names_deployment
from limner_allinone.configuration import read_settings
from limner_allinone.databases import named_database, session_url_from
from limner_allinone.home import Home, default_home, finish_restore, open_home_to_restore, write_private
from limner_allinone.postgres import DatabaseProblem, EmbeddedPostgres
from limner_allinone.stores import object_store_from
from limner_common.errors import Conflict
from limner_common.objects import ObjectStore
from limner_common.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Place:
    """Where an installation is to be made; ``home`` is None for a deployment."""

    settings: ServiceSettings
    home: Home | None

    @property
    def database_url(self) -> str:
        """Its database."""
        return session_url_from(self.settings)


async def restore(arguments: Namespace, target: Target, manifest: Manifest, tell: Callable[[str], None]) -> Place:
    """Make an installation of a backup, compare all of it with the backup, and return where it is.

    Args:
        arguments: With ``home``, or None there to let the environment decide.
        target: Where the backup is.
        manifest: Its description.
        tell: Told how far it is.

    Raises:
        Conflict: The place is not empty, or the backup is of a newer version or damaged.
    """
    check_versions(manifest)
    async with _place(arguments, manifest) as place, AsyncExitStack() as stack:
        with named_database():
            await check_empty(place.database_url, manifest)
        store = object_store_from(place.settings)
        stack.push_async_callback(store.aclose)
        await store.prepare()
        await _check_store(store, target, manifest)
        progress = Progress(tell, "copied and compared")
        await copy_out(target, store, _entries(target, manifest), progress)
        tell(f"{progress.objects} objects are there and compared; filling the database")
        with named_database():
            await load_database(place.database_url, target, manifest)
        if place.home is not None and manifest.has_secrets:
            await _restore_secrets(place.home, target, manifest)
        return place


@asynccontextmanager
async def _place(arguments: Namespace, manifest: Manifest) -> AsyncIterator[Place]:
    if names_deployment(arguments):
        yield Place(read_settings("database_url"), None)
        return
    home, lock = open_home_to_restore(arguments.home or default_home(), manifest.id)
    with lock:
        server = await _empty_server(home)
        try:
            yield Place(home_settings(home, server.url()), home)
        finally:
            await server.stop()
        finish_restore(home)


async def _empty_server(home: Home) -> EmbeddedPostgres:
    """Start the home's database; what an interrupted restore left in it goes."""
    server = EmbeddedPostgres(home.database)
    try:
        await server.start()
    except DatabaseProblem:  # made by halves
        await asyncio.to_thread(shutil.rmtree, home.database, ignore_errors=True)
        await server.start()
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute("DROP DATABASE limner WITH (FORCE)")
        await connection.execute("CREATE DATABASE limner")
    finally:
        await connection.close()
    return server


async def _check_store(store: ObjectStore, target: Target, manifest: Manifest) -> None:
    """Return when the store holds nothing but objects of the backup, as an interrupted restore leaves them.

    Raises:
        Conflict: It holds something else.
    """
    entries = _entries(target, manifest)
    entry = await anext(entries, None)
    async for info in store.list():
        while entry is not None and entry.key < info.key:
            entry = await anext(entries, None)
        if entry is None or entry.key != info.key:
            raise Conflict(f"The object store is not empty: it holds {info.key}. Restore into a new folder or bucket.")


def _entries(target: Target, manifest: Manifest) -> AsyncIterator[Entry]:
    return read_inventory(target, f"{layout.BACKUPS}{manifest.id}/", [file.name for file in manifest.inventory])


async def _restore_secrets(home: Home, target: Target, manifest: Manifest) -> None:
    data = await target.store.get_bytes(target.key(f"{layout.BACKUPS}{manifest.id}/{SECRETS}"))
    write_private(home.secrets_file, data)
