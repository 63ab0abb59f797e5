"""Bodies of the routes under ``/api/organizations``."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, StringConstraints

_SLUG_PATTERN = re.compile(r"[-a-zA-Z0-9_]+")


def _checked_slug(value: str) -> str:
    if not _SLUG_PATTERN.fullmatch(value):
        raise ValueError('Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.')
    return value


Slug = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=16), AfterValidator(_checked_slug)]
OrganizationName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]
Description = Annotated[str, StringConstraints(max_length=65_536)]


class OrganizationCreate(BaseModel):
    """A new organization; its name is its slug unless given."""

    slug: Slug
    name: OrganizationName = ""
    description: Description = ""
    contact: dict[str, Any] = {}


class OrganizationUpdate(BaseModel):
    """What can be changed of an organization; what is not sent stays."""

    slug: Slug = ""
    name: OrganizationName = ""
    description: Description = ""
    contact: dict[str, Any] = {}
