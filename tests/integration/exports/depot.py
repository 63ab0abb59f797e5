"""What tests of exports and imports do over and over: make tasks with data and annotations, export, import, read back."""

import io
import zipfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import sqlalchemy as sa

from limner_clients.annotations import AnnotationsClient, ImportAuthor
from limner_common.grants import Grant
from limner_common.work import WorkItem
from limner_contracts.requests.v1.request_event_pb2 import RequestEvent
from limner_model.annotations import AttributeValue, LabeledData, Shape, ShapeType, Tag, Track, TrackedShape
from limner_model.facts import JobFacts, PersonFacts, ProjectFacts, TaskFacts
from limner_model.labels import AttributeSpec, AttributeType, LabelSpec
from tests.support.catalog_stub import CatalogStub
from tests.support.installation import TestBench
from tests.support.pictures import picture

ANN, BOB, ROOT = 8, 9, 1
BASE_URL = "http://limner.test"
LABELS = [
    LabelSpec(
        id=1,
        name="car",
        color="#2080c0",
        attributes=[
            AttributeSpec(id=5, name="color", mutable=True, input_type=AttributeType.TEXT, default_value="grey"),
            AttributeSpec(id=6, name="brand", mutable=False, input_type=AttributeType.TEXT, default_value="none"),
        ],
    ),
    LabelSpec(id=2, name="tree", color="#40a040"),
]
WIDTH, HEIGHT = 64, 48


