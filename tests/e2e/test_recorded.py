"""Recorded exchanges about other services, sent again to the whole product."""

import httpx
import pytest

from tests.support.golden_rest import problems, read_records, unneeded
from tests.support.product import ADMIN, Product
from tests.support.rest_differences import DIFFERENCES

pytestmark = pytest.mark.e2e

#: The recorded task that had no data yet.
TASK = 119


def test_services_behind_the_gateway_answer_as_recorded(product: Product) -> None:
    found: list[str] = []
    with httpx.Client(base_url=product.url, auth=ADMIN, timeout=30) as client:
        task_id = client.post("/api/tasks", json={"name": "new", "labels": [{"name": "a"}]}).json()["id"]
        for record in read_records((86, 91), (501, 503)):
            path = record.path.replace(f"/tasks/{TASK}/", f"/tasks/{task_id}/")
            if record.name == "task-new-status":
                continue  # with the catalog
            answer = client.request(record.method, path, headers=record.headers, json=record.body)
            body = answer.json() if answer.content else None
            difference = DIFFERENCES.get(record.name)
            told = problems(record, difference, answer.status_code, body, product.url)
            told += unneeded(record, difference, answer.status_code, body, product.url)
            found += [f"{record.number:03} {record.name}: {problem}" for problem in told]
    assert found == []
