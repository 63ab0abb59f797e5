"""People who save at the same time through the SDK, and what became of what they saved."""

import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from cvat_sdk import Client, make_client, models

from tests.faults.engines.ledger import Fault
from tests.support.product import ADMIN


@dataclass
class Annotators:
    """Each has a job of its own, saves it whole again and again, and remembers what was accepted last.

    Attributes:
        url: Where the product is.
        jobs: Job and label, one pair per annotator.
    """

    url: str
    jobs: list[tuple[int, int]]
    failures: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    accepted: dict[int, int] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._at_their_desks = threading.Barrier(len(self.jobs) + 1)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let all of them sign in, and save until the block ends."""
        with ThreadPoolExecutor(len(self.jobs)) as pool:
            running = [pool.submit(self._annotate, job_id, label_id) for job_id, label_id in self.jobs]
            try:
                self._at_their_desks.wait(120)
                yield
            finally:
                self._stop.set()
            for one in running:
                one.result(120)

    def check(self, fault: Fault) -> None:
        """Compare what is stored with what was accepted, and note the counts."""
        with make_client(self.url, credentials=ADMIN) as client:
            for job_id, number in self.accepted.items():
                stored = [tuple(shape.points) for shape in client.jobs.retrieve(job_id).get_annotations().shapes]
                assert stored == _points(number), f"job {job_id} holds something else than save {number}"
                fault.compared += len(stored)
        fault.written += sum(self.accepted.values()) * _SHAPES
        fault.note = f"{len(self.seconds)} saves, p50 {self.percentile(50):.2f} s, p99 {self.percentile(99):.2f} s"

    def _annotate(self, job_id: int, label_id: int) -> None:
        with make_client(self.url, credentials=ADMIN) as client:
            number = 0
            self._at_their_desks.wait(120)
            while not self._stop.is_set():
                number += 1
                started = time.monotonic()
                try:
                    self._save(client, job_id, label_id, number)
                except Exception as error:  # whatever the SDK raises is a save that a person would see fail
                    self.failures.append(f"job {job_id}, save {number}: {error!r} {error}"[:600])
                    return
                self.seconds.append(time.monotonic() - started)
                self.accepted[job_id] = number
                time.sleep(0.3)

    def _save(self, client: Client, job_id: int, label_id: int, number: int) -> None:
        shapes = [
            models.LabeledShapeRequest(type="rectangle", frame=0, label_id=label_id, points=list(points))
            for points in _points(number)
        ]
        client.api_client.jobs_api.update_annotations(
            job_id, labeled_data_request=models.LabeledDataRequest(shapes=shapes), _request_timeout=60
        )

    def percentile(self, percent: int) -> float:
        """Return how long saves took, seconds."""
        return statistics.quantiles(self.seconds, n=100)[percent - 1] if len(self.seconds) > 1 else 0.0


_SHAPES = 5


def _points(number: int) -> list[tuple[float, ...]]:
    return [(1.0 + shape, 2.0, 11.0 + shape + number % 40, 22.0) for shape in range(_SHAPES)]
