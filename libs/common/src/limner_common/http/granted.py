"""The grant of a request, as a dependency of data services' routes."""

from typing import Annotated, Protocol

from fastapi import Depends
from starlette.requests import Request

from limner_common.errors import Forbidden, Unauthenticated
from limner_common.grants import GRANT_HEADER, Grant, Keyring
from limner_common.observe.context import bind_subject


class HasKeyring(Protocol):
    """What a container must offer for grants to be checked."""

    keyring: Keyring


def read_grant(request: Request) -> Grant:
    """Return the verified grant of a request.

    Raises:
        Unauthenticated: None was sent, or it is not valid.
    """
    value = request.headers.get(GRANT_HEADER)
    if value is None:
        raise Unauthenticated
    container: HasKeyring = request.app.state.container
    grant = container.keyring.verify(value)
    bind_subject(grant.user_id)
    return grant


def read_service_grant(request: Request) -> Grant:
    """Return the grant of a call between services: one a service issued for its own work.

    Raises:
        Unauthenticated: No valid grant.
        Forbidden: A grant for a person: internal routes are not for them.
    """
    grant = read_grant(request)
    if grant.action != INTERNAL_ACTION:
        raise Forbidden("Internal routes answer services only.")
    return grant


#: The action in grants that services issue for calls among themselves.
INTERNAL_ACTION = "internal"


# Coroutines, because FastAPI runs plain functions in threads, which costs more than checking the signature.
async def _granted(request: Request) -> Grant:
    return read_grant(request)


async def _service_granted(request: Request) -> Grant:
    return read_service_grant(request)


Granted = Annotated[Grant, Depends(_granted)]
ServiceGranted = Annotated[Grant, Depends(_service_granted)]
