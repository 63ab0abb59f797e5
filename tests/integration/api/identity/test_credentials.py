"""Every kind of credential, valid and not."""

import base64
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from limner_common.clock import utc_now
from tests.integration.api.conftest import ADMIN_PASSWORD, Api, sdk_cookies
from tests.support.queries import counted_statements

NO_CREDENTIALS = {"detail": "Authentication credentials were not provided."}


def basic(username: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


async def login(client: httpx.AsyncClient, **body: str) -> httpx.Response:
    return await client.post("/api/auth/login", json=body)


async def test_login_sets_both_cookies_so_that_existing_clients_can_parse_them(api: Api) -> None:
    answer = await login(await api.anonymous(), username="admin", password=ADMIN_PASSWORD)
    assert answer.status_code == 200
    assert len(answer.json()["key"]) == 40
    assert set(sdk_cookies(answer)) == {"csrftoken", "sessionid"}
    first, second = answer.headers.get_list("set-cookie")
    assert first.startswith("csrftoken=") and first.endswith("; Path=/; SameSite=Lax")
    assert second.startswith("sessionid=") and "; HttpOnly; " in second and second.endswith("; Path=/; SameSite=Lax")
    assert "Secure" not in first + second


async def test_cookies_are_secure_over_https(api: Api) -> None:
    client = await api.anonymous()
    answer = await client.post("https://testserver/api/auth/login", json={"username": "admin", "password": ADMIN_PASSWORD})
    assert all("; Secure; " in cookie for cookie in answer.headers.get_list("set-cookie"))
    assert set(sdk_cookies(answer)) == {"csrftoken", "sessionid"}


async def test_login_by_address_ignores_its_case(api: Api) -> None:
    answer = await login(await api.anonymous(), email="Admin@Example.com", password=ADMIN_PASSWORD)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body", [{"username": "admin", "password": "nope"}, {"username": "who", "password": "nope"}], ids=["password", "user"]
)
async def test_wrong_credentials_look_the_same(api: Api, body: dict[str, str]) -> None:
    answer = await login(await api.anonymous(), **body)
    assert (answer.status_code, answer.json()) == (
        400,
        {"non_field_errors": ["Unable to log in with provided credentials."]},
    )


