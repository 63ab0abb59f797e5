"""``limner admin dead-letters``: messages that a group of consumers could not handle."""

from argparse import ArgumentParser, Namespace
from base64 import b64encode
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError

from limner_allinone.admin.command import Commands, add_command, add_group
from limner_allinone.admin.installations import Administered
from limner_allinone.admin.output import confirm, print_fields, print_rows, say
from limner_common.bus import DeadLetter, DeadLetters
from limner_common.errors import Invalid, NotFound
from limner_contracts.topics import TOPICS

_COLUMNS = ("group", "event_id", "topic", "key", "attempts", "dead_at", "reason")
_PAGE = 200


def add_commands(groups: Commands) -> None:
    """Add the commands."""
    letters = add_group(groups, "dead-letters", "look after messages that a consumer could not handle")
    listing = add_command(letters, "list", "list dead letters, oldest first", _list)
    listing.add_argument("--group", help="only those of this group, such as analytics.events")
    listing.add_argument("--limit", type=int, default=50, help="at most so many of each group (default %(default)s)")

    show = add_command(letters, "show", "show one with its content", _show)
    show.add_argument("group")
    show.add_argument("event_id", type=UUID)

    replay = add_command(
        letters, "replay", "deliver messages again, only to the group they died in and out of order", _replay
    )
    _chooses(replay)
    drop = add_command(letters, "drop", "forget messages for good; the group never handles them", _drop, asks=True)
    _chooses(drop)


def _chooses(command: ArgumentParser) -> None:
    command.add_argument("group")
    command.add_argument("event_id", type=UUID, nargs="*")
    command.add_argument("--all", action="store_true", help="all of the group")


async def _list(installation: Administered, arguments: Namespace) -> None:
    letters = (await installation.bus()).dead_letters
    groups = [arguments.group] if arguments.group else list(await letters.counts())
    found = [letter for group in groups for letter in await letters.page(group, limit=arguments.limit)]
    print_rows(arguments, _COLUMNS, map(_row, found), nothing="There are no dead letters.")


async def _show(installation: Administered, arguments: Namespace) -> None:
    letter = await (await installation.bus()).dead_letters.find(arguments.group, arguments.event_id)
    if letter is None:
        raise NotFound(f"The group '{arguments.group}' has no dead letter {arguments.event_id}.")
    print_fields(arguments, {**_row(letter), "headers": letter.headers, **_content(letter)})


async def _replay(installation: Administered, arguments: Namespace) -> None:
    letters = (await installation.bus()).dead_letters
    ids = await _chosen(letters, arguments)
    count = sum([await letters.replay(arguments.group, some) for some in _pages(ids)])
    say(arguments, f"{count} messages go to '{arguments.group}' again.")


async def _drop(installation: Administered, arguments: Namespace) -> None:
    letters = (await installation.bus()).dead_letters
    ids = await _chosen(letters, arguments)
    confirm(arguments, f"Drop {len(ids)} messages that '{arguments.group}' has not handled?")
    count = sum([await letters.drop(arguments.group, some) for some in _pages(ids)])
    say(arguments, f"{count} messages are dropped.")


async def _chosen(letters: DeadLetters, arguments: Namespace) -> list[UUID]:
    """Return the ids that the arguments name; with ``--all`` those that are dead now, not those that die meanwhile."""
    if arguments.all == bool(arguments.event_id):
        raise Invalid("Name messages by their event ids, or say --all.")
    if not arguments.all:
        missing = [str(i) for i in arguments.event_id if await letters.find(arguments.group, i) is None]
        if missing:
            raise NotFound(f"The group '{arguments.group}' has no dead letter {', '.join(missing)}.")
        return list(arguments.event_id)
    ids: list[UUID] = []
    while page := await letters.page(arguments.group, limit=_PAGE, after=ids[-1] if ids else None):
        ids += [letter.event_id for letter in page]
    return ids


def _pages(ids: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [ids[start : start + _PAGE] for start in range(0, len(ids), _PAGE)]


def _row(letter: DeadLetter) -> dict[str, Any]:
    return {column: getattr(letter, column) for column in _COLUMNS}


def _content(letter: DeadLetter) -> dict[str, Any]:
    """Return the event as JSON where it can be read, and its bytes where it cannot."""
    topic = TOPICS.get(letter.topic)
    if topic is not None:
        try:
            event = topic.message.FromString(letter.payload)
            return {"event": MessageToDict(event, preserving_proto_field_name=True)}
        except DecodeError:
            pass
    return {"payload_base64": b64encode(letter.payload).decode()}
