"""One of two replicas of everything is killed while people work: nobody loses a save."""

import contextlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cvat_sdk import make_client, models

from tests.faults.engines.annotators import Annotators
from tests.faults.engines.ledger import Fault
from tests.support.cluster import Cluster
from tests.support.ingress import ingress
from tests.support.product import ADMIN

pytestmark = [pytest.mark.faults, pytest.mark.engines]

#: Far above what a save takes, also on a busy machine, and below what people or the SDK wait.
_BOUND_SECONDS = 45.0


def test_one_of_two_replicas_of_each_is_killed_under_load(
    broken: Cluster, annotators: Annotators, is_at_length: bool, fault: Fault
) -> None:
    victims = [title for title in broken.members if title.endswith(" 0")]
    with annotators.at_work():
        time.sleep(2)
        for title in victims:
            broken.kill([title])
            time.sleep(2 if is_at_length else 0.5)
        time.sleep(3)
    assert annotators.failures == []
    annotators.check(fault)
    assert annotators.percentile(99) < _BOUND_SECONDS
    fault.note = f"{len(victims)} killed, {len(annotators.jobs)} people; {fault.note}"


class Adder:
    """Adds shapes to a job one by one for the revision it knows, and asks again when it does not hear the end of it.

    A repeated request that finds another revision was stored before: nobody else works on this job.
    """

    def __init__(self, url: str, job_id: int, label_id: int) -> None:
        self._client = httpx.Client(base_url=url, auth=ADMIN, timeout=60)
        self._path = f"/api/jobs/{job_id}/annotations"
        self._body = {
            "version": 0,
            "tags": [{"frame": 0, "label_id": label_id, "attributes": []}],
            "shapes": [],
            "tracks": [],
        }
        self.added = self.broken_off = self.found_stored = 0

        self._client.delete(self._path).raise_for_status()

    def work(self, stop: threading.Event) -> None:
        revision = self._read().headers["limner-revision"]
        while not stop.is_set():
            try:
                answer = self._client.patch(
                    f"{self._path}?action=create", json=self._body, headers={"If-Match": f'"{revision}"'}
                )
            except httpx.TransportError:
                self.broken_off += 1
                continue
            if answer.status_code == 503:
                self.broken_off += 1
                time.sleep(0.5)
                continue
            if answer.status_code == 409:
                self.found_stored += 1
                answer = self._read()
            revision = answer.raise_for_status().headers["limner-revision"]
            self.added += 1
            time.sleep(0.05)

    def stored(self) -> int:
        return len(self._read().json()["tags"])

    def close(self) -> None:
        self._client.close()

    def _read(self) -> httpx.Response:
        for _ in range(200):
            with contextlib.suppress(httpx.TransportError):
                answer = self._client.get(self._path)
                if answer.status_code != 503:
                    return answer.raise_for_status()
            time.sleep(0.3)
        raise AssertionError("it cannot be read")


class SdkAdder:
    """Adds shapes to a job one by one through the SDK, which never sends them again itself."""

    def __init__(self, url: str, job_id: int, label_id: int) -> None:
        self._url, self._job_id = url, job_id
        self._one = models.PatchedLabeledDataRequest(tags=[models.LabeledImageRequest(frame=0, label_id=label_id)])
        self.added: list[int] = []
        self.stored: list[int] = []
        self.seconds: list[float] = []

    def work(self, at_their_desks: threading.Barrier, stop: threading.Event) -> None:
        with make_client(self._url, credentials=ADMIN) as client:
            api = client.api_client.jobs_api
            api.destroy_annotations(self._job_id)
            at_their_desks.wait(120)
            while not stop.is_set():
                started = time.monotonic()
                _, answer = api.partial_update_annotations(
                    "create", self._job_id, patched_labeled_data_request=self._one, _request_timeout=60
                )
                self.seconds.append(time.monotonic() - started)
                self.added += [tag["id"] for tag in json.loads(answer.data)["tags"]]
                time.sleep(0.02)
            self.stored = [tag.id for tag in client.jobs.retrieve(self._job_id).get_annotations().tags]


def test_what_the_sdk_adds_is_added_once_though_replicas_die(
    broken: Cluster, jobs: list[tuple[int, int]], tmp_path: Path, is_at_length: bool, fault: Fault
) -> None:
    kills = 0
    ports = [broken.members[title].health_port for title in broken.titles("serve api ")]
    with ingress(tmp_path, ports) as url, ThreadPoolExecutor(len(jobs)) as pool:
        adders = [SdkAdder(url, *job) for job in jobs]
        stop, at_their_desks = threading.Event(), threading.Barrier(len(jobs) + 1)
        running = [pool.submit(adder.work, at_their_desks, stop) for adder in adders]
        at_their_desks.wait(120)
        try:
            for number in ("0", "1") * (3 if is_at_length else 1):
                for service in ("api", "annotations"):
                    time.sleep(1)
                    broken.kill([f"serve {service} {number}"])
                    kills += 1
                time.sleep(1)
                broken.mend()
        finally:
            stop.set()
        for one in running:
            one.result(120)
    for adder in adders:
        assert adder.stored == sorted(adder.added) and adder.added  # each replica has ids of its own to give
    seconds = sorted(second for adder in adders for second in adder.seconds)
    assert seconds[-1] < _BOUND_SECONDS
    fault.written = fault.compared = len(seconds)
    fault.note = f"{kills} killed, {len(jobs)} people; none failed, the longest took {seconds[-1]:.1f} s"


@pytest.mark.at_length
def test_what_is_added_for_a_revision_is_added_once_though_replicas_die(
    broken: Cluster, jobs: list[tuple[int, int]], fault: Fault
) -> None:
    adders = [Adder(broken.url, *job) for job in jobs]
    stop = threading.Event()
    with ThreadPoolExecutor(len(adders)) as pool:
        running = [pool.submit(adder.work, stop) for adder in adders]
        try:
            for number in ("0", "1"):
                for service in ("api", "annotations"):
                    time.sleep(1)
                    broken.kill([f"serve {service} {number}"])
                time.sleep(1)
                broken.mend()
        finally:
            stop.set()
        for one in running:
            one.result(120)
    assert [adder.stored() for adder in adders] == [adder.added for adder in adders]
    fault.written = fault.compared = sum(adder.added for adder in adders)
    lost, stored = (sum(getattr(adder, name) for adder in adders) for name in ("broken_off", "found_stored"))
    fault.note = f"{lost} requests broken off, {stored} of them had been stored"
    for adder in adders:
        adder.close()
