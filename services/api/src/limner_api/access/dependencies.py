"""What routes ask for: who calls, where he stands, a connection to read with, a unit of work to write in.

    Caller      the principal; most routes need no more. 401 when nobody is signed in.
    SignedIn    the same with account, memberships and credential.
    Context     the organization the request names, looked up.
    Lists       what lists are read with: a replica where there is a fresh one. Not together with a connection.
    Reading     a connection without a transaction.
    Work        a unit of work, committed before the answer starts.
    PublicWork  the same on routes that nobody has to sign in for.
    BaseURL     scheme and host as the client sees us.
    ObjectId    an id in a path.
    Services    the service's container.

A request is authenticated once, however many of these a route takes.
"""

from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import Depends
from pydantic import BeforeValidator
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request

from limner_api.access.contexts import ContextKind, OrgContext, OrgReference, read_reference, resolve
from limner_api.access.organizations import find_organization_id
from limner_api.access.principals import Principal
from limner_api.container import ApiContainer
from limner_api.identity.authentication import Authenticated, authenticate
from limner_common.db import ListReader, UnitOfWork
from limner_common.errors import NotFound
from limner_common.observe.context import bind_subject

_SCOPE_KEY = "limner.authenticated"


def container_of(request: Request) -> ApiContainer:
    """Return the service's container."""
    return cast(ApiContainer, request.app.state.container)


# All dependencies are coroutines: FastAPI runs plain functions in threads, which costs more than most of them do.
async def read_container(request: Request) -> ApiContainer:
    """Return the service's container."""
    return container_of(request)


async def read_authenticated(request: Request) -> Authenticated:
    """Return who sent the request; asked again, the same object without another look.

    Raises:
        Unauthenticated: Nobody, or with credentials that are not valid.
        Forbidden: CSRF, or a read-only token that would write.
    """
    known = request.scope.get(_SCOPE_KEY)
    if known is None:
        known = request.scope[_SCOPE_KEY] = await authenticate(request, container_of(request))
        bind_subject(known.principal.user_id)
    return cast(Authenticated, known)


async def read_caller(request: Request) -> Principal:
    """Return the principal who sent the request; raises like ``read_authenticated``."""
    return (await read_authenticated(request)).principal


async def read_context(request: Request) -> OrgContext:
    """Return the organization the request names.

    Costs nothing when it is one of the caller's own or none; one round trip otherwise.

    Raises:
        Invalid: The ways to name it contradict each other.
        NotFound: There is no such organization.
    """
    query = request.query_params
    reference = read_reference(
        header=request.headers.get("x-organization"), org=query.get("org"), org_id=query.get("org_id")
    )
    if reference.kind is not ContextKind.ORGANIZATION:
        return resolve(reference, None, None)
    who = await read_authenticated(request)
    organization_id = await _organization_id(request, who, reference)
    return resolve(reference, organization_id, who.role_in(organization_id))


async def _organization_id(request: Request, who: Authenticated, reference: OrgReference) -> int | None:
    if reference.id is not None and reference.id in who.memberships:
        return reference.id
    if reference.slug is not None and reference.slug in who.organizations:
        return who.organizations[reference.slug]
    async with container_of(request).database.read() as connection:
        return await find_organization_id(connection, slug=reference.slug, organization_id=reference.id)


Context = Annotated[OrgContext, Depends(read_context)]

# Connections are taken after the caller and his context are known: a request that waited for a second connection while it
# holds one could wait for ever.


async def read_connection(request: Request, _context: Context) -> AsyncIterator[AsyncConnection]:
    """Lend a connection without a transaction for the time of the request."""
    async with container_of(request).database.read() as connection:
        yield connection


async def read_lists(request: Request) -> ListReader:
    """Return what lists are read with; takes its connections by itself."""
    return container_of(request).database.lists


async def begin_work(request: Request, _context: Context) -> AsyncIterator[UnitOfWork]:
    """Open the request's unit of work; it commits before the first byte of the answer."""
    async with container_of(request).database.begin() as uow:
        yield uow


async def begin_public_work(request: Request) -> AsyncIterator[UnitOfWork]:
    """Open the unit of work of a route that nobody has to sign in for."""
    async with container_of(request).database.begin() as uow:
        yield uow


def _object_id(value: object) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound
    return int(text)


async def read_base_url(request: Request) -> str:
    """Return the address the client sees us at; absolute URLs start with it."""
    return container_of(request).base_url(request)


Services = Annotated[ApiContainer, Depends(read_container)]
SignedIn = Annotated[Authenticated, Depends(read_authenticated)]
Caller = Annotated[Principal, Depends(read_caller)]
Reading = Annotated[AsyncConnection, Depends(read_connection, scope="function")]
Lists = Annotated[ListReader, Depends(read_lists)]
Work = Annotated[UnitOfWork, Depends(begin_work, scope="function")]
PublicWork = Annotated[UnitOfWork, Depends(begin_public_work, scope="function")]
#: An id in a path; what cannot be one is not found.
ObjectId = Annotated[int, BeforeValidator(_object_id)]
BaseURL = Annotated[str, Depends(read_base_url)]
