"""Forwards a request to the service that answers it: authenticate, authorize, grant, stream.

Bodies pass through in both directions piece by piece. The one exception is an answer that accepts background work, a few
bytes: the request it announces is stored before the client can ask for it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from limner_api.access.contexts import OrgContext
from limner_api.access.dependencies import read_authenticated, read_context
from limner_api.access.objects import AccessedObject, find_job, find_project, find_task
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts
from limner_api.access.rules import Action
from limner_api.container import ApiContainer
from limner_api.gateway.table import ForwardedRoute, Target
from limner_api.identity.authentication import Authenticated
from limner_common.errors import NotFound
from limner_common.grants import GRANT_HEADER, Grant
from limner_common.http.upstream import REPEATABLE
from limner_common.observe import tracing
from limner_common.observe.context import carried
from limner_common.requests import REQUEST_HEADER

_GRANT = GRANT_HEADER.encode()
_REQUEST = REQUEST_HEADER.encode()
#: Credentials stop here: behind the gateway only the grant counts.
_NOT_FORWARDED = frozenset({b"cookie", b"authorization", b"x-csrftoken", _GRANT})
_SCOPE_KEYS = ("type", "asgi", "http_version", "method", "scheme", "query_string", "server", "client", "path", "raw_path")
_FIND = {Target.PROJECT: find_project, Target.TASK: find_task, Target.JOB: find_job}

Headers = list[tuple[bytes, bytes]]
#: Called with the headers of a successful answer, before the client sees it.
Afterwards = Callable[[dict[bytes, bytes]], Awaitable[None]]


async def authorize(
    request: Request, container: ApiContainer, route: ForwardedRoute
) -> tuple[Authenticated, AccessedObject | None, Grant]:
    """Return who asks, what for, and the grant that says he may.

    Raises:
        Unauthenticated: Nobody is signed in.
        Forbidden: The policies do not allow it.
        NotFound: There is no such object.
    """
    who = await read_authenticated(request)
    action = route.action(request.query_params) if callable(route.action) else route.action
    accessed: AccessedObject | None = None
    if route.target is Target.NONE:
        context: OrgContext = await read_context(request)
        organization_id = context.organization_id
        require(who.principal, action, ObjectFacts(organization_id, context.role))
    else:
        async with container.database.driver() as connection:
            accessed = await _FIND[route.target](connection, who, _id_of(request))
        require(who.principal, action, accessed.facts)
        organization_id = accessed.organization_id
    return who, accessed, _grant(request, container, who, action, accessed, organization_id)


def grant_for(
    request: Request, container: ApiContainer, who: Authenticated, action: Action, accessed: AccessedObject
) -> Grant:
    """Return the grant for something that was authorized here before it is forwarded."""
    return _grant(request, container, who, action, accessed, accessed.organization_id)


class ForwardedAnswer(Response):
    """The answer of another service to a request that a route of ours has authorized, streamed.

    Args:
        container: The service's container.
        service: Who answers.
        grant: What it may answer.
        path: What it is asked instead of the request's own path.
    """

    def __init__(self, container: ApiContainer, service: str, grant: Grant, path: str) -> None:
        super().__init__()
        self._container = container
        self._service = service
        self._grant = grant
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        await forward(
            scope,
            receive,
            send,
            container=self._container,
            service=self._service,
            grant=self._grant,
            path=self._path,
        )


async def forward(
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    container: ApiContainer,
    service: str,
    grant: Grant,
    path: str | None = None,
    is_repeatable: bool = False,
    afterwards: Afterwards | None = None,
) -> None:
    """Hand a request to a service with a grant; ``afterwards`` runs once it has answered with success."""
    forwarded: dict[str, Any] = {key: scope[key] for key in _SCOPE_KEYS if key in scope} | {
        "root_path": "",
        REPEATABLE: is_repeatable,
    }
    if path is not None:
        forwarded |= {"path": path, "raw_path": path.encode()}

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered = dict(message.get("headers", ()))
            if afterwards is not None and 200 <= message["status"] < 300:
                await afterwards(answered)
            message = {**message, "headers": [(k, v) for k, v in message.get("headers", ()) if k != _REQUEST]}
        await send(message)

    with tracing.step(f"call {service}", "client") as span:
        signed = (_GRANT, container.keyring.sign(grant).encode())
        forwarded["headers"] = [*_headers_to_forward(scope["headers"], carried(span)), signed]
        await container.resources.upstreams.app(service)(forwarded, receive, send_on)


def _headers_to_forward(headers: Headers, ours: Mapping[str, str]) -> Headers:
    added = [(key.encode(), value.encode("latin-1")) for key, value in ours.items()]
    replaced = _NOT_FORWARDED.union(key for key, _ in added)
    return [*((key, value) for key, value in headers if key not in replaced), *added]


def _grant(
    request: Request,
    container: ApiContainer,
    who: Authenticated,
    action: Action,
    accessed: AccessedObject | None,
    organization_id: int | None,
) -> Grant:
    return Grant(
        issuer="api",
        action=str(action),
        user_id=who.principal.user_id,
        username=who.principal.username,
        organization_id=organization_id,
        base_url=container.base_url(request),
        facts=_facts(accessed, who),
    )


def _id_of(request: Request) -> int:
    text = request.path_params["id"]
    if not (text.isascii() and text.isdigit()):
        raise NotFound
    return int(text)


def _facts(accessed: AccessedObject | None, who: Authenticated) -> dict[str, Any]:
    facts: dict[str, Any] = {"privilege": who.principal.privilege.name.lower()}
    if accessed is not None:
        facts |= {
            "project_id": accessed.project_id,
            "task_id": accessed.task_id,
            "job_id": accessed.job_id,
            "version": accessed.version,
            "dimension": accessed.dimension,
        }
    return facts
