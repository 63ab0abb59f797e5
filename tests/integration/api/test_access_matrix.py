"""Every route × everybody: what is answered is what the policy table says, and a route without an action is a failure."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fastapi.routing import APIRoute
from starlette.routing import Route

from limner_api.access.catalog_policies import JobAction, LabelAction, ProjectAction, TaskAction
from limner_api.access.organization_policies import InvitationAction, MembershipAction, OrganizationAction, UserAction
from limner_api.access.platform_policies import AccessTokenAction, RequestAction, ServerAction
from limner_api.access.policies import decide
from limner_api.access.principals import OrgRole
from limner_api.access.rules import Action
from limner_api.gateway.table import ROUTES, ForwardedRoute, Target
from limner_api.identity.bootstrap import ensure_admin
from tests.integration.api.conftest import ADMIN_PASSWORD, Api
from tests.support import installation
from tests.support.access_world import NOBODY, PEOPLE, PLACELESS, Thing, World, build_world

#: Answered to anybody.
PUBLIC = {
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/password/reset"),
    ("POST", "/api/auth/password/reset/confirm"),
    ("GET", "/api/auth/rules"),
    ("GET", "/api/server/about"),
    ("GET", "/api/schema"),
}
#: About the caller himself and nothing else; everybody who is signed in may.
ONESELF = {("POST", "/api/auth/password/change"), ("GET", "/api/users/self"), ("GET", "/api/live")}


#: Stands for the thing's id in a body.
ITS_ID = object()
#: Not found is the right answer even to those who are allowed: nobody here comes with an access token.
NOT_THERE = {"/api/auth/access_tokens/self"}


@dataclass(frozen=True)
class Case:
    """A request and the action that decides it. ``{}`` in the path is the thing's id."""

    method: str
    route: str
    action: Action
    thing: Thing = Thing.NOTHING
    body: Any = None
    query: str = ""
    more: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def id(self) -> str:
        fields = "+".join(self.body) if isinstance(self.body, dict) else ""
        return f"{self.method} {self.route}{self.query} {fields}".strip()

    def path(self, thing_id: object) -> str:
        head, _, tail = self.route.partition("{")
        path = f"{head}{thing_id}{tail.partition('}')[2]}" if tail else head
        return path.replace("{file_id:path}", "x").replace("{rest:path}", "") + self.query


def _changes(route: str, thing: Thing, actions: dict[Action, list[Any]]) -> Iterator[Case]:
    for action, bodies in actions.items():
        for body in bodies:
            yield Case("PATCH", route, action, thing, body)


