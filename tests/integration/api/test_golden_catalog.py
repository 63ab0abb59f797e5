"""Recorded exchanges about projects, tasks, jobs and labels, sent again in their order on one database."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import sqlalchemy as sa

from limner_common.db import UnitOfWork
from tests.integration.api.conftest import ADMIN_PASSWORD, BASE_URL, USER_PASSWORD, Api
from tests.support import golden_catalog
from tests.support.golden_rest import Record, problems, read_records, unneeded
from tests.support.rest_differences import DIFFERENCES

_RANGES = ((36, 85), (87, 87), (92, 102), (191, 213), (286, 304), (306, 314), (317, 319), (362, 362), (414, 426))
#: Lists that held objects of other exchanges too, which are not sent again here.
_OTHER_COUNT = {"labels-no-filter", "tasks-personal"}

Preparation = Callable[[UnitOfWork, dict[str, Record]], Awaitable[None]]


async def _before_task_create(uow: UnitOfWork, _records: dict[str, Record]) -> None:
    await golden_catalog.set_next_id(uow, "tasks", 119)
    await golden_catalog.set_next_id(uow, "labels", 438)
    await golden_catalog.set_next_id(uow, "label_attributes", 245)


async def _before_jobs(uow: UnitOfWork, records: dict[str, Record]) -> None:
    tasks = uow.table("tasks")
    await uow.execute(sa.delete(tasks).where(tasks.c.id == 119))
    await golden_catalog.seed_job(uow, records["jobs-list"].answer["results"][0])


async def _before_label_patch(uow: UnitOfWork, _records: dict[str, Record]) -> None:
    await golden_catalog.seed_copy_of_first_task(uow, 130)


async def _before_project_create(uow: UnitOfWork, _records: dict[str, Record]) -> None:
    await golden_catalog.set_next_id(uow, "projects", 10)


async def _before_organizations(uow: UnitOfWork, records: dict[str, Record]) -> None:
    await uow.execute(sa.insert(uow.table("organizations")), [{"id": 1, "slug": "golden-a", "name": "A", "owner_id": 1}])
    roles = {1: "owner", 2: "maintainer", 3: "worker"}
    members = [{"organization_id": 1, "user_id": user, "role": role, "is_active": True} for user, role in roles.items()]
    await uow.execute(sa.insert(uow.table("memberships")), members)
    await golden_catalog.seed_task(uow, records["tasks-personal"].answer["results"][0])
    await uow.execute(sa.insert(uow.table("jobs")), [{"task_id": 131, "start_frame": 0, "stop_frame": 3, "frame_count": 4}])


async def _before_org_task(uow: UnitOfWork, records: dict[str, Record]) -> None:
    await golden_catalog.seed_job(uow, {**records["org-job-assign"].answer, "organization": 1})
    tasks = uow.table("tasks")
    await uow.execute(sa.update(tasks).where(tasks.c.id == 133).values(name="org task"))


BEFORE: dict[str, Preparation] = {
    "tasks-list": golden_catalog.seed,
    "task-create": _before_task_create,
    "jobs-list": _before_jobs,
    "label-patch": _before_label_patch,
    "project-create": _before_project_create,
    "tasks-org-unknown": _before_organizations,
    "org-task": _before_org_task,
}


async def test_the_catalog_answers_as_recorded(api: Api) -> None:
    records = {record.name: record for record in read_records(*_RANGES)}
    clients = await sign_in_everybody(api)
    found: list[str] = []
    for record in records.values():
        if record.name in BEFORE:
            async with api.container.database.begin() as uow:
                await BEFORE[record.name](uow, records)
        answer = await send(clients[record.who], record)
        body = answer.json() if answer.content else None
        wanted = without_count(record) if record.name in _OTHER_COUNT else record
        difference = DIFFERENCES.get(record.name)
        told = problems(wanted, difference, answer.status_code, body, BASE_URL)
        told += unneeded(wanted, difference, answer.status_code, body, BASE_URL)
        for problem in told:
            found.append(f"{record.number:03} {record.name}: {problem}")
    assert found == []


async def sign_in_everybody(api: Api) -> dict[str, httpx.AsyncClient]:
    await api.add_user("annie", first_name="Anna", last_name="Notator")
    await api.add_user("willy", first_name="Wil", last_name="Worker", groups=["worker"])
    await api.add_user("odile", first_name="Odile", last_name="Outsider")
    users = {name: await api.client(name, USER_PASSWORD) for name in ("annie", "willy", "odile")}
    return {"admin": await api.client("admin", ADMIN_PASSWORD), **users}


async def send(client: httpx.AsyncClient, record: Record) -> httpx.Response:
    client.cookies.clear()
    match record.body:
        case {"form_or_raw": str() as raw}:
            return await client.request(record.method, record.path, headers=record.headers, content=raw)
        case _:
            return await client.request(record.method, record.path, headers=record.headers, json=record.body)


def without_count(record: Record) -> Record:
    answer: Any = {name: value for name, value in record.answer.items() if name != "count"}
    return Record(**{**{name: getattr(record, name) for name in Record.__dataclass_fields__}, "answer": answer})
