"""``limner admin users``: accounts, by command line."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from limner_allinone.admin.bootstrap import first_administrator
from limner_api.requests import live
from limner_common.settings import ServiceSettings
from tests.integration.allinone.conftest import Done, Limner
from tests.support import installation as support
from tests.support.http_server import served
from tests.support.installation import DatabaseServer
from tests.support.product import ADMIN

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def installation(
    postgres: DatabaseServer, tmp_path: Path, limner: Limner, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[str, Limner]]:
    """A served ``api`` with an administrator: its address, and ``limner admin`` on its database."""
    async with support.test_bench(postgres, tmp_path, ("api",)) as bench:
        settings: ServiceSettings = bench.container("api").resources.settings
        monkeypatch.setenv("LIMNER_ADMIN_PASSWORD", ADMIN[1])
        await first_administrator(settings, lambda _line: None)
        url = settings.database_url.get_secret_value()

        async def admin(*arguments: object, stdin: str = "") -> Done:
            monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
            return await limner("admin", *arguments, LIMNER_DATABASE_URL=url)

        async with served(bench.installation.app("api")) as address:
            yield address, admin


async def _sign_in(address: str, name: str, password: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=address, timeout=60) as web:
        return await web.post("/api/auth/login", json={"username": name, "password": password})


async def _self(address: str, **headers: str) -> int:
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as web:
        return (await web.get("/api/users/self")).status_code


async def test_an_account_is_made_and_signs_in(installation: tuple[str, Limner]) -> None:
    address, admin = installation
    done = await admin("users", "create", "ann", "--email", "ann@example.org", "--json", stdin="blue-kettle-7\n")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert (made["username"], made["role"], made["is_active"]) == ("ann", "user", True)
    assert "password" not in made
    assert (await _sign_in(address, "ann", "blue-kettle-7")).status_code == 200


async def test_a_password_is_made_up_when_asked_for(installation: tuple[str, Limner]) -> None:
    address, admin = installation
    made = json.loads((await admin("users", "create", "bob", "--role", "worker", "--generate", "--json")).stdout)
    assert made["role"] == "worker"
    assert (await _sign_in(address, "bob", made["password"])).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "password", "message"),
    [
        (["users", "create", "admin"], "blue-kettle-7", "username: A user with that username already exists."),
        (["users", "create", "a b"], "blue-kettle-7", "username: Enter a valid username."),
        (["users", "create", "eve", "--email", "nowhere"], "blue-kettle-7", "email: Enter a valid email address."),
        (["users", "create", "eve"], "short", "This password is too short."),
        (["users", "create", "eve"], "", "Write the password to standard input, one line; or say --generate."),
        (["users", "set-password", "nobody"], "blue-kettle-7", "There is no user 'nobody'."),
        (["users", "set-role", "nobody", "user"], "", "There is no user 'nobody'."),
        (["users", "disable", "admin", "--yes"], "", "This is the last administrator; make another one first."),
        (["users", "set-role", "admin", "worker"], "", "This is the last administrator; make another one first."),
        (["users", "disable", "admin"], "", "Nobody can be asked here: say --yes."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
async def test_what_cannot_be_is_refused(
    installation: tuple[str, Limner], arguments: list[str], password: str, message: str
) -> None:
    _, admin = installation
    done = await admin(*arguments, stdin=password)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("limner: ") and message in done.stderr and "Traceback" not in done.stderr
    (only,) = json.loads((await admin("users", "list", "--json")).stdout)
    assert (only["username"], only["role"], only["is_active"]) == ("admin", "admin", True)


async def test_disabling_ends_sessions_tokens_and_streams_at_once(
    installation: tuple[str, Limner], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, admin = installation
    for looks in ("_LOOK_SECONDS", "_LOOK_DEAF_SECONDS"):
        monkeypatch.setattr(live, looks, 600.0)  # streams end because they are called, not because they look
    await admin("users", "create", "ann", stdin="blue-kettle-7")
    key = (await _sign_in(address, "ann", "blue-kettle-7")).json()["key"]
    login = f"Token {key}"
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": login}, timeout=30) as web:
        made = (await web.post("/api/auth/access_tokens", json={"name": "script"})).json()
        bearer = f"Bearer {made['value']}"
        assert [await _self(address, Authorization=proof) for proof in (login, bearer)] == [200, 200]
        async with web.stream("GET", "/api/live") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "retry: 2000"
            done = await admin("users", "disable", "ann", "--yes")
            assert (done.returncode, done.stdout) == (0, "ann is disabled; 1 sessions and 1 tokens ended.\n")
            rest = await asyncio.wait_for(_drain(lines), 60)
            assert [line for line in rest if line] == []
    assert [await _self(address, Authorization=proof) for proof in (login, bearer)] == [401, 401]
    assert (await _sign_in(address, "ann", "blue-kettle-7")).status_code == 400

    assert (await admin("users", "enable", "ann")).returncode == 0
    assert [await _self(address, Authorization=proof) for proof in (login, bearer)] == [401, 401]
    assert (await _sign_in(address, "ann", "blue-kettle-7")).status_code == 200


async def _drain(lines: AsyncIterator[str]) -> list[str]:
    return [line async for line in lines]


async def test_a_new_password_ends_sessions(installation: tuple[str, Limner]) -> None:
    address, admin = installation
    await admin("users", "create", "ann", stdin="blue-kettle-7")
    key = (await _sign_in(address, "ann", "blue-kettle-7")).json()["key"]
    assert (await admin("users", "set-password", "ann", stdin="red-kettle-8")).returncode == 0
    assert await _self(address, Authorization=f"Token {key}") == 401
    assert (await _sign_in(address, "ann", "blue-kettle-7")).status_code == 400
    assert (await _sign_in(address, "ann", "red-kettle-8")).status_code == 200


async def test_roles_decide_what_people_may_do(installation: tuple[str, Limner]) -> None:
    address, admin = installation
    await admin("users", "create", "ann", stdin="blue-kettle-7")
    token = (await _sign_in(address, "ann", "blue-kettle-7")).json()["key"]
    headers = {"Authorization": f"Token {token}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as web:

        async def create() -> int:
            return (await web.post("/api/projects", json={"name": "p"})).status_code

        assert await create() == 201
        assert (await admin("users", "set-role", "ann", "worker")).returncode == 0
        assert await create() == 403
        assert (await web.get("/api/users")).json()["count"] == 1
        assert json.loads((await admin("users", "set-role", "ann", "admin", "--json")).stdout)["role"] == "admin"
        assert (await web.get("/api/users")).json()["count"] == 2
    assert (await admin("users", "disable", "admin", "--yes")).returncode == 0, "there is another administrator now"


async def test_lists_are_tables_for_people(installation: tuple[str, Limner]) -> None:
    _, admin = installation
    await admin("users", "create", "ann", "--role", "worker", stdin="blue-kettle-7")
    await admin("users", "disable", "ann", "--yes")
    table = (await admin("users", "list")).stdout.splitlines()
    assert table[0].split() == ["ID", "USERNAME", "EMAIL", "ROLE", "IS", "ACTIVE", "CREATED", "AT", "LAST", "LOGIN", "AT"]
    assert [line.split()[1] for line in table[1:]] == ["admin", "ann"]
    assert "ann" not in (await admin("users", "list", "--active")).stdout
    assert "admin" not in (await admin("users", "list", "--disabled")).stdout
    assert (await admin("users", "list", "--role", "business")).stdout == "There are no such accounts.\n"
