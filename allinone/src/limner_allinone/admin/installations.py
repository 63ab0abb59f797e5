"""The installation that a command works on.

It is the embedded one of a home folder, running or stopped, or the deployment that the environment describes.
"""

import asyncio
import os
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from limner_allinone.buses import bus_from
from limner_allinone.composition import SERVICE_NAMES, definition_of
from limner_allinone.configuration import read_settings
from limner_allinone.databases import named_database, own_database, session_url_from
from limner_allinone.home import HOME_IN_USE, Home, default_home, open_home
from limner_allinone.postgres import EmbeddedPostgres, running_url
from limner_allinone.stores import object_store_from
from limner_common.bus import Bus
from limner_common.db import Database
from limner_common.db.engine import connect_asyncpg
from limner_common.db.migrations import SchemaOutdated, require_current
from limner_common.errors import Conflict, Invalid, NotFound, Unavailable
from limner_common.objects import ObjectStore
from limner_common.settings import ServiceSettings

_POOL_SIZE = 2


@dataclass(frozen=True, slots=True)
class Administered:
    """An installation while a command works on it; closed by whoever opened it.

    Attributes:
        settings: Where its database and its objects are.
        home: Its folder when it is the embedded one, else None.
        databases: The schemas by service.
    """

    settings: ServiceSettings
    home: Home | None
    databases: dict[str, Database]
    _stack: AsyncExitStack

    @property
    def title(self) -> str:
        """What people call it."""
        return "the deployment of LIMNER_DATABASE_URL" if self.home is None else f"the installation in {self.home.folder}"

    async def objects(self) -> ObjectStore:
        """Open its object store.

        Raises:
            Misconfigured: The settings name none.
            ObjectStoreUnavailable: It does not answer.
        """
        store = object_store_from(self.settings)
        self._stack.push_async_callback(store.aclose)
        await store.check()
        return store

    async def bus(self) -> Bus:
        """Open its bus, with whatever that needs in place.

        Raises:
            Misconfigured: The settings contradict each other.
            Unavailable: It does not answer.
        """
        bus = bus_from(self.settings)
        self._stack.push_async_callback(bus.close)
        await bus.prepare()
        return bus


@asynccontextmanager
async def open_installation(arguments: Namespace) -> AsyncIterator[Administered]:
    """Open what ``--home`` or the environment names.

    An embedded installation that is stopped is locked, and its database runs until the block ends.

    Args:
        arguments: With ``home``, or None there to let ``LIMNER_DATABASE_URL`` decide.

    Raises:
        NotFound: There is no installation.
        Conflict: Its schemas are not those of this version.
        Unavailable: Its database does not answer.
    """
    async with AsyncExitStack() as stack:
        if names_deployment(arguments):
            home, settings = None, read_settings("database_url")
        else:
            home = Home((arguments.home or default_home()).expanduser().resolve())
            settings = home_settings(home, await _database_of(home, stack))
        databases = await _databases(settings, SERVICE_NAMES, stack)
        try:
            with named_database():
                for name, database in databases.items():
                    await require_current(database, definition_of(name).migrations)
        except SchemaOutdated as error:
            if home is None:
                raise
            raise Conflict(f"{home.folder} was last used by an older version. Start it once: limner up.") from error
        yield Administered(settings, home, databases, stack)


def names_deployment(arguments: Namespace) -> bool:
    """Return whether a command is about the deployment that the environment describes, not about a home."""
    return arguments.home is None and "LIMNER_DATABASE_URL" in os.environ


def home_settings(home: Home, database_url: str) -> ServiceSettings:
    """Return the settings of an embedded installation whose database is at a URL."""
    return ServiceSettings(
        **own_database(database_url), objects_folder=home.objects, cache_folder=home.cache, share_folder=home.share
    )


async def _databases(settings: ServiceSettings, names: Sequence[str], stack: AsyncExitStack) -> dict[str, Database]:
    databases = {}
    for name in names:
        database = Database(session_url_from(settings), definition_of(name).metadata, pool_size=_POOL_SIZE)
        stack.push_async_callback(database.close)
        databases[name] = database
    return databases


async def _database_of(home: Home, stack: AsyncExitStack) -> str:
    try:
        if not home.database.is_dir():
            raise NotFound(
                f"There is no installation in {home.folder}. Name its folder with --home, or start one: limner up."
            )
        _, lock = open_home(home.folder)
    except PermissionError as error:
        raise Invalid(f"{home.folder} belongs to somebody else. Run this as the user who runs limner up.") from error
    except Conflict as error:
        if error.code != HOME_IN_USE:
            raise
        return await _running_database(home)
    stack.enter_context(lock)
    server = EmbeddedPostgres(home.database)
    await server.start()
    stack.push_async_callback(server.stop)
    return server.url()


async def _running_database(home: Home) -> str:
    """Return the URL of the database that another process runs on a home."""
    url = await asyncio.to_thread(running_url, home.database)
    try:
        if url is None:
            raise ConnectionError
        await (await connect_asyncpg(url)).close()
    except OSError as error:
        raise Unavailable(f"Limner is starting or stopping on {home.folder}. Try again in a moment.") from error
    return url
