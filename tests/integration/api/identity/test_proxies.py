"""What the service believes of the proxy before it."""

import pytest

from limner_api.settings import ApiSettings
from tests.integration.api.conftest import ADMIN_PASSWORD, Api

FORWARDED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "label.example",
    "X-Forwarded-For": "10.0.0.1, 203.0.113.7",
}
LOGIN = {"username": "admin", "password": ADMIN_PASSWORD}


def change(api: Api, monkeypatch: pytest.MonkeyPatch, **settings: object) -> None:
    monkeypatch.setattr(api.container, "settings", api.container.settings.model_copy(update=settings))


async def test_headers_of_nobodys_proxy_are_passed_over(api: Api) -> None:
    client = await api.admin()
    assert (await client.get("/api/users/self", headers=FORWARDED)).json()["url"].startswith("http://testserver/")


async def test_headers_of_our_proxy_are_believed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    change(api, monkeypatch, is_behind_proxy=True)
    client = await api.admin()
    answer = await client.get("/api/users/self", headers=FORWARDED)
    assert answer.json()["url"].startswith("https://label.example/")
    begun = await (await api.anonymous()).post("/api/auth/login", json=LOGIN, headers=FORWARDED)
    assert all("; Secure; " in cookie for cookie in begun.headers.get_list("set-cookie"))


async def test_public_address_goes_before_all(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.container, "settings", ApiSettings(is_behind_proxy=True, public_url="https://public.example/"))
    client = await api.client("admin", ADMIN_PASSWORD, Origin="https://public.example")
    assert (await client.get("/api/users/self", headers=FORWARDED)).json()["url"].startswith("https://public.example/api")


async def test_below_a_path_addresses_have_it_and_origins_do_not(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.container, "settings", ApiSettings(public_url="https://public.example/label"))
    client = await api.client("admin", ADMIN_PASSWORD, Origin="https://public.example")
    made = await client.post("/api/tasks", json={"name": "a", "labels": []})
    assert made.status_code == 201, made.text
    assert made.json()["url"] == f"https://public.example/label/api/tasks/{made.json()['id']}"
    listed = (await client.get("/api/tasks?page_size=1&page=1")).json()
    assert listed["results"][0]["url"] == made.json()["url"]
    foreign = await client.post("/api/tasks", json={"name": "b"}, headers={"Origin": "https://other.example"})
    assert foreign.status_code == 403
    begun = await (await api.anonymous()).post("/api/auth/login", json=LOGIN)
    assert all("; Path=/label; " in cookie for cookie in begun.headers.get_list("set-cookie"))


async def test_wrong_passwords_count_by_the_address_the_proxy_saw(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    change(api, monkeypatch, is_behind_proxy=True)
    client = await api.anonymous()
    for number in range(api.container.settings.login_failures_max):
        # What the client claims comes first, what the proxy saw comes last.
        headers = {"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.7"}
        await client.post("/api/auth/login", json={**LOGIN, "password": "nope"}, headers=headers)
    refused = await client.post("/api/auth/login", json=LOGIN, headers={"X-Forwarded-For": "203.0.113.7"})
    assert refused.status_code == 429
    elsewhere = await client.post("/api/auth/login", json=LOGIN, headers={"X-Forwarded-For": "203.0.113.8"})
    assert elsewhere.status_code == 200


async def test_expired_sessions_of_others_are_cleared_away(api: Api) -> None:
    await api.client("admin", ADMIN_PASSWORD)
    database = api.container.database
    sessions = database.table("sessions")
    async with database.begin() as uow:
        await uow.execute(sessions.update().values(expires_at=sessions.c.created_at))
    await api.user("annie")
    async with database.read() as connection:
        assert len((await connection.execute(sessions.select())).all()) == 1
