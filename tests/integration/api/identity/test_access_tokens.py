"""Personal access tokens: what they may, how they end, whose they are."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from limner_common.clock import utc_now
from tests.integration.api.conftest import Api

TOKENS = "/api/auth/access_tokens"


async def make(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(TOKENS, json={"name": "mine", **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def bearer(token: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['value']}"}


async def test_value_is_shown_once(api: Api) -> None:
    client = await api.user("annie")
    token = await make(client)
    assert "value" not in (await client.get(f"{TOKENS}/{token['id']}")).json()
    assert "value" not in (await client.get(TOKENS)).json()["results"][0]


async def test_token_writes_without_csrf(api: Api) -> None:
    token = await make(await api.user("annie"))
    client = await api.anonymous()
    answer = await client.post("/api/organizations", json={"slug": "mine"}, headers=bearer(token))
    assert answer.status_code == 201


async def test_read_only_token_reads_and_does_not_write(api: Api) -> None:
    token = await make(await api.user("annie"), read_only=True)
    client = await api.anonymous()
    assert (await client.get("/api/users/self", headers=bearer(token))).status_code == 200
    refused = await client.post("/api/organizations", json={"slug": "mine"}, headers=bearer(token))
    assert refused.status_code == 403


async def test_expired_token_is_invalid(api: Api) -> None:
    token = await make(await api.user("annie"), expiry_date=(utc_now() + timedelta(days=1)).isoformat())
    async with api.container.database.begin() as uow:
        tokens = uow.table("access_tokens")
        await uow.execute(tokens.update().values(expires_at=utc_now() - timedelta(seconds=1)))
    answer = await (await api.anonymous()).get("/api/users/self", headers=bearer(token))
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


async def test_revoked_token_is_invalid(api: Api) -> None:
    client = await api.user("annie")
    token = await make(client)
    assert (await client.delete(f"{TOKENS}/{token['id']}")).status_code == 204
    answer = await (await api.anonymous()).get("/api/users/self", headers=bearer(token))
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


async def test_last_use_is_known_to_the_day(api: Api) -> None:
    client = await api.user("annie")
    token = await make(client)
    assert token["last_used_date"] is None
    async with api.container.database.begin() as uow:
        await uow.execute(uow.table("access_tokens").update().values(last_used_on=date(2020, 1, 2)))
    used = await (await api.anonymous()).get(f"{TOKENS}/self", headers=bearer(token))
    today = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00.000000Z")
    assert used.json()["last_used_date"] == today


async def test_self_is_not_found_without_a_token(api: Api) -> None:
    assert (await (await api.user("annie")).get(f"{TOKENS}/self")).status_code == 404


async def test_token_cannot_manage_tokens(api: Api) -> None:
    token = await make(await api.user("annie"))
    client = await api.anonymous()
    client.headers.update(bearer(token))
    path = f"{TOKENS}/{token['id']}"
    answers = [
        await client.post(TOKENS, json={"name": "another"}),
        await client.patch(path, json={"name": "x"}),
        await client.delete(path),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_others_tokens_are_not_found(api: Api) -> None:
    token = await make(await api.user("annie"))
    other = await api.user("willy")
    path = f"{TOKENS}/{token['id']}"
    answers = [await other.get(path), await other.patch(path, json={"name": "x"}), await other.delete(path)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert (await other.get(TOKENS)).json()["count"] == 0


async def test_tokens_of_a_user_are_bounded(api: Api) -> None:
    client = await api.user("annie")
    for _ in range(api.container.settings.access_tokens_per_user_max):
        await make(client)
    assert (await client.post(TOKENS, json={"name": "one too many"})).status_code == 400


async def test_token_is_changed(api: Api) -> None:
    client = await api.user("annie")
    token = await make(client, expiry_date="2100-01-01T00:00:00Z")
    changed = await client.patch(f"{TOKENS}/{token['id']}", json={"name": "new", "expiry_date": None})
    assert (changed.json()["name"], changed.json()["expiry_date"]) == ("new", None)
    assert changed.json()["updated_date"] > token["updated_date"]


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "x" * 51}, {"name": "x", "expiry_date": "2001-01-01T00:00:00Z"}],
    ids=["no name", "blank name", "long name", "past"],
)
async def test_what_makes_no_token(api: Api, body: dict[str, Any]) -> None:
    assert (await (await api.user("annie")).post(TOKENS, json=body)).status_code == 400


async def test_list_is_filtered_searched_and_sorted(api: Api) -> None:
    client = await api.user("annie")
    for name, read_only in (("alpha", True), ("beta", False), ("gamma", True)):
        await make(client, name=name, read_only=read_only)

    async def names(query: str) -> list[str]:
        return [token["name"] for token in (await client.get(f"{TOKENS}?{query}")).json()["results"]]

    assert await names("read_only=True&sort=name") == ["alpha", "gamma"]
    assert await names("search=ET") == ["beta"]
    assert await names('filter={"==":[{"var":"name"},"gamma"]}') == ["gamma"]
