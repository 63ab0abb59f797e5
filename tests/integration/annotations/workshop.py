"""What tests of the annotations service work with: tasks, grants, and requests as the gateway would send them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import sqlalchemy as sa

from limner_common.grants import Grant
from limner_model.facts import JobFacts, TaskFacts
from limner_model.labels import AttributeSpec, AttributeType, LabelSpec
from tests.support.catalog_stub import CatalogStub
from tests.support.installation import TestBench

CAR = LabelSpec(
    id=1,
    name="car",
    attributes=[
        AttributeSpec(id=5, name="color", mutable=True, input_type=AttributeType.TEXT, default_value="grey"),
        AttributeSpec(id=6, name="brand", mutable=False, input_type=AttributeType.TEXT, default_value="none"),
    ],
)
BODY = LabelSpec(
    id=2,
    name="body",
    type="skeleton",
    sublabels=[
        LabelSpec(id=3, name="head", type="points", parent_id=2),
        LabelSpec(id=4, name="foot", type="points", parent_id=2),
    ],
)
SCENE = LabelSpec(id=7, name="scene", type="tag")
LABELS = [CAR, BODY, SCENE]


class Workshop:
    """A running annotations service."""

    def __init__(self, bench: TestBench) -> None:
        self.bench = bench
        self.catalog = CatalogStub()
        self.catalog.install(bench, "annotations")
        self.container = bench.container("annotations")
        self.user = Grant(issuer="api", action="", user_id=8, username="ann")

    def task(
        self,
        task_id: int = 10,
        *,
        segments: list[tuple[int, int]] | None = None,
        labels: list[LabelSpec] | None = None,
        first_job: int = 100,
        extra_jobs: list[JobFacts] | None = None,
        **facts: Any,
    ) -> TaskFacts:
        """Make a task; its jobs are numbered from ``first_job``."""
        segments = segments or [(0, 99)]
        jobs = [
            JobFacts(id=first_job + index, type="annotation", start_frame=start, stop_frame=stop)
            for index, (start, stop) in enumerate(segments)
        ]
        made = TaskFacts(
            id=task_id,
            version=facts.pop("version", "1.0"),
            name="task",
            mode="interpolation",
            size=facts.pop("size", max(stop for _, stop in segments) + 1),
            labels=LABELS if labels is None else labels,
            jobs=[*jobs, *(extra_jobs or [])],
            **facts,
        )
        self.catalog.tasks[task_id] = made
        return made

    def job_client(self, task: TaskFacts, index: int = 0, *, verb: str = "update") -> httpx.AsyncClient:
        """Return a client whose grant allows an operation on one job."""
        job = task.jobs[index]
        facts = {"task_id": task.id, "job_id": job.id, "version": task.version, "project_id": task.project_id}
        return self._client(f"job:{verb}:annotations", facts)

    def task_client(self, task: TaskFacts, *, verb: str = "update") -> httpx.AsyncClient:
        """Return a client whose grant allows an operation on a task."""
        return self._client(
            f"task:{verb}:annotations", {"task_id": task.id, "version": task.version, "project_id": task.project_id}
        )

    def _client(self, action: str, facts: dict[str, Any]) -> httpx.AsyncClient:
        grant = msgspec.structs.replace(self.user, action=action, facts=facts, base_url="http://testserver")
        return self.bench.client("annotations", grant)

    async def job(self, task: TaskFacts, index: int, method: str, rest: str = "", **options: Any) -> httpx.Response:
        """Send a request about a job's annotations."""
        verb = {"GET": "view", "DELETE": "delete"}.get(method, "update")
        async with self.job_client(task, index, verb=verb) as client:
            return await client.request(method, f"/api/jobs/{task.jobs[index].id}/annotations{rest}", **options)

    async def on_task(self, task: TaskFacts, method: str, rest: str = "", **options: Any) -> httpx.Response:
        """Send a request about a task's annotations."""
        verb = {"GET": "view", "DELETE": "delete"}.get(method, "update")
        async with self.task_client(task, verb=verb) as client:
            return await client.request(method, f"/api/tasks/{task.id}/annotations{rest}", **options)

    async def read(self, task: TaskFacts, index: int = 0) -> Any:
        """Return a job's document."""
        answer = await self.job(task, index, "GET")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, query: str) -> list[Any]:
        """Run a query on the service's database."""
        async with self.container.database.engine.connect() as connection:
            return list((await connection.execute(sa.text(query))).all())

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Collect the SQL statements sent while the block runs, those that go to the driver itself included."""
        seen: list[str] = []
        engine = self.container.database.engine.sync_engine

        def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        def noting(method: Any) -> Any:
            def call(connection: Any, what: str, *rest: Any, **options: Any) -> Any:
                seen.append(f"{method.__name__} {what}")
                return method(connection, what, *rest, **options)

            return call

        sa.event.listen(engine, "before_cursor_execute", note)
        with pytest.MonkeyPatch.context() as patch:
            for name in ("cursor", "copy_to_table", "_execute"):
                patch.setattr(asyncpg.Connection, name, noting(getattr(asyncpg.Connection, name)))
            yield seen
        sa.event.remove(engine, "before_cursor_execute", note)


def rectangle(frame: int = 0, x: float = 0.0, **changes: Any) -> dict[str, Any]:
    """Return a shape as a client sends it."""
    return {"type": "rectangle", "frame": frame, "label_id": 1, "points": [x, 0.0, x + 10, 10.0], **changes}


def track(*keyframes: tuple[int, float, bool], **changes: Any) -> dict[str, Any]:
    """Return a track of rectangles from (frame, x, outside)."""
    shapes = [
        {"type": "rectangle", "frame": frame, "points": [x, 0.0, x + 10, 10.0], "outside": outside}
        for frame, x, outside in keyframes
    ]
    return {"frame": keyframes[0][0], "label_id": 1, "shapes": shapes, **changes}


def tag(frame: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a tag as a client sends it."""
    return {"frame": frame, "label_id": 7, **changes}
