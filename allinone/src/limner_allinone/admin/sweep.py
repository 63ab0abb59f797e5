"""``limner admin sweep``: finds what belongs to nobody, and removes it when told to.

Services clear away behind themselves; what is found here was left behind by crashes, lost messages or restores.
"""

from argparse import ArgumentTypeError, Namespace
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from limner_allinone.admin.command import Commands, add_command, duration
from limner_allinone.admin.installations import Administered
from limner_allinone.admin.output import confirm, print_rows, say, size_text
from limner_allinone.admin.owners import service_objects, services_with_objects
from limner_allinone.composition import definition_of
from limner_allinone.stores import folder_cache_from
from limner_api.administration.catalog import existing_tasks
from limner_common.administration import CacheFolders
from limner_common.cache import FolderCache
from limner_common.clock import utc_now
from limner_common.db import Database
from limner_common.objects import ObjectStore
from limner_common.uploads import Uploads
from limner_common.uploads.repository import ownerless

#: An object is put before anything refers to it; none of that takes so long.
_LEAST_AGE = timedelta(hours=1)
_AT_ONCE = 1000
_COLUMNS = ("what", "service", "name", "size")


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that belongs to nobody, and how it is removed."""

    what: str
    service: str
    name: str
    size_bytes: int | None
    remove: Callable[[], Awaitable[object]]


@dataclass(slots=True)
class _Total:
    count: int = 0
    size_bytes: int = 0


def add_commands(groups: Commands) -> None:
    """Add the command."""
    command = add_command(
        groups,
        "sweep",
        "find objects, uploads, rows and cache entries that belong to nobody; removes them only with --delete",
        _sweep,
        asks=True,
    )
    command.add_argument("--delete", action="store_true", help="remove what is found")
    command.add_argument("--limit", type=int, default=1000, help="list at most so many (default %(default)s)")
    command.add_argument(
        "--older-than",
        type=_age,
        default=duration("24h"),
        help="leave alone what is younger than this, such as 36h or 7d; 1h at least (default 24h)",
    )


def _age(text: str) -> timedelta:
    age = duration(text)
    if age < _LEAST_AGE:
        raise ArgumentTypeError("something may be about to refer to what is younger than 1h")
    return age


async def _sweep(installation: Administered, arguments: Namespace) -> None:
    store = await installation.objects()
    if arguments.delete and not arguments.yes:
        totals = await _totals(find_leftovers(installation, store, arguments.older_than))
        if not totals:
            say(arguments, "Nothing is left over.")
            return
        confirm(arguments, f"Remove {_summary(totals)}?")
    rows: list[dict[str, Any]] = []
    found: defaultdict[str, _Total] = defaultdict(_Total)
    async for leftover in find_leftovers(installation, store, arguments.older_than):
        if arguments.delete:
            await leftover.remove()
        _add(found, leftover)
        if len(rows) < arguments.limit:
            rows.append(_row(leftover))
    print_rows(arguments, _COLUMNS, rows, nothing="Nothing is left over.")
    if found:
        say(arguments, f"{_summary(found)} {'removed' if arguments.delete else 'found; remove it with --delete'}.")


def _row(leftover: Leftover) -> dict[str, Any]:
    size = leftover.size_bytes
    return {
        "what": leftover.what,
        "service": leftover.service,
        "name": leftover.name,
        "size": None if size is None else size_text(size),
        "size_bytes": size,
    }


async def find_leftovers(installation: Administered, store: ObjectStore, age: timedelta) -> AsyncIterator[Leftover]:
    """Yield all that belongs to nobody.

    Args:
        installation: Where to look.
        store: Its object store.
        age: Objects and uploads younger than this are left out.
    """
    for service in services_with_objects(installation):
        async for leftover in _objects(installation, store, service, age):
            yield leftover
    for service, database in installation.databases.items():
        async for leftover in _uploads(database, store, service, age):
            yield leftover
        async for leftover in _lost_tasks(installation, database, service):
            yield leftover
    async for leftover in _cached(installation):
        yield leftover


async def _objects(installation: Administered, store: ObjectStore, service: str, age: timedelta) -> AsyncIterator[Leftover]:
    oldest = utc_now() - age
    async with service_objects(installation, store, service) as matches:
        async for match in matches:
            info = match.info
            if info is not None and match.reference is None and info.modified_at < oldest:
                yield Leftover("object", service, info.key, info.size_bytes, partial(store.delete, info.key))


async def _uploads(database: Database, store: ObjectStore, service: str, age: timedelta) -> AsyncIterator[Leftover]:
    tables = definition_of(service).administration.uploads
    if tables is None:
        return
    uploads = Uploads(database, store, tables, folder=service, max_bytes=0)
    async with database.read() as connection:
        found = await ownerless(connection, tables, database.table("work_items"), age)
    for upload in found:
        name = upload.name or upload.scope
        yield Leftover("upload", service, name, upload.offset_bytes, partial(uploads.remove, [upload]))


async def _lost_tasks(installation: Administered, database: Database, service: str) -> AsyncIterator[Leftover]:
    """Yield tasks that a service keeps something for although the catalog has them no more."""
    administration = definition_of(service).administration
    if administration.tasks is None or administration.forget_task is None:
        return
    async with database.begin(is_repeatable=True) as uow:
        kept = [task_id async for task_id in administration.tasks(uow.connection)]
    forget = administration.forget_task

    async def remove(task_id: int) -> None:
        async with database.begin() as uow:
            await forget(uow, task_id)

    for start in range(0, len(kept), _AT_ONCE):
        some = kept[start : start + _AT_ONCE]
        async with installation.databases["api"].read() as connection:
            there = await existing_tasks(connection, some)
        for task_id in some:
            if task_id not in there:
                yield Leftover("task", service, str(task_id), None, partial(remove, task_id))


async def _cached(installation: Administered) -> AsyncIterator[Leftover]:
    # Other caches forget by themselves what nobody asks for, and their keys cannot be listed cheaply.
    cache = folder_cache_from(installation.settings)
    if cache is None:
        return
    try:
        for service, database in installation.databases.items():
            for folders in definition_of(service).administration.cache_folders:
                async for leftover in _cache_folders(cache, database, service, folders):
                    yield leftover
    finally:
        await cache.aclose()


async def _cache_folders(
    cache: FolderCache, database: Database, service: str, folders: CacheFolders
) -> AsyncIterator[Leftover]:
    names = sorted(await cache.folders(folders.folder))
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        async with database.read() as connection:
            known = await folders.known(connection, some)
        for name in some:
            if name not in known:
                prefix = f"{folders.folder}{name}/"
                yield Leftover("cache", service, prefix, None, partial(cache.delete_prefix, prefix))


async def _totals(leftovers: AsyncIterator[Leftover]) -> dict[str, _Total]:
    totals: defaultdict[str, _Total] = defaultdict(_Total)
    async for leftover in leftovers:
        _add(totals, leftover)
    return totals


def _add(totals: defaultdict[str, _Total], leftover: Leftover) -> None:
    totals[leftover.what].count += 1
    totals[leftover.what].size_bytes += leftover.size_bytes or 0


def _summary(totals: dict[str, _Total]) -> str:
    texts = []
    for what, total in totals.items():
        size = f" ({size_text(total.size_bytes)})" if total.size_bytes else ""
        texts.append(f"{total.count} {what}{'' if total.count == 1 or what == 'cache' else 's'}{size}")
    return ", ".join(texts)
