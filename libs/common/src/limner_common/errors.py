"""Domain errors, free of HTTP.

    DomainError
    ├── Invalid           what was sent cannot be accepted; may name fields
    ├── Unauthenticated   we do not know who asks
    ├── Forbidden         we know, and he may not
    ├── NotFound
    ├── Conflict          the state of the object forbids it now
    ├── Gone
    ├── TooLarge
    ├── RateLimited       carries when to come back
    ├── NotAllowed        the operation exists but is switched off, or the method is not answered here
    └── Unavailable       something we need is away; carries when to come back

``limner_common.http.errors`` maps ``kind`` to a status and renders both families of bodies. Any other exception is a bug.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

#: Field errors nest like the input: a list of messages, or a mapping of deeper fields.
FieldErrors = Mapping[str, Any]


class ErrorKind(StrEnum):
    """What went wrong, in words that do not depend on a protocol."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    CONFLICT = "conflict"
    GONE = "gone"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


class DomainError(Exception):
    """An expected failure with a message that is safe to show.

    Args:
        message: A sentence a person can act on.
        code: Stable snake_case identifier; the class's default when None.
        fields: Errors by input field, nested like the input.
        retry_after_seconds: When asking again makes sense, for ``RATE_LIMITED`` and ``UNAVAILABLE``.
    """

    kind: ClassVar[ErrorKind]
    code: str
    default_message: ClassVar[str] = ""

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        fields: FieldErrors | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.code = code or str(self.kind)
        self.fields = fields
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.message)


class Invalid(DomainError):
    """The input is wrong; ``fields`` says where when it can be said."""

    kind = ErrorKind.INVALID
    default_message = "The request is not valid."


class Unauthenticated(DomainError):
    """No credentials, or credentials that are not valid."""

    kind = ErrorKind.UNAUTHENTICATED
    default_message = "Authentication credentials were not provided."


class Forbidden(DomainError):
    """The caller is known and not allowed."""

    kind = ErrorKind.FORBIDDEN
    default_message = "You do not have permission to perform this action."


class NotFound(DomainError):
    """There is no such object, or the caller may not know of it."""

    kind = ErrorKind.NOT_FOUND
    default_message = "Not found."


class NotAllowed(DomainError):
    """The operation is not available here."""

    kind = ErrorKind.NOT_ALLOWED
    default_message = "The operation is not allowed."


class Conflict(DomainError):
    """The object's present state forbids the operation."""

    kind = ErrorKind.CONFLICT
    default_message = "The request conflicts with the current state."


class Gone(DomainError):
    """It was there and is not any more."""

    kind = ErrorKind.GONE
    default_message = "The resource is no longer available."


class TooLarge(DomainError):
    """The input is over a limit; the message names the limit."""

    kind = ErrorKind.TOO_LARGE
    default_message = "The request is too large."


class RateLimited(DomainError):
    """Too many requests; ``retry_after_seconds`` says when to come back."""

    kind = ErrorKind.RATE_LIMITED
    default_message = "Too many requests."


class Unavailable(DomainError):
    """A part we depend on is away or busy."""

    kind = ErrorKind.UNAVAILABLE
    default_message = "The service is temporarily unavailable."
