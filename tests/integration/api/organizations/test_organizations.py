"""Organizations, memberships and invitations: who may what, and what follows."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from limner_common.clock import utc_now
from tests.integration.api.conftest import Api
from tests.support.queries import counted_statements


class Ours:
    """An organization ``ours`` with one member of each role."""

    def __init__(self, organization_id: int, people: dict[str, httpx.AsyncClient], memberships: dict[str, int]) -> None:
        self.id = organization_id
        self.people = people
        self.memberships = memberships


ROLES = ("owner", "maintainer", "supervisor", "worker")


async def make_ours(api: Api) -> Ours:
    people = {role: await api.user(role) for role in ROLES}
    people["outsider"] = await api.user("outsider")
    people["admin"] = await api.admin()
    made = await people["owner"].post("/api/organizations", json={"slug": "ours", "description": "d"})
    assert made.status_code == 201
    for role in ROLES[1:]:
        body = {"role": role, "email": f"{role}@example.com"}
        invited = await people["owner"].post("/api/invitations", json=body, headers={"X-Organization": "ours"})
        assert invited.status_code == 201, invited.text
    listed = (await people["owner"].get("/api/memberships?org=ours")).json()["results"]
    return Ours(made.json()["id"], people, {entry["user"]["username"]: entry["id"] for entry in listed})


async def statuses(ours: Ours, method: str, path: str, **body: Any) -> dict[str, int]:
    return {who: (await c.request(method, path, json=body or None)).status_code for who, c in ours.people.items()}


async def test_members_see_the_organization_and_others_do_not_learn_of_it(api: Api) -> None:
    ours = await make_ours(api)
    expected = {**dict.fromkeys(ROLES, 200), "outsider": 404, "admin": 200}
    assert await statuses(ours, "GET", f"/api/organizations/{ours.id}") == expected
    counts = {w: (await c.get("/api/organizations")).json()["count"] for w, c in ours.people.items()}
    assert counts == {**dict.fromkeys(ROLES, 1), "outsider": 0, "admin": 1}


async def test_maintainers_change_it(api: Api) -> None:
    ours = await make_ours(api)
    changed = await statuses(ours, "PATCH", f"/api/organizations/{ours.id}", name="New")
    assert changed == {
        "owner": 200,
        "maintainer": 200,
        "supervisor": 403,
        "worker": 403,
        "outsider": 404,
        "admin": 200,
    }


async def test_only_its_owner_deletes_it_with_all_that_is_in_it(api: Api) -> None:
    ours = await make_ours(api)
    database = api.container.database
    async with database.begin() as uow:
        projects = sa.insert(uow.table("projects")).values(name="p", organization_id=ours.id)
        await uow.execute(projects)
    path = f"/api/organizations/{ours.id}"
    refused = {w: (await c.delete(path)).status_code for w, c in ours.people.items() if w not in ("owner", "admin")}
    assert refused == {"maintainer": 403, "supervisor": 403, "worker": 403, "outsider": 404}
    assert (await ours.people["owner"].delete(path)).status_code == 204
    async with database.read() as connection:
        left = [
            await connection.scalar(sa.select(sa.func.count()).select_from(database.table(name)))
            for name in ("organizations", "memberships", "invitations", "projects")
        ]
    assert left == [0, 0, 0, 0]


async def test_worker_group_makes_no_organization(api: Api) -> None:
    client = await api.user("willy", groups=["worker"])
    assert (await client.post("/api/organizations", json={"slug": "mine"})).status_code == 403


class TestContext:
    @pytest.mark.parametrize("name", ["org=ours", "org_id={id}", "X-Organization"])
    async def test_three_ways_to_name_it(self, api: Api, name: str) -> None:
        ours = await make_ours(api)
        headers = {"X-Organization": "ours"} if name == "X-Organization" else {}
        query = "" if headers else name.format(id=ours.id)
        answer = await ours.people["worker"].get(f"/api/users?{query}", headers=headers)
        assert sorted(user["username"] for user in answer.json()["results"]) == sorted(ROLES)

    async def test_outsider_is_refused_and_administrator_not(self, api: Api) -> None:
        ours = await make_ours(api)
        assert await statuses(ours, "GET", "/api/users?org=ours") == {
            **dict.fromkeys(ROLES, 200),
            "outsider": 403,
            "admin": 200,
        }

    async def test_unknown_is_not_found(self, api: Api) -> None:
        admin = await api.admin()
        answer = await admin.get("/api/users?org=nowhere")
        assert (answer.status_code, answer.json()) == (404, {"detail": "nowhere organization does not exist."})
        assert (await admin.get("/api/users?org=nul%00")).status_code == 400
        assert (await admin.get("/api/users?org_id=77")).status_code == 404

    async def test_own_organization_costs_no_statement(self, api: Api) -> None:
        ours = await make_ours(api)
        worker = ours.people["worker"]
        with counted_statements(api.container.database) as without:
            await worker.get("/api/memberships")
        with counted_statements(api.container.database) as named:
            await worker.get("/api/memberships?org=ours")
        assert len(named) == len(without)

    async def test_member_that_is_not_active_is_no_member(self, api: Api) -> None:
        ours = await make_ours(api)
        async with api.container.database.begin() as uow:
            memberships = uow.table("memberships")
            await uow.execute(
                memberships.update().where(memberships.c.id == ours.memberships["worker"]).values(is_active=False)
            )
        assert (await ours.people["worker"].get("/api/users?org=ours")).status_code == 403
        assert (await ours.people["worker"].get(f"/api/organizations/{ours.id}")).status_code == 404


class TestMemberships:
    @pytest.mark.parametrize(
        ("who", "target", "role", "status"),
        [
            ("owner", "maintainer", "worker", 200),
            ("owner", "worker", "owner", 403),
            ("maintainer", "worker", "supervisor", 200),
            ("maintainer", "worker", "maintainer", 403),
            ("maintainer", "owner", "worker", 403),
            ("supervisor", "worker", "supervisor", 403),
            ("worker", "worker", "owner", 403),
            ("outsider", "worker", "supervisor", 403),
            ("admin", "owner", "worker", 400),
            ("owner", "worker", "king", 400),
        ],
    )
    async def test_role_is_changed_by(self, api: Api, who: str, target: str, role: str, status: int) -> None:
        ours = await make_ours(api)
        path = f"/api/memberships/{ours.memberships[target]}"
        answer = await ours.people[who].patch(path, json={"role": role})
        assert answer.status_code == status
        if status == 200:
            assert answer.json()["role"] == role

    @pytest.mark.parametrize(
        ("who", "target", "status"),
        [
            ("owner", "maintainer", 204),
            ("owner", "owner", 403),
            ("maintainer", "supervisor", 204),
            ("maintainer", "owner", 403),
            ("supervisor", "worker", 403),
            ("worker", "worker", 204),
            ("outsider", "worker", 403),
            ("admin", "owner", 400),
        ],
    )
    async def test_member_is_removed_by(self, api: Api, who: str, target: str, status: int) -> None:
        ours = await make_ours(api)
        answer = await ours.people[who].delete(f"/api/memberships/{ours.memberships[target]}")
        assert answer.status_code == status

    async def test_list_shows_own_ones_or_all_of_an_organization(self, api: Api) -> None:
        ours = await make_ours(api)
        worker = ours.people["worker"]
        assert (await worker.get("/api/memberships")).json()["count"] == 1
        assert (await worker.get("/api/memberships?org=ours")).json()["count"] == 4
        found = (await worker.get("/api/memberships?org=ours&role=owner&search=OWN")).json()
        assert [entry["user"]["username"] for entry in found["results"]] == ["owner"]

    async def test_list_takes_as_many_statements_for_many_as_for_few(self, api: Api) -> None:
        ours = await make_ours(api)
        with counted_statements(api.container.database) as few:
            await ours.people["owner"].get("/api/memberships?org=ours&page_size=1")
        with counted_statements(api.container.database) as many:
            await ours.people["owner"].get("/api/memberships?org=ours&page_size=4")
        assert len(many) == len(few) == 2


class TestInvitations:
    @pytest.mark.parametrize(
        ("who", "role", "status"),
        [
            ("owner", "maintainer", 201),
            ("owner", "owner", 403),
            ("maintainer", "supervisor", 201),
            ("maintainer", "maintainer", 403),
            ("supervisor", "worker", 403),
            ("outsider", "worker", 403),
            ("admin", "owner", 400),
        ],
    )
    async def test_is_sent_by(self, api: Api, who: str, role: str, status: int) -> None:
        ours = await make_ours(api)
        await api.add_user("newcomer")
        body = {"role": role, "email": "NEWCOMER@example.com"}
        assert (await ours.people[who].post("/api/invitations?org=ours", json=body)).status_code == status

    async def test_member_is_not_invited_again(self, api: Api) -> None:
        ours = await make_ours(api)
        body = {"role": "worker", "email": "supervisor@example.com"}
        assert (await ours.people["owner"].post("/api/invitations?org=ours", json=body)).status_code == 400

    async def test_with_consent_the_invitee_accepts_or_declines(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        ours, (first, second) = await make_ours(api), [await api.user("first"), await api.user("second")]
        changed = api.container.settings.model_copy(update={"has_invitation_consent": True})
        monkeypatch.setattr(api.container, "settings", changed)
        keys = []
        for name in ("first", "second"):
            body = {"role": "worker", "email": f"{name}@example.com"}
            made = (await ours.people["owner"].post("/api/invitations?org=ours", json=body)).json()
            assert (made["accepted"], made["expired"]) == (False, False)
            keys.append(made["key"])
        assert (await first.get(f"/api/organizations/{ours.id}")).status_code == 404
        assert (await second.post(f"/api/invitations/{keys[0]}/accept")).status_code == 403
        accepted = await first.post(f"/api/invitations/{keys[0]}/accept")
        assert (accepted.status_code, accepted.json()) == (200, {"organization_slug": "ours"})
        assert (await first.get(f"/api/organizations/{ours.id}")).status_code == 200
        assert (await second.post(f"/api/invitations/{keys[1]}/decline")).status_code == 204
        assert (await second.get(f"/api/invitations/{keys[1]}")).status_code == 404

    async def test_expired_one_is_accepted_only_after_it_was_renewed(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ours, newcomer = await make_ours(api), await api.user("newcomer")
        changed = api.container.settings.model_copy(update={"has_invitation_consent": True})
        monkeypatch.setattr(api.container, "settings", changed)
        body = {"role": "worker", "email": "newcomer@example.com"}
        key = (await ours.people["owner"].post("/api/invitations?org=ours", json=body)).json()["key"]
        async with api.container.database.begin() as uow:
            invitations = uow.table("invitations")
            long_ago = utc_now() - timedelta(days=30)
            await uow.execute(invitations.update().where(invitations.c.key == key).values(sent_at=long_ago))
        assert (await newcomer.get(f"/api/invitations/{key}")).json()["expired"] is True
        assert (await newcomer.post(f"/api/invitations/{key}/accept")).status_code == 400
        assert (await ours.people["owner"].post(f"/api/invitations/{key}/resend")).status_code == 204
        assert (await newcomer.post(f"/api/invitations/{key}/accept")).status_code == 200

    async def test_withdrawing_an_open_one_lets_invite_again(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        ours = await make_ours(api)
        await api.add_user("newcomer")
        changed = api.container.settings.model_copy(update={"has_invitation_consent": True})
        monkeypatch.setattr(api.container, "settings", changed)
        owner, body = ours.people["owner"], {"role": "worker", "email": "newcomer@example.com"}
        for _ in range(2):
            made = await owner.post("/api/invitations?org=ours", json=body)
            assert made.status_code == 201
            assert (await owner.delete(f"/api/invitations/{made.json()['key']}")).status_code == 204

    async def test_list_shows_them_to_whom_they_concern(self, api: Api) -> None:
        ours = await make_ours(api)
        counts = {w: (await c.get("/api/invitations")).json()["count"] for w, c in ours.people.items()}
        expected = {"owner": 3, "maintainer": 1, "supervisor": 1, "worker": 1, "outsider": 0, "admin": 3}
        assert counts == expected
        in_ours = (await ours.people["maintainer"].get("/api/invitations?org=ours&accepted=true")).json()
        assert in_ours["count"] == 3