_T, _P = Thing.TASK, Thing.PROJECT
OWN: list[Case] = [
    Case("GET", "/api/projects", ProjectAction.LIST, Thing.CONTEXT),
    Case("POST", "/api/projects", ProjectAction.CREATE, Thing.CONTEXT, {"name": "x"}),
    Case("GET", "/api/projects/{project_id}", ProjectAction.VIEW, _P),
    Case("GET", "/api/projects/{project_id}/preview", ProjectAction.VIEW, _P),
    Case("DELETE", "/api/projects/{project_id}", ProjectAction.DELETE, _P),
    *_changes(
        "/api/projects/{project_id}",
        _P,
        {
            ProjectAction.UPDATE_DESCRIPTION: [{}, {"name": "x"}, {"labels": [{"name": "x"}]}, {"bug_tracker": ""}],
            ProjectAction.UPDATE_ASSIGNEE: [{"assignee_id": None}],
            ProjectAction.UPDATE_OWNER: [{"owner_id": 1}],
            ProjectAction.UPDATE_ORGANIZATION: [{"organization_id": None}],
        },
    ),
    Case("GET", "/api/tasks", TaskAction.LIST, Thing.CONTEXT),
    Case("POST", "/api/tasks", TaskAction.CREATE, Thing.CONTEXT, {"name": "x"}),
    Case("POST", "/api/tasks", TaskAction.CREATE_IN_PROJECT, _P, {"name": "x", "project_id": ITS_ID}),
    Case("GET", "/api/tasks/{task_id}", TaskAction.VIEW, _T),
    Case("GET", "/api/tasks/{task_id}/status", TaskAction.VIEW, _T),
    Case("DELETE", "/api/tasks/{task_id}", TaskAction.DELETE, _T),
    *_changes(
        "/api/tasks/{task_id}",
        _T,
        {
            TaskAction.UPDATE_DESCRIPTION: [{}, {"name": "x"}, {"subset": "x"}, {"source_storage": None}],
            TaskAction.UPDATE_ASSIGNEE: [{"assignee_id": None}],
            TaskAction.UPDATE_OWNER: [{"owner_id": 1}],
            TaskAction.UPDATE_PROJECT: [{"project_id": None}],
            TaskAction.UPDATE_ORGANIZATION: [{"organization_id": None}],
        },
    ),
    Case("GET", "/api/jobs", JobAction.LIST, Thing.CONTEXT),
    Case("POST", "/api/jobs", JobAction.CREATE, _T, {"type": "ground_truth", "task_id": ITS_ID}),
    *(
        case
        for job in (Thing.JOB, Thing.CROWD_JOB)
        for case in (
            Case("GET", "/api/jobs/{job_id}", JobAction.VIEW, job),
            Case("DELETE", "/api/jobs/{job_id}", JobAction.DELETE, job),
            Case("GET", "/api/labels", LabelAction.VIEW, job, query="?job_id="),
            *_changes(
                "/api/jobs/{job_id}",
                job,
                {
                    JobAction.UPDATE_STATE: [{}, {"state": "completed"}],
                    JobAction.UPDATE_STAGE: [{"stage": "validation"}],
                    JobAction.UPDATE_ASSIGNEE: [{"assignee": None}],
                },
            ),
        )
    ),
    Case("GET", "/api/labels", LabelAction.LIST, Thing.CONTEXT),
    Case("GET", "/api/labels", LabelAction.VIEW, _T, query="?task_id="),
    Case("GET", "/api/labels", LabelAction.VIEW, _P, query="?project_id="),
    Case("GET", "/api/labels/{label_id}", LabelAction.VIEW, Thing.PROJECT_LABEL),
    Case("PATCH", "/api/labels/{label_id}", LabelAction.UPDATE, Thing.PROJECT_LABEL, {"name": "x"}),
    Case("DELETE", "/api/labels/{label_id}", LabelAction.DELETE, Thing.PROJECT_LABEL),
    Case("GET", "/api/requests", RequestAction.LIST),
    Case("GET", "/api/requests/{request_id}", RequestAction.VIEW, Thing.REQUEST),
    Case("POST", "/api/requests/{request_id}/cancel", RequestAction.CANCEL, Thing.REQUEST),
    Case("POST", "/api/auth/access_tokens", AccessTokenAction.CREATE, body={"name": "x"}),
    Case("GET", "/api/auth/access_tokens", AccessTokenAction.LIST),
    Case("GET", "/api/auth/access_tokens/self", AccessTokenAction.VIEW_USED),
    Case("GET", "/api/auth/access_tokens/{token_id}", AccessTokenAction.VIEW, Thing.TOKEN),
    Case("PATCH", "/api/auth/access_tokens/{token_id}", AccessTokenAction.UPDATE, Thing.TOKEN, {"name": "y"}),
    Case("DELETE", "/api/auth/access_tokens/{token_id}", AccessTokenAction.DELETE, Thing.TOKEN),
    Case("GET", "/api/users", UserAction.LIST, Thing.CONTEXT),
    Case("GET", "/api/users/{user_id}", UserAction.VIEW, Thing.USER),
    Case("PATCH", "/api/users/{user_id}", UserAction.UPDATE, Thing.USER, {"first_name": "x"}),
    Case("DELETE", "/api/users/{user_id}", UserAction.DELETE, Thing.USER),
    Case("POST", "/api/organizations", OrganizationAction.CREATE, body={"slug": "new"}),
    Case("GET", "/api/organizations", OrganizationAction.LIST),
    Case("GET", "/api/organizations/{organization_id}", OrganizationAction.VIEW, Thing.ORGANIZATION),
    Case("PATCH", "/api/organizations/{organization_id}", OrganizationAction.UPDATE, Thing.ORGANIZATION, {"name": "x"}),
    Case("DELETE", "/api/organizations/{organization_id}", OrganizationAction.DELETE, Thing.ORGANIZATION),
    Case("GET", "/api/memberships", MembershipAction.LIST, Thing.CONTEXT),
    Case("GET", "/api/memberships/{membership_id}", MembershipAction.VIEW, Thing.MEMBERSHIP),
    Case(
        "PATCH",
        "/api/memberships/{membership_id}",
        MembershipAction.UPDATE_ROLE,
        Thing.MEMBERSHIP,
        {"role": "supervisor"},
        more={"target_role": OrgRole.WORKER, "new_role": OrgRole.SUPERVISOR},
    ),
    Case(
        "DELETE",
        "/api/memberships/{membership_id}",
        MembershipAction.DELETE,
        Thing.MEMBERSHIP,
        more={"target_role": OrgRole.WORKER},
    ),
    Case("GET", "/api/invitations", InvitationAction.LIST, Thing.CONTEXT),
    Case("GET", "/api/invitations/{key}", InvitationAction.VIEW, Thing.INVITATION),
    Case("DELETE", "/api/invitations/{key}", InvitationAction.DELETE, Thing.INVITATION),
    Case("POST", "/api/invitations/{key}/accept", InvitationAction.ACCEPT, Thing.INVITATION),
    Case("POST", "/api/invitations/{key}/decline", InvitationAction.DECLINE, Thing.INVITATION),
    Case("POST", "/api/invitations/{key}/resend", InvitationAction.RESEND, Thing.INVITATION),
    Case("GET", "/api/server/plugins", ServerAction.VIEW),
    Case("GET", "/api/server/share", ServerAction.LIST_SHARE),
    Case("GET", "/metrics", ServerAction.VIEW_METRICS),
]
#: In an organization only: without one the request is wrong before anybody's rights matter.
ONLY_IN_ORGANIZATION = [
    Case(
        "POST",
        "/api/invitations",
        InvitationAction.CREATE,
        Thing.CONTEXT,
        {"role": "worker", "email": "outsider@example.com"},
        more={"new_role": OrgRole.WORKER},
    ),
]


