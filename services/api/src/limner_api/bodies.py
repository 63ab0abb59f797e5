"""Types of what request bodies hold, read as leniently as existing clients expect.

Numbers are accepted as texts, and texts of digits as numbers; texts that the database cannot hold are refused.
"""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from limner_api.lists.fields import is_storable_text

MAX_INTEGER = 2**31 - 1
_MAX_ID = 2**63 - 1


def as_text(value: object) -> object:
    """Return numbers as text and everything else as it is."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def storable(value: str) -> str:
    """Return a text that the database can hold.

    Raises:
        ValueError: It cannot.
    """
    if not is_storable_text(value):
        raise ValueError("Null characters are not allowed.")
    return value


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("A valid integer is required.")
    return value


#: A text as it is sent.
RawText = Annotated[str, BeforeValidator(as_text), AfterValidator(storable)]
#: A text without surrounding space.
Text = Annotated[str, StringConstraints(strip_whitespace=True), BeforeValidator(as_text), AfterValidator(storable)]
#: Name of a project or task.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=256),
    BeforeValidator(as_text),
    AfterValidator(storable),
]
BugTracker = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2000), BeforeValidator(as_text), AfterValidator(storable)
]
#: Id of something; whether it exists is seen later.
Id = Annotated[int, BeforeValidator(_no_boolean), Field(ge=-_MAX_ID, le=_MAX_ID)]
#: A number of things.
Count = Annotated[int, BeforeValidator(_no_boolean), Field(ge=0, le=MAX_INTEGER)]