class Depot:
    """Exports with all it needs, without the catalog."""

    def __init__(self, bench: TestBench, folder: Path) -> None:
        self.bench = bench
        self.objects_folder = folder / "objects"
        self.catalog = CatalogStub()
        self.catalog.install(bench, "exports")
        self.container = bench.container("exports")
        self.annotations = AnnotationsClient(self.container.resources.upstreams, bench.keyrings["exports"])

    async def image_task(
        self,
        task_id: int = 7,
        *,
        frames: int = 4,
        segments: Sequence[tuple[int, int]] | None = None,
        names: Sequence[str] | None = None,
        **facts: Any,
    ) -> TaskFacts:
        """Make a task of pictures."""
        chosen = names or [f"image_{number:03d}.png" for number in range(frames)]
        files = [(name, _encoded(number)) for number, name in enumerate(chosen)]
        await self.send_media(task_id, files)
        jobs = _jobs(task_id, segments or [(0, len(chosen) - 1)])
        return self.set_task(task_id, size=len(chosen), mode="annotation", jobs=jobs, **facts)

    async def video_task(self, path: Path, task_id: int = 8, *, frames: int, **facts: Any) -> TaskFacts:
        """Make a task of a video."""
        await self.send_media(task_id, [(path.name, path.read_bytes())])
        return self.set_task(task_id, size=frames, mode="interpolation", jobs=_jobs(task_id, [(0, frames - 1)]), **facts)

    def set_task(self, task_id: int, **facts: Any) -> TaskFacts:
        """Say what the catalog knows of a task."""
        defaults: dict[str, Any] = {
            "version": "1",
            "name": f"Street / Straße {task_id}",
            "labels": LABELS,
            "created_date": "2026-03-04T05:06:07.000000Z",
            "updated_date": "2026-03-05T05:06:07.000000Z",
            "owner": PersonFacts(id=ANN, username="ann", email="ann@example.org"),
        }
        task = TaskFacts(id=task_id, **{**defaults, **facts})
        self.catalog.tasks[task_id] = task
        return task

    def set_project(self, project_id: int, tasks: Sequence[TaskFacts], **facts: Any) -> ProjectFacts:
        """Say what the catalog knows of a project; its tasks become its own."""
        for task in tasks:
            known = msgspec.structs.replace(task, project_id=project_id, project_name="Town")
            self.catalog.tasks[task.id] = known
        ordered = sorted(tasks, key=lambda task: (task.subset, task.id))
        project = ProjectFacts(
            id=project_id,
            version="1",
            name="Town",
            created_date="2026-03-04T05:06:07.000000Z",
            updated_date="2026-03-05T05:06:07.000000Z",
            labels=LABELS,
            task_ids=[task.id for task in ordered],
            **facts,
        )
        self.catalog.projects[project_id] = project
        return project

    async def annotate(self, task_id: int, data: LabeledData, *, request_id: str = "seed") -> None:
        """Put annotations into a task."""

        async def parts() -> AsyncIterator[LabeledData]:
            yield data

        await self.annotations.import_task(
            task_id, parts(), mode="replace", request_id=f"{request_id}-{task_id}", author=ImportAuthor()
        )

    async def read(self, task_id: int) -> LabeledData:
        """Return the annotations of a task."""
        found = LabeledData()
        async for part in self.annotations.stream_task(task_id):
            found.tags += part.tags
            found.shapes += part.shapes
            found.tracks += part.tracks
        return found

    async def revisions(self, task_id: int) -> dict[int, int]:
        """Return the revision of each job of a task."""
        return await self.annotations.state(task_id)

    def client(
        self,
        kind: str,
        object_id: int,
        verb: str = "export",
        *,
        user_id: int = ANN,
        username: str = "ann",
        privilege: str = "user",
    ) -> httpx.AsyncClient:
        """A client with a grant to export, or import into, an object."""
        facts: dict[str, Any] = {"privilege": privilege, "dimension": "2d", "version": "1"}
        if kind == "project":
            facts |= {"project_id": object_id, "task_id": None, "job_id": None}
        else:
            task_id = object_id if kind == "task" else object_id // 100
            task = self.catalog.tasks.get(task_id)
            facts |= {
                "project_id": None if task is None else task.project_id,
                "task_id": task_id,
                "job_id": object_id if kind == "job" else None,
                "dimension": "2d" if task is None else task.dimension,
            }
        subject = "dataset" if kind == "project" else "annotations"
        grant = Grant(
            issuer="api",
            action=f"{kind}:{verb}:{subject}",
            user_id=user_id,
            username=username,
            base_url=BASE_URL,
            facts=facts,
        )
        return self.bench.client("exports", grant)

    async def work(self) -> None:
        """Do all work that waits."""
        await self.bench.installation.worker("exports").run_until_idle()

    async def ask_export(
        self, kind: str, object_id: int, format_name: str, *, save_images: bool = False, **params: Any
    ) -> httpx.Response:
        """Ask for an export as clients do."""
        query = {"format": format_name, "save_images": str(save_images), **params}
        client = self.client(kind, object_id)
        return await client.post(f"/api/{kind}s/{object_id}/dataset/export", params=query)

    async def export(
        self, kind: str, object_id: int, format_name: str, *, save_images: bool = False, **params: Any
    ) -> httpx.Response:
        """Export and download."""
        asked = await self.ask_export(kind, object_id, format_name, save_images=save_images, **params)
        assert asked.status_code == 202, asked.text
        await self.work()
        item = await self.item(asked.json()["rq_id"])
        assert item.state == "done", item
        assert item.result is not None
        answer = await self.client(kind, object_id).get(item.result["result_path"])
        assert answer.status_code == 200, answer.text
        return answer

    async def ask_import(
        self, kind: str, object_id: int, format_name: str, data: bytes, name: str = "upload.zip", **params: Any
    ) -> httpx.Response:
        """Send a file to import in one form."""
        subject, field = ("dataset", "dataset_file") if kind == "project" else ("annotations", "annotation_file")
        client = self.client(kind, object_id, "import")
        return await client.post(
            f"/api/{kind}s/{object_id}/{subject}",
            params={"format": format_name, **params},
            files={field: (name, data, "application/octet-stream")},
        )

    async def import_file(
        self, kind: str, object_id: int, format_name: str, data: bytes, name: str = "upload.zip", **params: Any
    ) -> WorkItem:
        """Import a file and return how that ended."""
        answer = await self.ask_import(kind, object_id, format_name, data, name, **params)
        assert answer.status_code == 202, answer.text
        await self.work()
        return await self.item(answer.json()["rq_id"])

    async def item(self, work_id: str) -> WorkItem:
        """Return a work item."""
        async with self.container.database.begin() as uow:
            item: WorkItem | None = await self.container.queue.get(uow, work_id)
        assert item is not None
        return item

    async def events(self, request_id: str) -> list[RequestEvent]:
        """Facts recorded about a request, in order."""
        outbox = self.container.database.table("outbox")
        statement = sa.select(outbox).where(outbox.c.key == request_id).order_by(outbox.c.id)
        async with self.container.database.read() as connection:
            return [RequestEvent.FromString(row.payload) for row in await connection.execute(statement)]

    async def count(self, table: str) -> int:
        """Rows of a table."""
        async with self.container.database.read() as connection:
            statement = sa.select(sa.func.count()).select_from(self.container.database.table(table))
            return int(await connection.scalar(statement) or 0)

    def stored(self) -> list[str]:
        """Keys of the service's objects."""
        root = self.objects_folder / "exports"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def scratch(self) -> list[str]:
        """Temporary files of the process, its lock left out."""
        return sorted(path.name for path in self.container.resources.scratch.iterdir() if path.name != ".lock")

    async def send_media(self, task_id: int, files: Sequence[tuple[str, bytes]]) -> None:
        """Make data of files."""
        grant = Grant(
            issuer="api",
            action="task:upload:data",
            user_id=ANN,
            username="ann",
            base_url=BASE_URL,
            facts={"task_id": task_id, "project_id": None, "version": "1"},
        )
        parts = [(f"client_files[{i}]", (name, data, "application/octet-stream")) for i, (name, data) in enumerate(files)]
        client = self.bench.client("media", grant)
        answer = await client.post(f"/api/tasks/{task_id}/data/", data={"image_quality": "70"}, files=parts)
        assert answer.status_code == 202, answer.text
        await self.bench.installation.worker("media").run_until_idle()
        state = await self.bench.container("media").ingests.state(task_id)
        assert state.state == "ready", state


