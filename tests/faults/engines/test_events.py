"""Consumers die or get what they cannot read. Each effect happens once, and the partition goes on."""

import httpx
import pytest

from tests.faults.engines import facts
from tests.faults.engines.conftest import new_task, start_data
from tests.faults.engines.ledger import Fault
from tests.support.cluster import Cluster, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.engines]

_DATA, _SAVES = "limner.media.data.v1", "limner.annotations.job.v1"


def _make_tasks(web: httpx.Client, name: str, count: int) -> list[int]:
    tasks = [new_task(web, f"{name} {number}") for number in range(count)]
    requests = [start_data(web, task_id) for task_id in tasks]
    for request_id in requests:
        wait_until(
            lambda request_id=request_id: web.get(f"/api/requests/{request_id}").json()["status"] == "finished",  # type: ignore[misc]
            f"the data of {name}",
        )
    return tasks


def _jobs_of(web: httpx.Client, tasks: list[int]) -> list[int]:
    return [web.get(f"/api/jobs?task_id={task_id}").json()["count"] for task_id in tasks]


@pytest.mark.at_length
def test_consumers_are_killed_between_effect_and_commit(broken: Cluster, web: httpx.Client, fault: Fault) -> None:
    tasks = _make_tasks(web, "before the commit", 3)
    for task_id in tasks:
        job = web.get(f"/api/jobs?task_id={task_id}").json()["results"][0]
        web.put(f"/api/jobs/{job['id']}/annotations", json={"version": 0, "tags": [], "shapes": [], "tracks": []})
    saved = facts.revisions(broken)
    wait_until(lambda: facts.recorded_saves(broken) == saved, "every save to be counted")
    consumers = broken.titles("serve api ") + broken.titles("serve analytics ")
    broken.kill(consumers)
    wait_until(
        lambda: not facts.has_members(broken, "api.data") and not facts.has_members(broken, "analytics.events"),
        "the broker to miss them",
    )
    again = facts.forget_commits(broken, "api.data", _DATA, by=100) + facts.forget_commits(
        broken, "analytics.events", _SAVES, by=100
    )
    broken.start(consumers)
    later = _make_tasks(web, "after the commit", 1)
    assert _jobs_of(web, tasks + later) == [1] * len(tasks + later)
    assert facts.recorded_saves(broken) == saved
    assert again >= len(tasks)
    fault.written = fault.compared = again
    fault.note = f"{again} events delivered a second time"


def test_poison_is_set_aside_with_its_reason(broken: Cluster, web: httpx.Client, fault: Fault) -> None:
    facts.send(broken, _DATA, b"\xff\xff poison")
    tasks = _make_tasks(web, "behind poison", 4)
    assert _jobs_of(web, tasks) == [1] * len(tasks)
    wait_until(lambda: len(facts.dead_letters(broken, _DATA)) >= 4, "dead letters of both partitions in both groups")
    letters = facts.dead_letters(broken, _DATA)
    assert sorted(letter["group"] for letter in letters) == ["analytics.events"] * 2 + ["api.data"] * 2
    assert all("limner.media.v1.DataEvent" in letter["reason"] for letter in letters), letters
    fault.written, fault.compared = 2 + len(tasks), len(letters) + len(tasks)
    fault.note = f"{len(letters)} dead letters: {letters[0]['reason']}"
