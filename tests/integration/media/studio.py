"""What tests of media do over and over: send files, run the worker, read back."""

import base64
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from PIL import Image

from limner_common.grants import Grant
from limner_contracts.media.v1.data_event_pb2 import DataEvent
from limner_contracts.requests.v1.request_event_pb2 import RequestEvent
from limner_model.facts import JobFacts, TaskFacts
from tests.support.catalog_stub import CatalogStub
from tests.support.installation import TestBench

TASK = 7
USER = 3
BASE_URL = "http://limner.test"
Files = Sequence[tuple[str, bytes]]


class Studio:
    """The media service of one test."""

    def __init__(self, bench: TestBench, share: Path, folder: Path) -> None:
        self.bench = bench
        self.share = share
        self.objects_folder = folder / "objects"
        self.catalog = CatalogStub()
        self.catalog.install(bench, "media")
        self.container = bench.container("media")
        self.task = self.client()

    def client(self, task_id: int = TASK, *, user_id: int = USER, version: str | None = "1") -> httpx.AsyncClient:
        """A client with a grant for a task."""
        facts: dict[str, Any] = {"task_id": task_id, "project_id": None, "organization_id": None}
        if version is not None:
            facts["version"] = version
        return self._client(facts, user_id)

    def job(self, job_id: int, task_id: int = TASK) -> httpx.AsyncClient:
        """A client with a grant for a job."""
        return self._client({"task_id": task_id, "job_id": job_id, "version": "1"}, USER)

    def set_jobs(self, *jobs: JobFacts, task_id: int = TASK) -> None:
        """Say what jobs the task has."""
        self.catalog.tasks[task_id] = TaskFacts(id=task_id, version="1", name="t", jobs=list(jobs))

    async def work(self) -> None:
        """Do all work that waits."""
        await self.bench.installation.worker("media").run_until_idle()

    async def send(self, files: Files, *, task_id: int = TASK, **params: Any) -> httpx.Response:
        """Send files and parameters in one multipart body."""
        parts = [(f"client_files[{i}]", (name, data, "application/octet-stream")) for i, (name, data) in enumerate(files)]
        fields: dict[str, Any] = {"image_quality": "70"}
        for name, value in params.items():
            if isinstance(value, list):
                fields |= {f"{name}[{i}]": str(entry) for i, entry in enumerate(value)}
            else:
                fields[name] = str(value)
        return await self.client(task_id).post(f"/api/tasks/{task_id}/data/", data=fields, files=parts)

    async def create(self, files: Files, *, task_id: int = TASK, **params: Any) -> None:
        """Send files, make data of them, and require that it worked."""
        answer = await self.send(files, task_id=task_id, **params)
        assert answer.status_code == 202, answer.text
        await self.work()
        state = await self.container.ingests.state(task_id)
        assert state.state == "ready", state

    async def create_json(self, body: Mapping[str, Any], *, task_id: int = TASK) -> httpx.Response:
        """Send parameters as JSON and do the work."""
        answer = await self.client(task_id).post(f"/api/tasks/{task_id}/data/", json=dict(body))
        await self.work()
        return answer

    async def failure(self, files: Files, *, task_id: int = TASK, **params: Any) -> str:
        """Send files that cannot become data; returns the message."""
        answer = await self.send(files, task_id=task_id, **params)
        assert answer.status_code == 202, answer.text
        return await self.failed(task_id)

    async def failed(self, task_id: int = TASK) -> str:
        """Do the work, require that it fails for good and leaves nothing; returns the message."""
        await self.work()
        state = await self.container.ingests.state(task_id)
        assert state.state == "failed", state
        assert self.stored() == []
        assert await self.count("uploads") == 0
        return str(state.message)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """Read from the task's data."""
        return await self.task.get(f"/api/tasks/{TASK}/data{path}", params=params)

    async def meta(self) -> dict[str, Any]:
        """The task's meta."""
        answer = await self.get("/meta")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def names(self) -> list[str]:
        """Names of the task's frames."""
        return [frame["name"] for frame in (await self.meta())["frames"]]

    def stored(self) -> list[str]:
        """Keys of all objects."""
        root = self.objects_folder
        return sorted(
            str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and ".incoming" not in path.parts
        )

    async def count(self, table: str) -> int:
        """Rows of a table."""
        async with self.container.database.read() as connection:
            statement = sa.select(sa.func.count()).select_from(self.container.database.table(table))
            return int(await connection.scalar(statement) or 0)

    async def events(self) -> list[DataEvent | RequestEvent]:
        """Facts recorded so far, in order."""
        outbox = self.container.database.table("outbox")
        async with self.container.database.read() as connection:
            rows = (await connection.execute(sa.select(outbox).order_by(outbox.c.id))).all()
        kinds = {"limner.media.data.v1": DataEvent, "limner.media.request.v1": RequestEvent}
        return [kinds[row.topic].FromString(row.payload) for row in rows]

    def _client(self, facts: dict[str, Any], user_id: int) -> httpx.AsyncClient:
        grant = Grant(issuer="api", action="task:view:data", user_id=user_id, username="ann", base_url=BASE_URL, facts=facts)
        return self.bench.client("media", grant)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def zipped(files: Files, method: int = zipfile.ZIP_STORED) -> bytes:
    """Files as a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """A picture from a file."""
    return Image.open(io.BytesIO(data))


def members(data: bytes) -> list[tuple[str, bytes]]:
    """Names and contents of a zip in order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(info.filename, archive.read(info)) for info in archive.infolist()]


def tus_metadata(name: str) -> str:
    """An ``Upload-Metadata`` header."""
    return f"filename {base64.b64encode(name.encode()).decode()},filetype {base64.b64encode(b'x/y').decode()}"