def members(data: bytes) -> dict[str, bytes]:
    """Files of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def zipped(files: dict[str, bytes]) -> bytes:
    """Files as an archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def box(frame: int, x: float = 3.0, **changes: Any) -> Shape:
    """A box with the attributes of a car."""
    attributes = [AttributeValue(spec_id=5, value="red"), AttributeValue(spec_id=6, value="acme")]
    return Shape(
        **{
            "type": ShapeType.RECTANGLE,
            "frame": frame,
            "label_id": 1,
            "points": [x, 4.0, x + 10, 14.5],
            "attributes": attributes,
            **changes,
        }
    )


def polygon(frame: int, **changes: Any) -> Shape:
    """A triangle."""
    points = [10.0, 10.0, 30.0, 10.25, 20.0, 30.5]
    return Shape(**{"type": ShapeType.POLYGON, "frame": frame, "label_id": 2, "points": points, **changes})


def tag(frame: int) -> Tag:
    """A tag."""
    return Tag(frame=frame, label_id=2)


def track(first: int, last: int, *, leaves: bool = True) -> Track:
    """A box that moves from one frame to another, and leaves after it."""

    def key(frame: int, x: float, *, outside: bool = False) -> TrackedShape:
        color = [AttributeValue(spec_id=5, value="blue")]
        return TrackedShape(
            type=ShapeType.RECTANGLE, frame=frame, points=[x, 5.0, x + 8, 12.0], outside=outside, attributes=color
        )

    keys = [key(first, 1.0), key(last, 31.0)] + ([key(last + 1, 31.0, outside=True)] if leaves else [])
    return Track(frame=first, label_id=1, shapes=keys, attributes=[AttributeValue(spec_id=6, value="acme")])


def _jobs(task_id: int, segments: Sequence[tuple[int, int]]) -> list[JobFacts]:
    return [
        JobFacts(id=task_id * 100 + index, type="annotation", start_frame=start, stop_frame=stop)
        for index, (start, stop) in enumerate(segments)
    ]


def _encoded(number: int) -> bytes:
    out = io.BytesIO()
    picture(number, WIDTH, HEIGHT).save(out, "PNG")
    return out.getvalue()
