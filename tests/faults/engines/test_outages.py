"""Engines and replicas fail while people work. What was accepted is there afterwards, and everything goes on by itself."""

import os
import time

import httpx
import pytest

from tests.faults.engines.annotators import Annotators
from tests.faults.engines.conftest import new_task, start_data
from tests.faults.engines.ledger import Fault
from tests.support.cluster import Cluster, wait_until
from tests.support.engines import Engines

pytestmark = [pytest.mark.faults, pytest.mark.engines]

#: How long an engine is away; `make faults` sets what operators fear.
OUTAGE_SECONDS = float(os.environ.get("FAULTS_OUTAGE_SECONDS", "6"))


@pytest.mark.parametrize("service", ["api", "annotations"])
def test_one_of_two_replicas_is_killed_under_load(
    broken: Cluster, annotators: Annotators, fault: Fault, service: str
) -> None:
    with annotators.at_work():
        time.sleep(3)
        broken.kill([f"serve {service} 0"])
        time.sleep(5)
    assert annotators.failures == []
    annotators.check(fault)


def test_redis_is_killed_under_load(broken: Cluster, annotators: Annotators, mortal_engines: Engines, fault: Fault) -> None:
    with annotators.at_work():
        time.sleep(2)
        mortal_engines.stack.redis.kill()
        time.sleep(OUTAGE_SECONDS)
    assert annotators.failures == []
    annotators.check(fault)


def test_kafka_is_away_and_comes_back(
    broken: Cluster, annotators: Annotators, mortal_engines: Engines, web: httpx.Client, fault: Fault
) -> None:
    mortal_engines.stack.kafka.kill()
    task_id = new_task(web, "while the bus is away")
    request_id = start_data(web, task_id)
    with annotators.at_work():
        time.sleep(OUTAGE_SECONDS)
    assert annotators.failures == []
    mortal_engines.stack.kafka.start()
    wait_until(lambda: web.get(f"/api/requests/{request_id}").json()["status"] == "finished", "the request to be told")
    assert len(web.get(f"/api/jobs?task_id={task_id}").json()["results"]) == 1
    annotators.check(fault)


def test_postgres_is_restarted_under_load(
    broken: Cluster, web: httpx.Client, jobs: list[tuple[int, int]], mortal_engines: Engines, fault: Fault
) -> None:
    path = f"/api/jobs/{jobs[0][0]}/annotations"
    before = web.get(path).raise_for_status().json()["shapes"]
    mortal_engines.stack.postgres.stop()
    gone = web.get(path)
    assert (gone.status_code, "retry-after" in gone.headers) == (503, True), gone.text
    mortal_engines.stack.postgres.start()
    wait_until(lambda: web.get(path).status_code == 200, "the services to find it again", timeout_seconds=60)
    assert all(member.is_running for member in broken.members.values()), "nobody had to be started again"
    assert web.get(path).json()["shapes"] == before
    fault.compared = len(before)


def test_the_object_store_is_away_and_comes_back(
    broken: Cluster, web: httpx.Client, mortal_engines: Engines, fault: Fault
) -> None:
    task_id = new_task(web, "objects away")
    request_id = start_data(web, task_id)
    wait_until(lambda: web.get(f"/api/requests/{request_id}").json()["status"] == "finished", "the data")
    original = web.get(f"/api/tasks/{task_id}/data?type=frame&number=0&quality=original").raise_for_status().content
    mortal_engines.stack.minio.kill()
    gone = web.get(f"/api/tasks/{task_id}/data?type=frame&number=0&quality=original")
    assert gone.status_code == 503, gone.text
    mortal_engines.stack.minio.start()
    again = f"/api/tasks/{task_id}/data?type=frame&number=0&quality=original"
    wait_until(lambda: web.get(again).status_code == 200, "the store to be found again", timeout_seconds=60)
    assert web.get(again).content == original
    fault.written = fault.compared = 1


@pytest.mark.parametrize("service", ["media"])
def test_a_worker_is_killed_with_work_in_its_hands(broken: Cluster, web: httpx.Client, fault: Fault, service: str) -> None:
    tasks = [new_task(web, f"worker {number}") for number in range(6)]
    requests = [start_data(web, task_id) for task_id in tasks]
    broken.kill([f"work {service} 0"])
    for task_id, request_id in zip(tasks, requests, strict=True):
        wait_until(
            lambda request_id=request_id: web.get(f"/api/requests/{request_id}").json()["status"] == "finished",  # type: ignore[misc]
            "the other worker to finish",
        )
        assert len(web.get(f"/api/jobs?task_id={task_id}").json()["results"]) == 1, "made once"
    fault.written = fault.compared = len(tasks)
