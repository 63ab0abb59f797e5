"""What goes along with a request into other services, facts and work: its id, its trace, and who asked.

Logs bind it wherever something arrives, so that one id finds everything that a request caused.
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog

from limner_common.observe import tracing
from limner_common.observe.tracing import Span

REQUEST_ID_HEADER: Final = "x-request-id"
_SUBJECT: Final = "subject-id"


def carried(span: Span | None = None) -> dict[str, str]:
    """Return the headers to send along with a call; empty outside of requests, messages and work.

    Args:
        span: The step that sends them; the current entry when None.
    """
    headers = tracing.carrier(span)
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        headers[REQUEST_ID_HEADER] = request_id
    return headers


def kept() -> dict[str, str]:
    """Return what a fact or a work item is to remember; like ``carried``, and who asked: calls say that in their grant."""
    subject = structlog.contextvars.get_contextvars().get("subject_id")
    return carried() if subject is None else {**carried(), _SUBJECT: str(subject)}


def bind_subject(user_id: int | None) -> None:
    """Say in the log who asks from now on, until the request ends."""
    if user_id is not None:
        structlog.contextvars.bind_contextvars(subject_id=user_id)


def bound_from(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return what the log is to say while something is handled that came with what was ``kept``."""
    bound: dict[str, Any] = {}
    if request_id := headers.get(REQUEST_ID_HEADER):
        bound["request_id"] = request_id
    if (subject := headers.get(_SUBJECT, "")).isdigit():
        bound["subject_id"] = int(subject)
    return bound
