"""Registering, changing and resetting passwords, and managing accounts."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from limner_api.identity.service import create_password_reset
from limner_common.clock import utc_now
from tests.integration.api.conftest import USER_PASSWORD, Api, sdk_cookies
from tests.support.queries import counted_statements

NEW = "Another-secret-2"


def registration(**changes: Any) -> dict[str, Any]:
    return {"username": "annie", "password1": USER_PASSWORD, "password2": USER_PASSWORD, **changes}


class TestRegistration:
    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"password2": "Other-user-1"}, "non_field_errors"),
            ({"password1": "annie-maria", "password2": "annie-maria", "username": "Annie-Maria"}, "password1"),
            ({"password1": "12345678901", "password2": "12345678901"}, "password1"),
            ({"password1": "P" * 257, "password2": "P" * 257}, "password1"),
            ({"email": "no address"}, "email"),
            ({"email": "ADMIN@example.com"}, "email"),
            ({"username": "two words"}, "username"),
            ({"username": "nul\x00nul"}, "username"),
        ],
        ids=["mismatch", "like the name", "digits", "long", "no address", "address taken", "space", "nul"],
    )
    async def test_is_refused(self, api: Api, changes: dict[str, Any], field: str) -> None:
        answer = await (await api.anonymous()).post("/api/auth/register", json=registration(**changes))
        assert answer.status_code == 400
        assert field in answer.json()

    async def test_key_signs_in(self, api: Api) -> None:
        client = await api.anonymous()
        key = (await client.post("/api/auth/register", json=registration())).json()["key"]
        answer = await client.get("/api/users/self", headers={"Authorization": f"Token {key}"})
        assert answer.json()["username"] == "annie"

    async def test_can_be_switched_off(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        changed = api.container.settings.model_copy(update={"is_registration_enabled": False})
        monkeypatch.setattr(api.container, "settings", changed)
        answer = await (await api.anonymous()).post("/api/auth/register", json=registration())
        assert answer.status_code == 403


class TestPasswordChange:
    async def test_ends_all_other_sessions(self, api: Api) -> None:
        here, elsewhere = await api.user("annie"), await api.client("annie")
        body = {"old_password": USER_PASSWORD, "new_password1": NEW, "new_password2": NEW}
        assert (await here.post("/api/auth/password/change", json=body)).status_code == 200
        assert (await here.get("/api/users/self")).status_code == 200
        assert (await elsewhere.get("/api/users/self")).status_code == 401
        await api.client("annie", NEW)


class TestPasswordReset:
    async def test_answers_the_same_for_known_and_unknown_addresses(self, api: Api) -> None:
        client = await api.anonymous()
        answers = [
            await client.post("/api/auth/password/reset", json={"email": email})
            for email in ("admin@example.com", "nobody@example.com")
        ]
        assert answers[0].json() == answers[1].json()
        assert [answer.status_code for answer in answers] == [200, 200]

    async def test_token_works_once_and_ends_sessions(self, api: Api) -> None:
        client = await api.user("annie")
        body = await self.reset_body(api, client)
        anonymous = await api.anonymous()
        assert (await anonymous.post("/api/auth/password/reset/confirm", json=body)).status_code == 200
        assert (await client.get("/api/users/self")).status_code == 401
        again = await anonymous.post("/api/auth/password/reset/confirm", json=body)
        assert (again.status_code, again.json()) == (400, {"token": ["Invalid value"]})
        await api.client("annie", NEW)

    async def test_refused_password_leaves_the_token(self, api: Api) -> None:
        client = await api.user("annie")
        body = await self.reset_body(api, client)
        anonymous = await api.anonymous()
        weak = {**body, "new_password1": "12345678", "new_password2": "12345678"}
        assert (await anonymous.post("/api/auth/password/reset/confirm", json=weak)).status_code == 400
        assert (await anonymous.post("/api/auth/password/reset/confirm", json=body)).status_code == 200

    async def test_expired_token_is_refused(self, api: Api) -> None:
        body = await self.reset_body(api, await api.user("annie"))
        async with api.container.database.begin() as uow:
            resets = uow.table("password_resets")
            await uow.execute(resets.update().values(expires_at=utc_now() - timedelta(seconds=1)))
        answer = await (await api.anonymous()).post("/api/auth/password/reset/confirm", json=body)
        assert answer.status_code == 400

    async def reset_body(self, api: Api, client: httpx.AsyncClient) -> dict[str, str]:
        user_id = (await client.get("/api/users/self")).json()["id"]
        async with api.container.database.begin() as uow:
            token = await create_password_reset(uow, api.container.settings, user_id)
        return {"uid": str(user_id), "token": token, "new_password1": NEW, "new_password2": NEW}


class TestSessions:
    async def test_logout_ends_the_session_and_its_key(self, api: Api) -> None:
        await api.add_user("annie")
        client = await api.anonymous()
        begun = await client.post("/api/auth/login", json={"username": "annie", "password": USER_PASSWORD})
        cookies = sdk_cookies(begun)
        client.cookies.clear()
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "X-CSRFToken": cookies["csrftoken"],
            "Content-Type": "application/json",
        }
        ended = await client.post("/api/auth/logout", headers=headers)
        assert ended.status_code == 200
        assert set(sdk_cookies(ended).values()) == {""}
        token = {"Authorization": f"Token {begun.json()['key']}"}
        client.cookies.clear()
        assert (await client.get("/api/users/self", headers=token)).status_code == 401
        assert (await client.get("/api/users/self", headers=headers)).status_code == 401

    async def test_logout_of_nobody_is_fine(self, api: Api) -> None:
        assert (await (await api.anonymous()).post("/api/auth/logout")).status_code == 200

    async def test_second_half_of_a_session_renews_it_with_the_same_tokens(self, api: Api) -> None:
        client = await api.user("annie")
        assert "set-cookie" not in (await client.get("/api/users/self")).headers
        almost_over = utc_now() + timedelta(seconds=60)
        async with api.container.database.begin() as uow:
            await uow.execute(uow.table("sessions").update().values(expires_at=almost_over))
        renewed = sdk_cookies(await client.get("/api/users/self"))
        assert "; ".join(f"{name}={value}" for name, value in renewed.items()) == client.headers["Cookie"]
        async with api.container.database.read() as connection:
            sessions = api.container.database.table("sessions")
            assert await connection.scalar(sessions.select().with_only_columns(sessions.c.expires_at)) > almost_over

    async def test_sessions_of_a_user_are_bounded(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        changed = api.container.settings.model_copy(update={"sessions_per_user_max": 2})
        monkeypatch.setattr(api.container, "settings", changed)
        await api.add_user("annie")
        clients = [await api.client("annie") for _ in range(3)]
        assert [(await client.get("/api/users/self")).status_code for client in clients] == [401, 200, 200]


class TestUsers:
    async def test_fellow_member_is_seen_in_basic_form(self, api: Api) -> None:
        owner, annie = await api.user("owner"), await api.user("annie")
        await owner.post("/api/organizations", json={"slug": "ours"})
        user_id = (await annie.get("/api/users/self")).json()["id"]
        assert (await owner.get(f"/api/users/{user_id}")).status_code == 403
        invited = await owner.post("/api/invitations?org=ours", json={"role": "worker", "email": "annie@example.com"})
        assert invited.status_code == 201
        seen = (await owner.get(f"/api/users/{user_id}")).json()
        assert set(seen) == {"url", "id", "username", "first_name", "last_name"}

    async def test_own_account_is_seen_in_full(self, api: Api) -> None:
        annie = await api.user("annie")
        own = (await annie.get("/api/users/self")).json()
        assert (await annie.get(f"/api/users/{own['id']}")).json() == own

    async def test_others_accounts_cannot_be_changed_or_deleted(self, api: Api) -> None:
        annie, other = await api.user("annie"), await api.add_user("willy")
        assert (await annie.patch(f"/api/users/{other}", json={"first_name": "X"})).status_code == 403
        assert (await annie.delete(f"/api/users/{other}")).status_code == 403

    async def test_administrator_changes_everything(self, api: Api) -> None:
        admin, user_id = await api.admin(), await api.add_user("annie")
        changes = {"email": "new@example.com", "groups": ["worker"], "is_active": False, "username": "anna"}
        changed = (await admin.patch(f"/api/users/{user_id}", json=changes)).json()
        assert {name: changed[name] for name in changes} == changes

    async def test_taken_names_and_addresses_are_refused(self, api: Api) -> None:
        admin, user_id = await api.admin(), await api.add_user("annie")
        answer = await admin.patch(f"/api/users/{user_id}", json={"username": "admin", "email": "Admin@example.com"})
        assert (answer.status_code, set(answer.json())) == (400, {"username", "email"})

    async def test_account_is_deleted_with_its_sessions(self, api: Api) -> None:
        annie = await api.user("annie")
        user_id = (await annie.get("/api/users/self")).json()["id"]
        assert (await annie.delete(f"/api/users/{user_id}")).status_code == 204
        assert (await annie.get("/api/users/self")).status_code == 401

    async def test_owner_of_an_organization_is_not_deleted(self, api: Api) -> None:
        annie = await api.user("annie")
        await annie.post("/api/organizations", json={"slug": "ours"})
        user_id = (await annie.get("/api/users/self")).json()["id"]
        answer = await annie.delete(f"/api/users/{user_id}")
        assert answer.status_code == 400
        assert "ours" in answer.json()[0]

    async def test_last_administrator_stays(self, api: Api) -> None:
        admin = await api.admin()
        user_id = (await admin.get("/api/users/self")).json()["id"]
        assert (await admin.patch(f"/api/users/{user_id}", json={"is_superuser": False})).status_code == 400
        assert (await admin.delete(f"/api/users/{user_id}")).status_code == 400
        assert (await admin.get("/api/users/self")).json()["is_superuser"]

    async def test_list_takes_as_many_statements_for_many_as_for_few(self, api: Api) -> None:
        admin = await api.admin()
        with counted_statements(api.container.database) as few:
            assert (await admin.get("/api/users?page_size=100")).json()["count"] == 1
        for number in range(12):
            await api.add_user(f"user-{number}")
        with counted_statements(api.container.database) as many:
            assert (await admin.get("/api/users?page_size=100")).json()["count"] == 13
        assert len(many) == len(few) <= 3

    @pytest.mark.parametrize("path", ["abc", "0", "-1", "99999999999999999999"])
    async def test_what_is_no_id_is_not_found(self, api: Api, path: str) -> None:
        assert (await (await api.admin()).get(f"/api/users/{path}")).status_code == 404
