"""The parser of ``limner admin`` and what all its commands have in common."""

import asyncio
import getpass
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, _SubParsersAction
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from limner_allinone.admin.installations import Administered, open_installation
from limner_common.errors import Invalid
from limner_common.logs import configure_logging

Commands: TypeAlias = "_SubParsersAction[ArgumentParser]"
#: Does a command's work; what it returns is the exit status, None is 0.
Run = Callable[[Administered, Namespace], Awaitable[int | None]]
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def add_admin(commands: Commands) -> None:
    """Add ``admin`` with all its commands; each module of this package adds its own."""
    admin = commands.add_parser(
        "admin",
        help="look after an installation: users, background work, dead letters, storage, backups",
        description="Works on the installation of --home, running or stopped; without --home on the deployment that "
        "LIMNER_DATABASE_URL names, else on the default home.",
    )
    groups = admin.add_subparsers(required=True, metavar="WHAT")
    if sys.argv[1:2] == ["admin"]:  # its modules load services, which other commands must not pay for
        from limner_allinone.admin import dead_letters, storage, sweep, users, work
        from limner_allinone.admin.backup import commands as backup

        for module in (users, work, dead_letters, storage, sweep, backup):
            module.add_commands(groups)


def add_group(groups: Commands, name: str, text: str) -> Commands:
    """Add a group of commands, such as ``users``."""
    return groups.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.").add_subparsers(
        required=True, metavar="COMMAND"
    )


def add_command(commands: Commands, name: str, text: str, run: Run, *, asks: bool = False) -> ArgumentParser:
    """Add one command that works on an installation.

    Args:
        commands: Where it belongs.
        name: Its name.
        text: What it does, a sentence without a full stop.
        run: Does it.
        asks: Whether it asks before it acts; adds ``--yes``.
    """

    async def work(arguments: Namespace) -> int | None:
        async with open_installation(arguments) as installation:
            return await run(installation, arguments)

    command = add_plain_command(commands, name, text, work)
    if asks:
        command.add_argument("--yes", action="store_true", help="do not ask")
    return command


def add_plain_command(
    commands: Commands, name: str, text: str, run: Callable[[Namespace], Coroutine[Any, Any, int | None]]
) -> ArgumentParser:
    """Add one command that opens what it works on itself; the rest is as in ``add_command``."""
    command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.add_argument("--home", type=Path, help="home folder of an embedded installation")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=partial(_run, run))
    return command


def duration(text: str) -> timedelta:
    """Return a time span such as ``90s``, ``45m``, ``12h`` or ``2d``; for options.

    Raises:
        ArgumentTypeError: It is none.
    """
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no time span such as 90s, 45m, 12h or 2d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def read_password(arguments: Namespace) -> str:
    """Return a password from standard input, asked for twice when that is a terminal.

    Raises:
        Invalid: The two differ, or there is none.
    """
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise Invalid("Write the password to standard input, one line; or say --generate.")
        return password
    password = getpass.getpass(f"Password of {arguments.username}: ")
    if getpass.getpass("Again: ") != password:
        raise Invalid("The two passwords differ.")
    return password


def _run(run: Callable[[Namespace], Coroutine[Any, Any, int | None]], arguments: Namespace) -> int:
    configure_logging("warning", as_json=False)
    return asyncio.run(run(arguments)) or 0
