"""The real client, unmodified, against the service behind a socket."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

import pytest
from cvat_sdk import make_client, models
from cvat_sdk.core.client import AccessTokenCredentials, Client, Config

from tests.integration.api.conftest import ADMIN_PASSWORD, Api
from tests.support.http_server import served

T = TypeVar("T")


async def run_with_client(api: Api, work: Callable[[Client], T], credentials: tuple[str, str] | AccessTokenCredentials) -> T:
    async with served(api.bench.installation.app("api")) as address:

        def blocking() -> T:
            with Client(address, config=Config(allow_unsupported_server=False)) as client:
                client.login(credentials)
                return work(client)

        return await asyncio.to_thread(blocking)


async def test_make_client_logs_in_without_a_warning(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    async with served(api.bench.installation.app("api")) as address:

        def blocking() -> str:
            with make_client(address, credentials=("admin", ADMIN_PASSWORD)) as client:
                username: str = client.users.retrieve_current_user().username
                client.logout()
                return username

        with caplog.at_level(logging.WARNING):
            assert await asyncio.to_thread(blocking) == "admin"
    assert [record.message for record in caplog.records] == []


async def test_organizations_are_made_changed_listed_and_deleted(api: Api) -> None:
    await api.add_user("annie")

    def work(client: Client) -> list[str]:
        made = client.organizations.create(models.OrganizationWriteRequest(slug="first", contact={"email": "a@b.c"}))
        assert made.name == "first"
        made.update(models.PatchedOrganizationWriteRequest(description="changed"))
        assert client.organizations.retrieve(made.id).description == "changed"
        client.organization_slug = "first"
        invitation, _ = client.api_client.invitations_api.create(
            models.InvitationWriteRequest(role=models.RoleEnum("supervisor"), email="annie@example.com")
        )
        assert invitation.accepted
        members, _ = client.api_client.memberships_api.list()
        assert {m.user.username: str(m.role) for m in members.results} == {"admin": "owner", "annie": "supervisor"}
        assert [user.username for user in client.users.list()] == ["annie", "admin"]
        client.organization_slug = None
        slugs = [organization.slug for organization in client.organizations.list()]
        made.remove()
        assert client.organizations.list() == []
        return slugs

    assert await run_with_client(api, work, ("admin", ADMIN_PASSWORD)) == ["first"]


async def test_access_token_signs_in(api: Api) -> None:
    await api.add_user("annie")

    def make(client: Client) -> str:
        token, _ = client.api_client.auth_api.create_access_tokens(
            models.AccessTokenWriteRequest(name="mine", read_only=True)
        )
        listed, _ = client.api_client.auth_api.list_access_tokens()
        assert [entry.name for entry in listed.results] == ["mine"]
        value: str = token.value
        return value

    def use(client: Client) -> tuple[str, str, bool]:
        token, _ = client.api_client.auth_api.retrieve_access_tokens_self()
        return client.users.retrieve_current_user().username, token.name, token.last_used_date is not None

    value = await run_with_client(api, make, ("annie", "Golden-user-1"))
    assert await run_with_client(api, use, AccessTokenCredentials(value)) == ("annie", "mine", True)


async def test_low_level_credentials_sign_in(api: Api) -> None:
    from cvat_sdk.api_client import ApiClient, Configuration

    async with served(api.bench.installation.app("api")) as address:

        def basic() -> str:
            with ApiClient(Configuration(address, username="admin", password=ADMIN_PASSWORD)) as client:
                username: str = client.users_api.retrieve_self()[0].username
                return username

        assert await asyncio.to_thread(basic) == "admin"


async def test_registered_person_reads_his_own_account(api: Api) -> None:
    async with served(api.bench.installation.app("api")) as address:

        def blocking() -> tuple[str, list[str]]:
            with Client(address) as client:
                made, _ = client.api_client.auth_api.create_register(
                    models.RegisterSerializerExRequest(
                        username="odile", password1="Golden-user-1", password2="Golden-user-1", email="o@example.com"
                    )
                )
                assert len(made.key) == 40
                client.login(("odile", "Golden-user-1"))
                user = client.users.retrieve_current_user()
                return user.email, list(user.groups)

        assert await asyncio.to_thread(blocking) == ("o@example.com", ["user"])