async def test_too_many_wrong_passwords_make_a_pause_for_that_account_only(api: Api) -> None:
    await api.add_user("willy")
    client = await api.anonymous()
    for _ in range(api.container.settings.login_failures_max):
        assert (await login(client, username="admin", password="nope")).status_code == 400
    refused = await login(client, username="admin", password=ADMIN_PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert (await login(client, username="willy", password="Golden-user-1")).status_code == 200


async def test_session_cookie_signs_in(api: Api) -> None:
    answer = await (await api.admin()).get("/api/users/self")
    assert (answer.status_code, answer.json()["username"]) == (200, "admin")


async def test_unknown_session_is_the_same_as_none(api: Api) -> None:
    client = await api.anonymous()
    answer = await client.get("/api/users/self", headers={"Cookie": "sessionid=made-up"})
    assert (answer.status_code, answer.json()) == (401, NO_CREDENTIALS)


async def test_expired_session_does_not_sign_in(api: Api) -> None:
    client = await api.admin()
    async with api.container.database.begin() as uow:
        sessions = uow.table("sessions")
        await uow.execute(sessions.update().values(expires_at=utc_now() - timedelta(seconds=1)))
    assert (await client.get("/api/users/self")).status_code == 401


async def test_login_key_signs_in_without_csrf(api: Api) -> None:
    client = await api.anonymous()
    key = (await login(client, username="admin", password=ADMIN_PASSWORD)).json()["key"]
    client.cookies.clear()
    headers = {"Authorization": f"Token {key}"}
    assert (await client.get("/api/users/self", headers=headers)).status_code == 200
    assert (await client.post("/api/auth/password/change", json={}, headers=headers)).status_code == 400


async def test_unknown_token_is_named_invalid(api: Api) -> None:
    client = await api.anonymous()
    for scheme in ("Token", "Bearer"):
        answer = await client.get("/api/users/self", headers={"Authorization": f"{scheme} {'0' * 40}"})
        assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


async def test_basic_signs_in(api: Api) -> None:
    client = await api.anonymous()
    assert (await client.get("/api/users/self", headers=basic("admin", ADMIN_PASSWORD))).status_code == 200
    wrong = await client.get("/api/users/self", headers=basic("admin", "nope"))
    assert (wrong.status_code, wrong.json()) == (401, {"detail": "Invalid username/password."})


async def test_changed_password_ends_basic_at_once(api: Api) -> None:
    client, anonymous = await api.user("annie"), await api.anonymous()
    headers = basic("annie", "Golden-user-1")
    assert (await anonymous.get("/api/users/self", headers=headers)).status_code == 200
    change = {"old_password": "Golden-user-1", "new_password1": "Golden-user-2", "new_password2": "Golden-user-2"}
    assert (await client.post("/api/auth/password/change", json=change)).status_code == 200
    assert (await anonymous.get("/api/users/self", headers=headers)).status_code == 401


async def test_account_that_is_not_active_cannot_do_anything(api: Api) -> None:
    client = await api.user("annie")
    async with api.container.database.begin() as uow:
        users = uow.table("users")
        await uow.execute(users.update().where(users.c.username == "annie").values(is_active=False))
    answer = await client.get("/api/users/self")
    assert (answer.status_code, answer.json()) == (401, {"detail": "User inactive or deleted."})
    again = await login(await api.anonymous(), username="annie", password="Golden-user-1")
    assert again.status_code == 400


async def test_authentication_is_one_statement(api: Api) -> None:
    client = await api.admin()
    with counted_statements(api.container.database) as statements:
        assert (await client.get("/api/users/self")).status_code == 200
    assert len(statements) == 1


async def test_secrets_are_stored_as_digests_only(api: Api) -> None:
    client = await api.anonymous()
    answer = await login(client, username="admin", password=ADMIN_PASSWORD)
    secrets = [answer.json()["key"], *sdk_cookies(answer).values(), ADMIN_PASSWORD]
    async with api.container.database.read() as connection:
        rows = (await connection.execute(sa.text("SELECT s::text || u::text FROM api.sessions s, api.users u"))).scalars()
        text = "".join(rows)
    assert not any(secret in text or secret.encode().hex() in text for secret in secrets)


class TestCSRF:
    CHANGE = "/api/auth/password/change"

    async def test_unsafe_method_needs_the_header(self, api: Api) -> None:
        client = await api.admin()
        del client.headers["X-CSRFToken"]
        answer = await client.post(self.CHANGE, json={})
        assert answer.status_code == 403
        assert answer.json()["detail"].startswith("CSRF Failed")

    async def test_safe_method_does_not(self, api: Api) -> None:
        client = await api.admin()
        del client.headers["X-CSRFToken"]
        assert (await client.get("/api/users/self")).status_code == 200

    async def test_planted_pair_of_cookie_and_header_is_refused(self, api: Api) -> None:
        client = await api.admin()
        session = dict(pair.split("=", 1) for pair in client.headers["Cookie"].split("; "))["sessionid"]
        client.headers.update({"Cookie": f"csrftoken=mine; sessionid={session}", "X-CSRFToken": "mine"})
        assert (await client.post(self.CHANGE, json={})).status_code == 403

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Origin": "https://testserver"}, 400),
            ({"Origin": "", "Referer": "https://testserver/tasks"}, 400),
            ({"Origin": "https://elsewhere.example"}, 403),
            ({"Origin": ""}, 403),
        ],
        ids=["own", "referer", "foreign", "none"],
    )
    async def test_https_needs_an_origin_of_ours(self, api: Api, headers: dict[str, str], status: int) -> None:
        client = await api.admin()
        assert (await client.post(f"https://testserver{self.CHANGE}", json={}, headers=headers)).status_code == status
