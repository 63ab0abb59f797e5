"""Starting an ingest, and saying where it stands."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from limner_common.db import Database, UnitOfWork
from limner_common.errors import Conflict, Invalid
from limner_common.grants import Grant
from limner_common.requests import RequestDescription, new_request_id, payload_with_request
from limner_common.uploads import Upload, Uploads
from limner_common.work import WorkQueue
from limner_media.datas.service import Datas
from limner_media.errors import media_errors
from limner_media.ingest.gathering import StoredSource
from limner_media.ingest.params import DataParams
from limner_media.ingest.planning import upload_order
from limner_media.ingest.repository import active_ingest, latest_ingest

INGEST = "ingest"
REQUEST_TYPE = "create:task"


class DataExist(Invalid):
    """The task has data; more cannot be added."""

    def __init__(self) -> None:
        super().__init__("Adding more data is not supported", code="data_exist")


class DataBeingMade(Conflict):
    """Data of the task are being made right now."""

    def __init__(self) -> None:
        super().__init__("The data of this task are being processed already.", code="data_being_made")


@dataclass(frozen=True, slots=True)
class IngestState:
    """Where the data of a task stand: none, queued, running, ready or failed; progress 0..1; a message for people."""

    state: str
    progress: float = 0.0
    message: str = ""


class IngestOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of an ingest: everything that is decided when it is asked for, so that doing it again gives the same."""

    task_id: int
    params: dict[str, object]
    seed: int
    stored: StoredSource | None = None


def upload_scope(task_id: int) -> str:
    """Return the scope in which files of a task gather."""
    return f"tasks/{task_id}/raw"


def task_folder(task_id: int) -> str:
    """Return the folder of keys that holds all objects of a task."""
    return f"media/tasks/{task_id}/"


def dedupe_key(task_id: int) -> str:
    """Return what keeps a second ingest of a task from starting."""
    return f"{INGEST}:{task_id}"


class Ingests:
    """Starts ingests.

    Args:
        database: The service's database.
        queue: Where the work waits.
        datas: Knows which tasks have data.
        uploads: Files that were sent.
    """

    def __init__(self, database: Database, queue: WorkQueue, datas: Datas, uploads: Uploads) -> None:
        self._database = database
        self._queue = queue
        self._datas = datas
        self._uploads = uploads

    async def require_open(self, task_id: int) -> None:
        """Return when the task takes data.

        Raises:
            DataExist: It has data.
            DataBeingMade: Its data are being made.
        """
        if await self._datas.exists(task_id):
            raise DataExist
        if await self.is_active(task_id):
            raise DataBeingMade

    async def start(self, task_id: int, params: DataParams, grant: Grant) -> RequestDescription:
        """Queue the ingest of what was uploaded and named; returns the request that tells of it.

        Raises:
            Invalid: An upload is not finished, or the order named is not that of the files.
            DataBeingMade: An ingest of the task is queued or running.
        """
        uploads = await self._uploads.settle(upload_scope(task_id))
        with media_errors():
            upload_order([upload.name for upload in uploads], params)
        request = RequestDescription(
            id=new_request_id(REQUEST_TYPE),
            type=REQUEST_TYPE,
            target="task",
            project_id=grant.facts.get("project_id"),
            task_id=task_id,
            organization_id=grant.facts.get("organization_id", grant.organization_id),
            service="media",
            user_id=grant.user_id or 0,
            username=grant.username,
        )
        order = _order(task_id, params, None)
        payload = payload_with_request(request, msgspec.to_builtins(order))
        await self._enqueue(request.id, task_id, payload, f"user:{request.user_id}", uploads)
        return request

    async def start_stored(self, task_id: int, params: DataParams, stored: StoredSource) -> str:
        """Queue the ingest of files that lie in the store already, for another service; returns the id of the work.

        Raises:
            DataBeingMade: An ingest of the task is queued or running.
        """
        work_id = new_request_id(INGEST)
        payload = msgspec.to_builtins(_order(task_id, params, stored))
        await self._enqueue(work_id, task_id, payload, "services", [])
        return work_id

    async def state(self, task_id: int) -> IngestState:
        """Say where the data of a task stand."""
        if await self._datas.exists(task_id):
            return IngestState("ready", 1.0)
        row = await latest_ingest(self._database, INGEST, dedupe_key(task_id))
        if row is None or row.state == "cancelled":
            return IngestState("none")
        return IngestState(row.state, row.progress, row.message)

    async def cancel(self, uow: UnitOfWork, task_id: int) -> bool:
        """Ask a queued or running ingest of a task to stop; False when there is none."""
        work_id = await active_ingest(self._database, dedupe_key(task_id))
        if work_id is None:
            return False
        await self._queue.request_cancel(uow, work_id)
        return True

    async def is_active(self, task_id: int) -> bool:
        """Say if an ingest of a task is queued or running."""
        return await active_ingest(self._database, dedupe_key(task_id)) is not None

    async def _enqueue(
        self, work_id: str, task_id: int, payload: dict[str, object], owner: str, uploads: Sequence[Upload]
    ) -> None:
        async with self._database.begin() as uow:
            try:
                await self._queue.enqueue(
                    uow, item_id=work_id, kind=INGEST, payload=payload, owner=owner, dedupe_key=dedupe_key(task_id)
                )
            except Conflict:
                raise DataBeingMade from None
            await self._uploads.claim(uow, uploads, work_id)


def _order(task_id: int, params: DataParams, stored: StoredSource | None) -> IngestOrder:
    return IngestOrder(
        task_id=task_id, params=params.model_dump(mode="json"), seed=secrets.randbelow(1 << 31), stored=stored
    )