def _forwarded(route: ForwardedRoute) -> Iterator[Case]:
    things = {
        Target.JOB: (Thing.JOB, Thing.CROWD_JOB),
        Target.TASK: (_T,),
        Target.PROJECT: (_P,),
        Target.NONE: (Thing.CONTEXT,),
    }
    queries = ["?format=x"] if route.when is not None else [""]
    if callable(route.action):
        queries = ["?save_images=True", "?save_images=False"]
    for thing in things[route.target]:
        for query in queries:
            parameters = {"save_images": query.rpartition("=")[2]}
            action = route.action(parameters) if callable(route.action) else route.action
            path = route.path.replace("{id}", "f") if route.target is Target.NONE else route.path
            for method in route.methods:
                yield Case(method, path, action, thing, query=query)


FORWARDED = [case for route in ROUTES for case in _forwarded(route)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(postgres: installation.DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with AsyncExitStack() as stack:
        folder: Path = tmp_path_factory.mktemp("world")
        bench = await stack.enter_async_context(installation.test_bench(postgres, folder, ["api"]))
        api = Api(bench, stack)
        await ensure_admin(api.container.database, "admin", ADMIN_PASSWORD, "admin@example.com")
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(api: Api) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield await build_world(api, stack)


def test_every_route_has_an_action(api: Api) -> None:
    cases = {(case.method, case.route) for case in [*OWN, *ONLY_IN_ORGANIZATION]}
    routes = api.bench.installation.app("api").routes  # type: ignore[attr-defined]
    own = {
        (method, route.path)
        for route in routes
        if isinstance(route, APIRoute) and route.path.startswith(("/api/", "/metrics"))
        for method in route.methods
    }
    assert own == cases | PUBLIC | ONESELF
    others = {route.path for route in routes if isinstance(route, Route) and route.path.startswith("/api/")}
    assert others - {path for _, path in own} == {route.path for route in ROUTES} - {path for _, path in own}
    assert all(path.startswith(("/api/", "/internal/", "/health/")) or path == "/metrics" for _, path in _all(routes))


def _all(routes: Any) -> set[tuple[str, str]]:
    return {(method, route.path) for route in routes for method in route.methods or ("GET",)}


async def _ask(world: World, name: str, case: Case, place: str) -> int:
    thing_id = world.ids[place][case.thing]
    path = case.path("f" if case.thing is Thing.CONTEXT else thing_id)
    if case.query.endswith("_id="):
        path += str(thing_id)
    if case.thing is Thing.CONTEXT:
        path += str(thing_id) if "?" not in path else str(thing_id).replace("?", "&")
    body = {name: thing_id if value is ITS_ID else value for name, value in (case.body or {}).items()}
    client = world.clients[name]
    if name == NOBODY:
        client.cookies.clear()
    return (await client.request(case.method, path, json=body)).status_code


async def _mismatches(world: World, case: Case, place: str) -> list[str]:
    found = []
    for name in [NOBODY, *PEOPLE]:
        status = await _ask(world, name, case, place)
        facts = world.facts(name, place, case.thing, **case.more)
        is_allowed = decide(world.principal(name), case.action, facts)
        refused = {401} if name == NOBODY else {403, 404}
        failed = {401, 403} if case.route in NOT_THERE else {401, 403, 404, 405}
        if (is_allowed and (status in failed or status >= 500)) or (not is_allowed and status not in refused):
            found.append(f"{name} is {'allowed' if is_allowed else 'refused'} but got {status}")
    return found


_PLACES = ("organization", "sandbox")
_IN_PLACES = [
    pytest.param(case, place, id=f"{case.id} {case.thing} {place}")
    for case in [*OWN, *FORWARDED]
    for place in _PLACES
    if place == "organization" or case.thing not in PLACELESS | {Thing.ORGANIZATION, Thing.MEMBERSHIP, Thing.INVITATION}
]


@pytest.mark.parametrize(("case", "place"), _IN_PLACES)
async def test_everybody_is_answered_as_the_policies_say(world: World, case: Case, place: str) -> None:
    assert await _mismatches(world, case, place) == []


@pytest.mark.parametrize("case", ONLY_IN_ORGANIZATION, ids=lambda case: case.id)
async def test_the_same_where_only_organizations_have_it(world: World, case: Case) -> None:
    assert await _mismatches(world, case, "organization") == []


_LAB_THINGS = set(Thing) - PLACELESS - {Thing.INVITATION}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{case.id} {case.thing}")
        for case in [*OWN, *FORWARDED]
        if case.thing in _LAB_THINGS and not (case.thing is Thing.CONTEXT and case in FORWARDED)
    ],
)
async def test_a_foreign_organization_never_gets_anything(world: World, case: Case) -> None:
    assert await _ask(world, "foreign", case, "organization") in (403, 404)


