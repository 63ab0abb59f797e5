"""The list of background requests."""

from typing import Any

import msgspec
import pytest

from limner_api.requests import service
from limner_common.requests import RequestDescription
from tests.integration.api.catalog.conftest import Catalog


async def add(catalog: Catalog, id_: str, type_: str, **values: Any) -> None:
    description = RequestDescription(
        **{"id": id_, "type": type_, "target": "task", "service": "media", "user_id": 1, "username": "admin", **values}
    )
    async with catalog.api.container.database.begin() as uow:
        await service.store_announced(uow, msgspec.json.encode(description))


async def ids(catalog: Catalog, query: str) -> list[str]:
    answer = await catalog.client.get(f"/api/requests?{query}")
    assert answer.status_code == 200, answer.text
    return [request["id"] for request in answer.json()["results"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["c", "b", "a"]),
        ("sort=created_date", ["a", "b", "c"]),
        ("action=export", ["b"]),
        ("subresource=dataset", ["c", "b"]),
        ("subresource=task", []),
        ("target=project", ["c"]),
        ("task_id=5&status=queued", ["a"]),
        ("format=COCO+1.0", ["b"]),
        ("job_id=3", []),
        ("org=", ["c", "b", "a"]),
        ('filter={"==":[{"var":"action"},"import"]}', ["c"]),
        ("page=2&page_size=2", ["a"]),
    ],
)
async def test_requests_are_found_by_what_they_are_about(catalog: Catalog, query: str, found: list[str]) -> None:
    other = await catalog.api.add_user("annie")
    await add(catalog, "a", "create:task", task_id=5)
    await add(catalog, "b", "export:dataset", task_id=6, format="COCO 1.0")
    await add(catalog, "c", "import:dataset", target="project", project_id=2)
    await add(catalog, "d", "create:task", user_id=other, username="annie")
    assert await ids(catalog, query) == found


async def test_an_organization_limits_the_list(catalog: Catalog) -> None:
    organization = (await catalog.client.post("/api/organizations", json={"slug": "lab"})).json()
    await add(catalog, "a", "create:task")
    await add(catalog, "b", "create:task", organization_id=organization["id"])
    assert await ids(catalog, "org=lab") == ["b"]
    assert await ids(catalog, f"org_id={organization['id']}") == ["b"]
    assert await ids(catalog, "org=") == ["a"]
    assert await ids(catalog, 'filter={"==":[{"var":"org"},"lab"]}') == ["b"]


async def test_wrong_questions(catalog: Catalog) -> None:
    answer = await catalog.client.get("/api/requests?status=sleeping")
    assert (answer.status_code, list(answer.json())) == (400, ["status"])
    assert (await catalog.client.get("/api/requests?org=nowhere")).status_code == 404
