"""Recorded exchanges about identity and organizations, sent again in their order on one database."""

import httpx

from tests.integration.api.conftest import ADMIN_PASSWORD, BASE_URL, USER_PASSWORD, Api
from tests.support.golden_rest import Record, problems, read_records, unneeded
from tests.support.rest_differences import DIFFERENCES

#: Records that belong to other features or need media.
NOT_HERE = {"accept-xml", "accept-json", "tasks-org-outsider"}


async def test_identity_and_organizations_answer_as_recorded(api: Api) -> None:
    found: list[str] = []
    clients = {"nobody": await api.anonymous()}
    keys: dict[str, str] = {}
    for record in read_records((1, 35), (388, 416), (505, 511), (514, 514)):
        if record.name in NOT_HERE:
            continue
        if record.who not in clients:
            password = ADMIN_PASSWORD if record.who == "admin" else USER_PASSWORD
            clients[record.who] = await api.client(record.who, password)
        answer = await send(clients[record.who], record, keys)
        body = answer.json() if answer.content else None
        difference = DIFFERENCES.get(record.name)
        told = problems(record, difference, answer.status_code, body, BASE_URL)
        told += unneeded(record, difference, answer.status_code, body, BASE_URL)
        for problem in told:
            found.append(f"{record.number:03} {record.name}: {problem}")
        if isinstance(body, dict) and isinstance(record.answer, dict) and "organization_info" in body:
            keys[record.answer["key"]] = body["key"]
    assert not found, "\n".join(found)


async def send(client: httpx.AsyncClient, record: Record, keys: dict[str, str]) -> httpx.Response:
    path = record.path
    for recorded, ours in keys.items():
        path = path.replace(recorded, ours)
    client.cookies.clear()
    return await client.request(record.method, path, headers=record.headers, json=record.body)
