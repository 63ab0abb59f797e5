"""The API's description is true: committed as it is answered, and answers are as it says."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import BaseModel

from limner_allinone.composition import SERVICE_NAMES
from limner_api.identity.bootstrap import ensure_admin
from limner_api.server import answers
from limner_api.server.answers import ANSWERS, PageRead
from tests.support import installation
from tests.support.installation import DatabaseServer
from tests.support.pictures import write_pictures

ROOT = Path(__file__).parents[2]
ADMIN = ("admin", "correct-horse-battery")
LABELS: list[dict[str, Any]] = [
    {
        "name": "car",
        "attributes": [
            {"name": "color", "mutable": True, "input_type": "select", "default_value": "red", "values": ["red", "blue"]}
        ],
    },
    {
        "name": "body",
        "type": "skeleton",
        "attributes": [],
        "sublabels": [{"name": "head", "type": "points", "attributes": []}],
        "svg": '<circle r="1.5" cx="50" cy="20" data-type="element node" data-element-id="1" data-node-id="1" '
        'data-label-name="head"></circle>',
    },
]


def test_the_committed_document_is_the_one_that_is_answered(tmp_path: Path) -> None:
    live = tmp_path / "openapi.json"
    subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "tools" / "write_openapi.py"), str(live)], check=True, cwd=tmp_path
    )
    committed = ROOT / "web" / "openapi.json"
    assert json.loads(committed.read_bytes()) == json.loads(live.read_bytes()), "run: make openapi"


def test_every_described_answer_is_one_of_a_route() -> None:
    paths = json.loads((ROOT / "web" / "openapi.json").read_bytes())["paths"]
    assert [f"{method} {path}" for method, path in ANSWERS if method not in paths.get(path, {})] == []


def model(method: str, path: str) -> tuple[int, type[BaseModel]]:
    return ANSWERS[method, path]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def web(postgres: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of all services, signed in, with a project and two tasks, one of them with data."""
    folder = tmp_path_factory.mktemp("contract")
    async with AsyncExitStack() as stack:
        bench = await stack.enter_async_context(installation.test_bench(postgres, folder, SERVICE_NAMES))
        await ensure_admin(bench.container("api").database, *ADMIN, "admin@example.com")
        bench.installation.start_event_loops()
        bench.installation.start_workers()
        client = await stack.enter_async_context(bench.client("api"))
        client.auth = httpx.BasicAuth(*ADMIN)
        project = (await client.post("/api/projects", json={"name": "p", "labels": LABELS})).json()
        body = {"name": "empty", "project_id": project["id"], "subset": "Train"}
        assert (await client.post("/api/tasks", json=body)).status_code == 201
        task = (await client.post("/api/tasks", json={"name": "full", "labels": LABELS})).json()
        (picture,) = write_pictures(folder / "pictures", 1)
        sent = await client.post(
            f"/api/tasks/{task['id']}/data",
            data={"image_quality": "70"},
            files={"client_files[0]": (picture.name, picture.read_bytes(), "image/png")},
        )
        assert sent.status_code == 202, sent.text
        async with asyncio.timeout(60):
            while (found := (await client.get(f"/api/requests/{sent.json()['rq_id']}")).json())["status"] != "finished":
                assert found["status"] in ("queued", "started"), found
                await asyncio.sleep(0.1)
        yield client


def read_strictly(answer: httpx.Response, kind: type[BaseModel], status: int) -> Any:
    """The answer as its model, with neither a field more nor a value of another type."""
    assert answer.status_code == status, answer.text
    return kind.model_validate_json(answer.content, strict=True, extra="forbid")


def filled(value: BaseModel, *, but: frozenset[str] = frozenset()) -> None:
    """Every field is there, also those that may be left out."""
    assert set(type(value).model_fields) - value.model_fields_set <= but


async def test_login_and_oneself(web: httpx.AsyncClient) -> None:
    login = await web.post("/api/auth/login", json={"username": ADMIN[0], "password": ADMIN[1]}, auth=None)
    status, kind = model("post", "/api/auth/login")
    filled(read_strictly(login, kind, status))
    web.cookies.clear()
    status, kind = model("get", "/api/users/self")
    me = read_strictly(await web.get("/api/users/self"), kind, status)
    filled(me)
    assert (me.username, me.is_superuser) == ("admin", True)


LISTS = sorted(path for method, path in ANSWERS if method == "get" and issubclass(ANSWERS[method, path][1], PageRead))


@pytest.mark.parametrize("path", LISTS)
async def test_lists_and_what_they_list(web: httpx.AsyncClient, path: str) -> None:
    status, kind = model("get", path)
    page = read_strictly(await web.get(path), kind, status)
    filled(page)
    assert page.count == len(page.results) > 0
    detail = next(other for method, other in ANSWERS if method == "get" and other.startswith(f"{path}/{{"))
    status, kind = model("get", detail)
    for listed in page.results:
        one = read_strictly(await web.get(f"{path}/{listed.id}"), kind, status)
        assert one.id == listed.id and one.model_fields_set == listed.model_fields_set


async def test_what_is_made_and_changed(web: httpx.AsyncClient) -> None:
    for path in ("/api/projects", "/api/tasks"):
        status, kind = model("post", path)
        made = read_strictly(await web.post(path, json={"name": "new", "labels": LABELS}), kind, status)
        changing = next(other for method, other in ANSWERS if method == "patch" and other.startswith(path))
        status, kind = model("patch", changing)
        changed = read_strictly(await web.patch(f"{path}/{made.id}", json={"name": "renamed"}), kind, status)
        assert changed.name == "renamed"
        assert (await web.delete(f"{path}/{made.id}")).status_code == 204
    (job,) = (await web.get("/api/jobs")).json()["results"]
    status, kind = model("patch", "/api/jobs/{job_id}")
    changed = read_strictly(await web.patch(f"/api/jobs/{job['id']}", json={"stage": "validation"}), kind, status)
    assert changed.stage == "validation"


async def test_fields_that_may_be_missing_are_there_once_there_are_data(web: httpx.AsyncClient) -> None:
    tasks = {task["name"]: task for task in (await web.get("/api/tasks")).json()["results"]}
    full = answers.TaskRead.model_validate(tasks["full"])
    filled(full)
    optional = {name for name, field in answers.TaskRead.model_fields.items() if not field.is_required()}
    assert optional & set(tasks["empty"]) == set()
    labels = (await web.get(f"/api/labels?task_id={full.id}")).json()["results"]
    for label in labels:
        missing = {"project_id"} if label["type"] == "skeleton" else {"project_id", "svg"}
        filled(answers.LabelRead.model_validate(label), but=frozenset(missing))
