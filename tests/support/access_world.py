"""A world with every kind of person in it, and one object of every kind in an organization and in a personal workspace."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx
import msgspec

from limner_api.access.principals import ANONYMOUS, ObjectFacts, OrgRole, Principal, Privilege, Relation
from limner_api.requests.service import store_announced
from limner_common.db import Database, UnitOfWork
from limner_common.requests import RequestDescription
from tests.integration.api.catalog.conftest import Catalog, created
from tests.integration.api.conftest import Api

#: Privilege and role in the organization of everybody.
PEOPLE: dict[str, tuple[Privilege, OrgRole | None]] = {
    "admin": (Privilege.ADMIN, None),
    "boss": (Privilege.USER, OrgRole.OWNER),
    "maintainer": (Privilege.USER, OrgRole.MAINTAINER),
    "supervisor": (Privilege.USER, OrgRole.SUPERVISOR),
    "worker": (Privilege.WORKER, OrgRole.WORKER),
    "newcomer": (Privilege.USER, OrgRole.WORKER),
    "owner": (Privilege.USER, OrgRole.WORKER),
    "assignee": (Privilege.WORKER, OrgRole.WORKER),
    "crowd": (Privilege.WORKER, None),
    "foreign": (Privilege.USER, None),
    "outsider": (Privilege.USER, None),
}
NOBODY = "nobody"


class Thing(StrEnum):
    """What a route is about."""

    NOTHING = "nothing"
    CONTEXT = "context"
    PROJECT = "project"
    TASK = "task"
    JOB = "job"
    CROWD_JOB = "crowd_job"
    PROJECT_LABEL = "project_label"
    ORGANIZATION = "organization"
    MEMBERSHIP = "membership"
    INVITATION = "invitation"
    USER = "user"
    TOKEN = "token"
    REQUEST = "request"


_PROJECT = {"owner": {Relation.PROJECT_OWNER}}
_TASK = {"owner": {Relation.PROJECT_OWNER, Relation.TASK_OWNER}, "assignee": {Relation.TASK_ASSIGNEE}}
_JOB = {**_TASK, "assignee": {Relation.TASK_ASSIGNEE, Relation.JOB_ASSIGNEE}}
#: How people stand to the things.
RELATIONS: dict[Thing, dict[str, set[Relation]]] = {
    Thing.PROJECT: _PROJECT,
    Thing.PROJECT_LABEL: _PROJECT,
    Thing.TASK: _TASK,
    Thing.JOB: _JOB,
    Thing.CROWD_JOB: {**_TASK, "crowd": {Relation.JOB_ASSIGNEE}},
    Thing.MEMBERSHIP: {"worker": {Relation.SELF}},
    Thing.INVITATION: {"maintainer": {Relation.INVITER}, "newcomer": {Relation.INVITEE}},
    Thing.USER: {
        **{name: {Relation.FELLOW_MEMBER} for name, (_, role) in PEOPLE.items() if role is not None},
        "worker": {Relation.SELF},
    },
    Thing.TOKEN: {"owner": {Relation.OWNER}},
    Thing.REQUEST: {"owner": {Relation.OWNER}},
}
#: Things that lie in no place.
PLACELESS = {Thing.NOTHING, Thing.USER, Thing.TOKEN, Thing.REQUEST}


@dataclass
class World:
    """Clients of everybody, and the ids of the things by place: "organization" or "sandbox"."""

    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    user_ids: dict[str, int] = field(default_factory=dict)
    organization_id: int = 0
    ids: dict[str, dict[Thing, object]] = field(default_factory=dict)

    def principal(self, name: str) -> Principal:
        if name == NOBODY:
            return ANONYMOUS
        return Principal(self.user_ids[name], name, PEOPLE[name][0])

    def facts(self, name: str, place: str, thing: Thing, **more: Any) -> ObjectFacts:
        """Return what the policies are to look at when somebody asks for a thing in a place."""
        relations = frozenset(RELATIONS.get(thing, {}).get(name, set()))
        if thing in PLACELESS or place == "sandbox":
            return ObjectFacts(relations=relations, **more)
        role = None if name == NOBODY else PEOPLE[name][1]
        return ObjectFacts(self.organization_id, role, relations, **more)


class Answering:
    """Stands in for another service: answers everything with success."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"paths": {}}'})


