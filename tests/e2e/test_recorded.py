"""Recorded exchanges about other services, sent again to the whole product."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.golden_rest import problems, read_records, unneeded
from tests.support.product import ADMIN, Product
from tests.support.replay import Replay
from tests.support.rest_differences import DIFFERENCES

pytestmark = pytest.mark.e2e

#: The recorded task that had no data yet.
TASK = 119


def test_services_behind_the_gateway_answer_as_recorded(product: Product) -> None:
    found: list[str] = []
    with httpx.Client(base_url=product.url, auth=ADMIN, timeout=120) as client:
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


@pytest.fixture(scope="module")
def replay(product: Product) -> Iterator[Replay]:
    with Replay(product.url) as replay:
        yield replay


def test_media_are_answered_as_recorded(replay: Replay) -> None:
    replay.make_tasks(1, 3, 4, 5, 6, 21, 37)
    replay.make_empty("tasks", *range(119, 131))
    replay.make_empty("projects", 1)
    replay.change("tasks/1", "/data/meta", {"deleted_frames": [5]})
    replay.change("tasks/37", "", {"project_id": int(replay.ids["projects/1"])})
    records = read_records((103, 190), (305, 305), (512, 513))
    assert [problem for record in records for problem in replay.check(record, DIFFERENCES.get(record.name))] == []


def test_exports_and_imports_are_answered_as_recorded(replay: Replay) -> None:
    replay.make_tasks(17, 19, 21, 131)
    replay.make_empty("projects", 10)
    records = read_records((315, 315), (320, 361))
    assert [problem for record in records for problem in replay.check(record, DIFFERENCES.get(record.name))] == []
