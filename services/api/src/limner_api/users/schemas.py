"""Bodies of the routes under ``/api/users``."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from limner_api.users.accounts import GROUPS

_USERNAME_PATTERN = re.compile(r"[\w.@+-]+")
_EMAIL_PATTERN = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def checked_username(value: str) -> str:
    """Return a username of letters, digits and ``@.+-_``.

    Raises:
        ValueError: It has others.
    """
    if not _USERNAME_PATTERN.fullmatch(value):
        raise ValueError("Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.")
    return value


def checked_email(value: str) -> str:
    """Return an address that looks like one; an empty one is none.

    Raises:
        ValueError: It does not.
    """
    if value and not _EMAIL_PATTERN.fullmatch(value):
        raise ValueError("Enter a valid email address.")
    return value


def _checked_group(value: str) -> str:
    if value not in GROUPS:
        raise ValueError(f"Object with name={value} does not exist.")
    return value


Username = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=150), AfterValidator(checked_username)
]
PersonalName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=150)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(checked_email)]


def _checked_groups(values: list[str]) -> list[str]:
    return sorted({_checked_group(value) for value in values})


class UserUpdate(BaseModel):
    """What can be changed of an account; what is not sent stays, and what we do not know is kept to be refused."""

    model_config = ConfigDict(extra="allow")

    username: Username = ""
    first_name: PersonalName = ""
    last_name: PersonalName = ""
    email: Email = ""
    groups: Annotated[list[str], AfterValidator(_checked_groups)] = []
    is_staff: bool = False
    is_superuser: bool = False
    is_active: bool = True

    def known(self) -> dict[str, Any]:
        """Return what was sent of the fields above."""
        return self.model_dump(include=set(type(self).model_fields), exclude_unset=True)