async def build_world(api: Api, stack: AsyncExitStack) -> World:
    """Make everybody and everything; from then on no request changes the database."""
    world = World()
    for name, (privilege, _) in PEOPLE.items():
        if name == "admin":
            world.user_ids[name], world.clients[name] = 1, await api.admin()
        else:
            world.user_ids[name] = await api.add_user(name, groups=[privilege.name.lower()])
            world.clients[name] = await api.client(name)
    world.clients[NOBODY] = await api.anonymous()
    await _organize(world)
    for place, query in (("organization", "?org=lab"), ("sandbox", "?org=")):
        world.ids[place] = await _fill(world, api, query)
    token = await created(world.clients["owner"], "/api/auth/access_tokens", {"name": "t"})
    await _announce(api.container.database, world.user_ids["owner"])
    for things in world.ids.values():
        things |= {
            Thing.NOTHING: 0,
            Thing.TOKEN: token["id"],
            Thing.REQUEST: "import-1",
            Thing.USER: world.user_ids["worker"],
        }
    for service in ("media", "annotations", "exports", "inference", "analytics"):
        api.container.resources.upstreams._apps[service] = Answering()
    stack.enter_context(_Undoing(api.container.database))
    return world


async def _organize(world: World) -> None:
    boss = world.clients["boss"]
    world.organization_id = (await created(boss, "/api/organizations", {"slug": "lab"}))["id"]
    await created(world.clients["foreign"], "/api/organizations", {"slug": "other"})
    for name, (_, role) in PEOPLE.items():
        if role not in (None, OrgRole.OWNER) and name != "newcomer":
            await created(boss, "/api/invitations?org=lab", {"role": role.label, "email": f"{name}@example.com"})


async def _fill(world: World, api: Api, query: str) -> dict[Thing, object]:
    catalog = Catalog(api, world.clients["admin"])
    ids = world.user_ids
    project = await created(
        catalog.client, f"/api/projects{query}", {"name": "p", "owner_id": ids["owner"], "labels": [{"name": "cat"}]}
    )
    people = {"owner_id": ids["owner"], "assignee_id": ids["assignee"]}
    task, jobs = await catalog.task_with_data(project_id=project["id"], segment_size=5, **people)
    for job, name in zip(jobs, ("assignee", "crowd"), strict=True):
        await catalog.client.patch(f"/api/jobs/{job}", json={"assignee": ids[name]})
    labels = await catalog.labels(project_id=project["id"])
    things: dict[Thing, object] = {
        Thing.PROJECT: project["id"],
        Thing.TASK: task["id"],
        Thing.JOB: jobs[0],
        Thing.CROWD_JOB: jobs[1],
        Thing.PROJECT_LABEL: labels["cat"]["id"],
        Thing.CONTEXT: query,
    }
    if query == "?org=lab":
        things |= await _membership_things(world)
    return things


async def _membership_things(world: World) -> dict[Thing, object]:
    maintainer = world.clients["maintainer"]
    invitation = await created(maintainer, "/api/invitations?org=lab", {"role": "worker", "email": "newcomer@example.com"})
    members = (await maintainer.get("/api/memberships?org=lab&page_size=all")).json()["results"]
    membership_id = next(member["id"] for member in members if member["user"]["username"] == "worker")
    return {
        Thing.ORGANIZATION: world.organization_id,
        Thing.INVITATION: invitation["key"],
        Thing.MEMBERSHIP: membership_id,
    }


async def _announce(database: Database, user_id: int) -> None:
    request = RequestDescription(
        id="import-1", type="import:dataset", target="task", service="exports", user_id=user_id, username="owner"
    )
    async with database.begin() as uow:
        await store_announced(uow, msgspec.json.encode(request))


class _Undoing:
    """Lets units of work end in a rollback, so that one world serves all requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> None:
        @asynccontextmanager
        async def begin(**_options: Any) -> AsyncIterator[UnitOfWork]:
            async with self._database.engine.connect() as connection:
                transaction = await connection.begin()
                try:
                    uow = UnitOfWork(connection, self._database.metadata, self._database.signals)
                    yield uow
                    await uow.flush()
                finally:
                    await transaction.rollback()

        self._database.begin = begin  # type: ignore[method-assign]

    def __exit__(self, *_exc: object) -> None:
        del self._database.begin  # type: ignore[method-assign]
