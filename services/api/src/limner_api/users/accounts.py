"""An account and its two forms on the wire: the basic one that everybody sees, and the full one for oneself and admins."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from limner_common.clock import wire_date

#: Groups an account can be in; each stands for a privilege.
GROUPS = ("admin", "business", "user", "worker")


@dataclass(frozen=True, slots=True)
class Account:
    """What the database knows of a person, without the password."""

    id: int
    username: str
    first_name: str
    last_name: str
    email: str
    groups: tuple[str, ...]
    is_superuser: bool
    is_staff: bool
    is_active: bool
    created_at: datetime
    last_login_at: datetime | None


def basic_user(base_url: str, user_id: int, username: str, first_name: str, last_name: str) -> dict[str, Any]:
    """Return the basic form, as owners and assignees are shown."""
    return {
        "url": f"{base_url}/api/users/{user_id}",
        "id": user_id,
        "username": username,
        "first_name": first_name,
        "last_name": last_name,
    }


def basic_account(base_url: str, account: Account) -> dict[str, Any]:
    """Return the basic form of an account."""
    return basic_user(base_url, account.id, account.username, account.first_name, account.last_name)


def full_account(base_url: str, account: Account) -> dict[str, Any]:
    """Return the full form of an account."""
    return {
        **basic_account(base_url, account),
        "email": account.email,
        "groups": list(account.groups),
        "is_staff": account.is_staff,
        "is_superuser": account.is_superuser,
        "is_active": account.is_active,
        "last_login": None if account.last_login_at is None else wire_date(account.last_login_at),
        "date_joined": wire_date(account.created_at),
        "has_analytics_access": account.is_superuser or "admin" in account.groups,
    }


def groups_of_new_account(groups: tuple[str, ...], *, is_superuser: bool, is_staff: bool) -> tuple[str, ...]:
    """Return the groups an account has from the start: superusers that are staff are admins, others users."""
    needed = "admin" if is_superuser and is_staff else "user"
    return groups if needed in groups else (*groups, needed)
