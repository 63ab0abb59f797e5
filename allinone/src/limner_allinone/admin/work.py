"""``limner admin work``: background work of all services."""

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from typing import Any

from limner_allinone.admin.command import Commands, add_command, add_group, duration
from limner_allinone.admin.installations import Administered
from limner_allinone.admin.output import confirm, print_fields, print_rows, say
from limner_allinone.composition import SERVICE_NAMES, definition_of
from limner_common.clock import utc_now
from limner_common.errors import Conflict, Invalid, NotFound
from limner_common.work import WorkState
from limner_common.work.listing import WorkFilter, find_work, list_work

_COLUMNS = ("service", "id", "kind", "state", "attempts", "progress", "age", "owner", "message")
_SHOWN_UNASKED = (WorkState.QUEUED, WorkState.RUNNING, WorkState.FAILED)
#: As many as are requeued by one command with ``--failed``.
_REQUEUED_AT_ONCE = 10_000


def add_commands(groups: Commands) -> None:
    """Add the commands."""
    work = add_group(groups, "work", "look at background work, begin it anew, cancel it")
    listing = add_command(
        work, "list", "list work, newest first: what waits, runs or failed unless --state says else", _list
    )
    _filters(listing)
    listing.add_argument(
        "--state", action="append", choices=[*map(str, WorkState)], help="only this state; may be given several times"
    )
    listing.add_argument("--limit", type=int, default=100, help="at most so many of each service (default %(default)s)")

    show = add_command(work, "show", "show all that is known of one piece of work", _show)
    show.add_argument("id")

    requeue = add_command(
        work,
        "requeue",
        "begin work anew that failed, was cancelled, waits for its next attempt, or hangs",
        _requeue,
        asks=True,
    )
    requeue.add_argument("id", nargs="*")
    requeue.add_argument("--failed", action="store_true", help="all that failed, instead of ids")
    _filters(requeue)

    cancel = add_command(work, "cancel", "cancel work that waits; ask work that runs to stop", _cancel, asks=True)
    cancel.add_argument("id", nargs="+")


def _filters(command: ArgumentParser) -> None:
    command.add_argument("--service", choices=SERVICE_NAMES, help="only work of this service")
    command.add_argument("--kind", help="only this kind, such as ingest or export")
    command.add_argument(
        "--older-than", type=duration, default=duration("0s"), help="asked for so long ago, such as 90m or 2d"
    )


async def _list(installation: Administered, arguments: Namespace) -> None:
    wanted = WorkFilter(
        states=tuple(map(WorkState, arguments.state or _SHOWN_UNASKED)),
        kind=arguments.kind,
        older_than=arguments.older_than,
        limit=arguments.limit,
    )
    rows = [row async for row in _found(installation, arguments, wanted)]
    rows.sort(key=lambda row: row["created_at"], reverse=True)
    print_rows(arguments, _COLUMNS, rows if arguments.json else map(_for_people, rows), nothing="There is no such work.")


async def _show(installation: Administered, arguments: Namespace) -> None:
    service, row = await _find(installation, arguments.id)
    print_fields(arguments, {"service": service, **row})


async def _requeue(installation: Administered, arguments: Namespace) -> int:
    if arguments.failed == bool(arguments.id):
        raise Invalid("Name the work by its ids, or say --failed.")
    ids = arguments.id
    if arguments.failed:
        wanted = WorkFilter((WorkState.FAILED,), arguments.kind, arguments.older_than, _REQUEUED_AT_ONCE)
        ids = [row["id"] async for row in _found(installation, arguments, wanted)]
    if not ids:
        say(arguments, "There is no such work.")
        return 0
    confirm(arguments, f"Begin {_listed(ids)} anew?")
    return await _each(installation, arguments, ids, "requeue")


async def _cancel(installation: Administered, arguments: Namespace) -> int:
    confirm(arguments, f"Cancel {_listed(arguments.id)}?")
    return await _each(installation, arguments, arguments.id, "cancel")


async def _each(installation: Administered, arguments: Namespace, ids: list[str], deed: str) -> int:
    """Do something to each piece of work in a transaction of its own; returns 1 when it failed for one."""
    rows, status = [], 0
    for item_id in ids:
        try:
            service, _ = await _find(installation, item_id)
            state, message = await _do(installation, service, item_id, deed), ""
        except (NotFound, Conflict) as error:
            service, state, message, status = "", "", error.message, 1
        rows.append({"service": service, "id": item_id, "state": state, "message": message})
    print_rows(arguments, ("service", "id", "state", "message"), rows, nothing="")
    return status


async def _do(installation: Administered, service: str, item_id: str, deed: str) -> str:
    queue = definition_of(service).new_queue()
    async with installation.databases[service].begin() as uow:
        if deed == "requeue":
            return (await queue.requeue(uow, item_id)).state
        item = await queue.request_cancel(uow, item_id)
    if item is None:
        raise NotFound(f"There is no work {item_id}.")
    if item.state is WorkState.RUNNING:
        return "stopping"
    if item.state is not WorkState.CANCELLED:
        raise Conflict(f"{item_id} has ended: {item.state}.")
    return item.state


async def _find(installation: Administered, item_id: str) -> tuple[str, dict[str, Any]]:
    for service, database in installation.databases.items():
        if row := await find_work(database, item_id):
            return service, row
    raise NotFound(f"There is no work {item_id}. List it with: limner admin work list.")


async def _found(installation: Administered, arguments: Namespace, wanted: WorkFilter) -> AsyncIterator[dict[str, Any]]:
    for service, database in installation.databases.items():
        if arguments.service in (None, service):
            for row in await list_work(database, wanted):
                yield {"service": service, **row}


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    seconds = int((utc_now() - row["created_at"]).total_seconds())
    return {
        **row,
        "attempts": f"{row['attempts']}/{row['max_attempts']}",
        "progress": f"{row['progress']:.0%}",
        "age": f"{seconds // 86400}d {seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}",
    }


def _listed(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{len(ids)} pieces of work"
