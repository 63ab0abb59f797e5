"""``limner admin users``: accounts."""

import secrets
from argparse import ArgumentParser, Namespace
from typing import Any

from limner_allinone.admin.command import Commands, add_command, add_group, read_password
from limner_allinone.admin.installations import Administered
from limner_allinone.admin.output import confirm, print_fields, print_rows, say
from limner_api.administration import accounts
from limner_api.identity.hashing import Passwords
from limner_api.users.accounts import Account

_COLUMNS = ("id", "username", "email", "role", "is_active", "created_at", "last_login_at")


def add_commands(groups: Commands) -> None:
    """Add the commands."""
    users = add_group(groups, "users", "create, list and change accounts")
    listing = add_command(users, "list", "list accounts by name", _list)
    listing.add_argument("--role", choices=accounts.ROLES, help="only this role")
    state = listing.add_mutually_exclusive_group()
    state.add_argument("--active", action="store_const", const=True, dest="is_active", help="only those who may sign in")
    state.add_argument("--disabled", action="store_const", const=False, dest="is_active", help="only those who may not")

    create = add_command(users, "create", "make an account; its password comes from standard input", _create)
    create.add_argument("username")
    create.add_argument("--email", default="")
    create.add_argument("--first-name", default="")
    create.add_argument("--last-name", default="")
    create.add_argument("--role", choices=accounts.ROLES, default="user", help="(default %(default)s)")
    _generates(create)

    disable = add_command(
        users, "disable", "end all sessions and tokens of a user and let him in no more; his work stays", _disable, asks=True
    )
    disable.add_argument("username")
    enable = add_command(users, "enable", "let a disabled user sign in again", _enable)
    enable.add_argument("username")

    password = add_command(users, "set-password", "replace a password and end the user's sessions", _set_password)
    password.add_argument("username")
    _generates(password)

    role = add_command(users, "set-role", "set what a user may do", _set_role)
    role.add_argument("username")
    role.add_argument("role", choices=accounts.ROLES)


def _generates(command: ArgumentParser) -> None:
    command.add_argument("--generate", action="store_true", help="make a password up and print it")


async def _list(installation: Administered, arguments: Namespace) -> None:
    async with installation.databases["api"].read() as connection:
        found = await accounts.list_accounts(connection, role=arguments.role, is_active=arguments.is_active)
    print_rows(arguments, _COLUMNS, map(_row, found), nothing="There are no such accounts.")


async def _create(installation: Administered, arguments: Namespace) -> None:
    password = _password(arguments)
    new = accounts.NewAccount(
        username=arguments.username,
        email=arguments.email,
        first_name=arguments.first_name,
        last_name=arguments.last_name,
        role=arguments.role,
    )
    password_hash = await accounts.hashed(Passwords(1), password, new.username)
    async with installation.databases["api"].begin() as uow:
        account = await accounts.create(uow, new, password_hash)
    _show(arguments, account, password)


async def _disable(installation: Administered, arguments: Namespace) -> None:
    confirm(arguments, f"Disable {arguments.username} and end all his sessions and tokens?")
    async with installation.databases["api"].begin() as uow:
        ended = await accounts.disable(uow, arguments.username)
    say(arguments, f"{arguments.username} is disabled; {ended.sessions} sessions and {ended.access_tokens} tokens ended.")


async def _enable(installation: Administered, arguments: Namespace) -> None:
    async with installation.databases["api"].begin() as uow:
        account = await accounts.enable(uow, arguments.username)
    _show(arguments, account)


async def _set_password(installation: Administered, arguments: Namespace) -> None:
    password = _password(arguments)
    password_hash = await accounts.hashed(Passwords(1), password, arguments.username)
    async with installation.databases["api"].begin() as uow:
        account = await accounts.set_password(uow, arguments.username, password_hash)
    _show(arguments, account, password)


async def _set_role(installation: Administered, arguments: Namespace) -> None:
    async with installation.databases["api"].begin() as uow:
        account = await accounts.set_role(uow, arguments.username, arguments.role)
    _show(arguments, account)


def _password(arguments: Namespace) -> str:
    return secrets.token_urlsafe(12) if arguments.generate else read_password(arguments)


def _show(arguments: Namespace, account: Account, password: str = "") -> None:
    made_up = {"password": password} if password and arguments.generate else {}
    print_fields(arguments, {**_row(account), **made_up})


def _row(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "username": account.username,
        "email": account.email,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "role": accounts.role_of(account),
        "is_active": account.is_active,
        "created_at": account.created_at,
        "last_login_at": account.last_login_at,
    }