@pytest.mark.parametrize("name", ["admin", NOBODY])
async def test_head_is_answered_as_get(world: World, name: str) -> None:
    other = {}
    for case in [*OWN, *FORWARDED]:
        if case.method == "GET":
            got, head = [await _ask(world, name, replace(case, method=method), "organization") for method in ("GET", "HEAD")]
            if head != got:
                other[case.id] = (got, head)
    assert other == {}


@pytest.mark.parametrize(("method", "path"), sorted(PUBLIC))
async def test_public_routes_ask_nobody_who_he_is(world: World, method: str, path: str) -> None:
    client = world.clients[NOBODY]
    client.cookies.clear()
    answer = await client.request(method, path, json={})
    assert answer.status_code not in (401, 403) and answer.status_code < 500


@pytest.mark.parametrize(("method", "path"), sorted(ONESELF))
async def test_routes_about_oneself_need_somebody(world: World, method: str, path: str) -> None:
    client = world.clients[NOBODY]
    client.cookies.clear()
    assert (await client.request(method, path, json={})).status_code == 401


async def test_internal_routes_know_no_people(api: Api, world: World) -> None:
    routes = api.bench.installation.app("api").routes  # type: ignore[attr-defined]
    paths = {(method, path) for method, path in _all(routes) if path.startswith("/internal/") and method != "HEAD"}
    admin = world.clients["admin"]
    refused = {}
    for method, path in sorted(paths - {("GET", "/internal/api/openapi.json")}):
        concrete = path.replace("{task_id}", "1").replace("{project_id}", "1").replace("{item_id}", "x")
        refused[method, path] = (await admin.request(method, concrete, json={})).status_code
    assert set(refused.values()) <= {401, 403}, refused
