"""The api service on a database of its own, and clients of people who are signed in."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from limner_api.container import ApiContainer
from limner_api.identity.bootstrap import ensure_admin
from limner_api.users.service import create_account
from tests.support.installation import DatabaseServer, TestBench, database_server, test_bench

ADMIN_PASSWORD = "Golden-admin-1"
USER_PASSWORD = "Golden-user-1"
BASE_URL = "http://testserver"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[DatabaseServer]:
    async with database_server(["api"]) as server:
        yield server


class Api:
    """The service with people in it: ``admin`` and whoever a test adds."""

    def __init__(self, bench: TestBench, stack: AsyncExitStack) -> None:
        self.bench = bench
        self.container: ApiContainer = bench.container("api")
        self._stack = stack

    async def anonymous(self) -> httpx.AsyncClient:
        return await self._stack.enter_async_context(self.bench.client("api"))

    async def client(self, username: str, password: str = USER_PASSWORD, **headers: str) -> httpx.AsyncClient:
        """Return a client that is logged in, as the SDK does it: cookies, CSRF header and origin on every request."""
        client = await self.anonymous()
        answer = await client.post("/api/auth/login", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        cookies = sdk_cookies(answer)
        client.cookies.clear()
        client.headers.update(
            {
                "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
                "X-CSRFToken": cookies["csrftoken"],
                "Origin": BASE_URL,
                **headers,
            }
        )
        return client

    async def admin(self) -> httpx.AsyncClient:
        return await self.client("admin", ADMIN_PASSWORD)

    async def add_user(self, username: str, **values: Any) -> int:
        """Make an account and return its id; his groups are ``user`` unless given."""
        password_hash = await self.container.passwords.hash(USER_PASSWORD)
        columns = {"username": username, "email": f"{username}@example.com", "password_hash": password_hash, **values}
        groups = columns.pop("groups", None)
        async with self.container.database.begin() as uow:
            account = await create_account(uow, columns)
            if groups is not None:
                users = uow.table("users")
                await uow.execute(users.update().where(users.c.id == account.id).values(groups=list(groups)))
        return account.id

    async def user(self, username: str, **values: Any) -> httpx.AsyncClient:
        """Make an account and return a client of it."""
        await self.add_user(username, **values)
        return await self.client(username)


def sdk_cookies(answer: httpx.Response) -> dict[str, str]:
    """Return an answer's cookies as existing clients parse them: all headers joined, then ``SimpleCookie``."""
    cookies = SimpleCookie()
    cookies.load(", ".join(answer.headers.get_list("set-cookie")))
    return {name: morsel.value for name, morsel in cookies.items()}


@pytest_asyncio.fixture(loop_scope="session")
async def api(postgres: DatabaseServer, tmp_path: Path) -> AsyncIterator[Api]:
    async with AsyncExitStack() as stack:
        bench = await stack.enter_async_context(test_bench(postgres, tmp_path, ["api"]))
        api = Api(bench, stack)
        await ensure_admin(api.container.database, "admin", ADMIN_PASSWORD, "admin@example.com")
        yield api
