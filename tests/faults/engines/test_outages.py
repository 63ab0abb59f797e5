"""Engines fail while people work. What was accepted is there afterwards, and everything goes on by itself."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.engines import facts
from tests.faults.engines.annotators import Annotators
from tests.faults.engines.conftest import new_task, start_data
from tests.faults.engines.ledger import Fault
from tests.support.cluster import Cluster, Member, wait_until
from tests.support.engines import Engines
from tests.support.product import ADMIN

pytestmark = [pytest.mark.faults, pytest.mark.engines]


def is_without(cluster: Cluster, kind: str, engine: str) -> Iterator[bool]:
    """Whether processes of a kind are ready and say that an engine is missing, one after the other."""
    for title in cluster.titles(f"{kind} "):
        answer = httpx.get(f"http://127.0.0.1:{cluster.members[title].health_port}/health/ready", timeout=60)
        assert answer.status_code == 200, f"{title}: {answer.text}"
        yield answer.json()["status"] == "degraded" and answer.json()["checks"][engine] != "ok"


def relays(cluster: Cluster) -> list[Member]:
    """The processes that only publish."""
    return [cluster.members[title] for title in cluster.titles("relay ")]


def test_redis_is_flushed_then_killed_under_load(
    broken: Cluster,
    annotators: Annotators,
    web: httpx.Client,
    mortal_engines: Engines,
    outage_seconds: float,
    fault: Fault,
) -> None:
    task_id = web.get(f"/api/jobs/{annotators.jobs[0][0]}").json()["task_id"]
    paths = [f"/api/tasks/{task_id}/data?{query}" for query in ("type=chunk&number=0&quality=compressed", "type=preview")]
    before = [web.get(path).raise_for_status().content for path in paths]
    with annotators.at_work():
        time.sleep(1)
        mortal_engines.flush_redis()
        assert [web.get(path).raise_for_status().content for path in paths] == before
        mortal_engines.stack.redis.kill()
        assert [web.get(path).raise_for_status().content for path in paths] == before
        wrong = httpx.post(f"{broken.url}/api/auth/login", json={"username": ADMIN[0], "password": "wrong"}, timeout=60)
        right = httpx.post(f"{broken.url}/api/auth/login", json={"username": ADMIN[0], "password": ADMIN[1]}, timeout=60)
        assert (wrong.status_code, right.status_code) == (400, 200), (wrong.text, right.text)
        time.sleep(outage_seconds)
        wait_until(lambda: all(is_without(broken, "serve", "redis")), "services to tell that they do without Redis")
    assert annotators.failures == []
    annotators.check(fault)
    mortal_engines.stack.redis.start()
    assert [web.get(path).raise_for_status().content for path in paths] == before
    fault.compared += 3 * len(before)


def test_kafka_is_away_and_comes_back(
    broken: Cluster,
    annotators: Annotators,
    mortal_engines: Engines,
    web: httpx.Client,
    outage_seconds: float,
    fault: Fault,
) -> None:
    mortal_engines.stack.kafka.kill()
    task_id = new_task(web, "while the bus is away")
    request_id = start_data(web, task_id)
    with annotators.at_work():
        time.sleep(outage_seconds)
        wait_until(lambda: all(is_without(broken, "serve", "bus")), "services to tell that they do without the bus")
        wait_until(lambda: not any(relay.is_ready for relay in relays(broken)), "relays to tell that they can do nothing")
    assert annotators.failures == []
    mortal_engines.stack.kafka.start()
    wait_until(lambda: all(relay.is_ready for relay in relays(broken)), "relays to be ready again")
    wait_until(lambda: web.get(f"/api/requests/{request_id}").json()["status"] == "finished", "the request to be told")
    assert len(web.get(f"/api/jobs?task_id={task_id}").json()["results"]) == 1
    annotators.check(fault)
    saved = facts.revisions(broken)
    wait_until(lambda: facts.recorded_saves(broken) == saved, "every save to be counted once")
    assert facts.published_saves(broken) == saved, "in order per job"
    fault.note += f"; {sum(map(len, saved.values()))} events compared"


def test_postgres_is_restarted_under_load(
    broken: Cluster, annotators: Annotators, mortal_engines: Engines, fault: Fault
) -> None:
    with annotators.at_work():
        time.sleep(1)
        mortal_engines.stack.postgres.restart()
        time.sleep(3)
    assert annotators.failures == []
    assert all(member.is_running for member in broken.members.values()), "nobody had to be started again"
    annotators.check(fault)


@pytest.mark.at_length
def test_postgres_is_away_and_comes_back(
    broken: Cluster, web: httpx.Client, jobs: list[tuple[int, int]], mortal_engines: Engines, fault: Fault
) -> None:
    path = f"/api/jobs/{jobs[0][0]}/annotations"
    before = web.get(path).raise_for_status().json()["shapes"]
    mortal_engines.stack.postgres.stop()
    gone = web.get(path)
    assert (gone.status_code, "retry-after" in gone.headers) == (503, True), gone.text
    mortal_engines.stack.postgres.start()
    wait_until(lambda: web.get(path).status_code == 200, "the services to find it again")
    assert all(member.is_running for member in broken.members.values()), "nobody had to be started again"
    assert web.get(path).json()["shapes"] == before
    fault.compared = len(before)


def test_connections_to_postgres_are_cut_under_load(
    broken: Cluster, annotators: Annotators, outage_seconds: float, fault: Fault
) -> None:
    with annotators.at_work():
        for _ in range(3):
            time.sleep(outage_seconds / 3)
            wait_until(lambda: facts.connections(broken) > len(broken.members), "everybody to be connected again")
            facts.cut_connections(broken)
        time.sleep(1)
    assert annotators.failures == []
    annotators.check(fault)


def test_all_connections_to_postgres_are_taken(
    broken: Cluster, web: httpx.Client, jobs: list[tuple[int, int]], fault: Fault
) -> None:
    path = f"/api/jobs/{jobs[0][0]}/annotations"
    before = web.get(path).raise_for_status().json()
    with httpx.Client(base_url=broken.url, auth=ADMIN, timeout=60) as many, ThreadPoolExecutor(24) as pool:
        with facts.held_table(broken, "annotations.job_states"):
            asked = [pool.submit(many.get, path) for _ in range(24)]
            wait_until(lambda: sum(one.done() for one in asked) >= 12, "those without a connection to be told")
            assert web.get(f"/api/jobs/{jobs[0][0]}").status_code == 200, "others have connections of their own"
        answers = [one.result() for one in asked]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) >= 12 and all("retry-after" in answer.headers for answer in refused)
    served = [answer for answer in answers if answer.status_code != 503]
    assert all(answer.json() == before for answer in served)
    assert web.get(path).json() == before, "and it goes on"
    fault.compared = len(served) + 1
    fault.note = f"{len(refused)} of {len(answers)} were told to come again"
