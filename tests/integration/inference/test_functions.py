"""Functions that are registered are listed to those who may see them."""

import sqlalchemy as sa

from limner_common.grants import Grant
from limner_inference.functions.tables import functions
from tests.support.installation import TestBench


async def test_functions_are_listed_by_organization(bench: TestBench) -> None:
    values = [
        {"id": "everyones", "kind": "detector", "name": "b", "labels": [{"name": "car", "type": "any", "attributes": []}]},
        {"id": "ours", "kind": "interactor", "name": "a", "organization_id": 3, "options": {"min_pos_points": 1}},
        {"id": "theirs", "kind": "tracker", "name": "c", "organization_id": 4},
    ]
    async with bench.container("inference").database.begin() as uow:
        for value in values:
            await uow.execute(sa.insert(functions).values(value))
    inside = Grant(issuer="api", action="lambda:list", user_id=1, organization_id=3)
    async with bench.client("inference", inside) as client:
        listed = (await client.get("/api/lambda/functions")).json()
        one = (await client.get("/api/lambda/functions/ours")).json()
        hidden = await client.get("/api/lambda/functions/theirs")
    assert [entry["id"] for entry in listed] == ["ours", "everyones"]
    assert listed[1]["labels_v2"][0]["name"] == "car"
    assert (one["kind"], one["min_pos_points"]) == ("interactor", 1)
    assert hidden.status_code == 404
    outside = Grant(issuer="api", action="lambda:list", user_id=1)
    async with bench.client("inference", outside) as client:
        assert [entry["id"] for entry in (await client.get("/api/lambda/functions")).json()] == ["everyones"]
