"""Runs imports of datasets into projects: a task for each subset, with the pictures and annotations of the archive.

Each step finds out what an earlier run has done and goes on from there. When the import fails for good, the tasks it made
are deleted.
"""

import asyncio
from dataclasses import dataclass

import msgspec
import structlog

from limner_clients.catalog_orders import CatalogOrders
from limner_clients.media import StoredArchive, StoredSource
from limner_common.db import Database
from limner_common.errors import DomainError, ErrorKind, Invalid
from limner_common.observe.metrics import timed
from limner_common.requests import request_of
from limner_common.uploads import Upload
from limner_common.work import WorkCancelled, WorkContext
from limner_exports import metrics
from limner_exports.faults import format_faults
from limner_exports.formats import (
    DatasetSummary,
    FormatSpec,
    ImportMedia,
    SafeArchive,
    find_importer,
    plan_labels,
    scan_dataset,
)
from limner_exports.importing import repository
from limner_exports.importing.handler import ImportTools, Reading, claimed_upload, import_annotations, read_options
from limner_exports.importing.label_orders import label_orders
from limner_exports.importing.orders import ImportOrder
from limner_exports.importing.targets import target_frames
from limner_model.facts import TaskFacts
from limner_model.labels import LabelSchema

log = structlog.get_logger(__name__)

#: Source: FORMATS.md §2.
_IMAGE_QUALITY = 70


@dataclass(frozen=True, slots=True)
class DatasetTools:
    """What dataset imports are run with beyond what all imports need.

    Attributes:
        database: The service's database.
        orders: Makes tasks and labels.
    """

    database: Database
    orders: CatalogOrders


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of one import."""

    context: WorkContext
    order: ImportOrder
    spec: FormatSpec
    upload: Upload
    archive: SafeArchive


class DatasetRunner:
    """Handler of dataset imports."""

    def __init__(self, tools: ImportTools, datasets: DatasetTools) -> None:
        self._tools = tools
        self._datasets = datasets

    async def run(self, context: WorkContext) -> None:
        """Import what the item orders.

        Raises:
            DomainError: It cannot be imported; the message says why, and the tasks made for it are gone.
            WorkCancelled: Somebody cancelled it; as above.
        """
        order = msgspec.convert(context.item.payload, ImportOrder)
        async with claimed_upload(self._tools.uploads, context) as upload:
            try:
                async with self._tools.archives.open(upload) as archive:
                    run = _Run(context, order, find_importer(order.format), upload, archive)
                    result = await self._import(run)
            except (DomainError, WorkCancelled) as error:
                is_passing = isinstance(error, DomainError) and error.kind is ErrorKind.UNAVAILABLE
                if not is_passing or context.item.attempts >= context.item.max_attempts:
                    await self._undo(context.item.id)
                raise
            async with context.finishing(result) as uow:
                await repository.forget_tasks(uow, context.item.id)
                await self._tools.uploads.forget(uow, [upload])
        await self._tools.archives.remove(upload)

    async def _import(self, run: _Run) -> dict[str, object]:
        if run.archive.bare_name:
            raise Invalid("A dataset for a project must be an archive with its pictures.", code="dataset_without_media")
        await run.context.report(0.0, "Reading the dataset")
        summary = await self._scan(run)
        if not summary.media:
            raise Invalid("The archive holds none of the pictures of its dataset.", code="dataset_without_media")
        await self._make_labels(run, summary)
        objects, warnings = 0, []
        for index, (subset, media) in enumerate(sorted(summary.media.items())):
            await run.context.report(index / len(summary.media), f"Importing the subset {subset}")
            task = await self._make_task(run, subset, media)
            done = await self._annotate(run, subset, task)
            objects += int(str(done["objects"]))
            warnings.append(done["warnings"])
        return {"objects": objects, "warnings": warnings}

    async def _scan(self, run: _Run) -> DatasetSummary:
        project = await self._tools.catalog.project(run.order.id)
        labels = LabelSchema(version=0, labels=project.labels)
        loop = asyncio.get_running_loop()
        with format_faults():
            return await loop.run_in_executor(self._tools.executor, scan_dataset, run.spec, run.archive, labels)

    async def _make_labels(self, run: _Run, summary: DatasetSummary) -> None:
        project = await self._tools.catalog.project(run.order.id)
        with format_faults():
            plans = plan_labels(summary, LabelSchema(version=0, labels=project.labels))
        if plans:
            request = request_of(run.context.item)
            orders = label_orders(plans, project.labels)
            await self._datasets.orders.extend_labels(project.id, orders, user_id=request.user_id, username=request.username)

    async def _make_task(self, run: _Run, subset: str, media: list[ImportMedia]) -> TaskFacts:
        request = request_of(run.context.item)
        task_id = await self._task_id(run.context.item.id, subset)
        await self._datasets.orders.put_task(
            task_id,
            project_id=run.order.id,
            name=subset,
            subset=subset,
            user_id=request.user_id,
            username=request.username,
        )
        state = await self._tools.media.state(task_id)
        if state.state in ("none", "failed"):
            members = {picture.member: picture.name for picture in media}
            source = StoredSource(archive=StoredArchive(key=run.upload.key, members=members))
            await self._tools.media.create_data(task_id, source, {"image_quality": _IMAGE_QUALITY, "use_zip_chunks": True})
        await self._wait_for_data(run.context, task_id)
        return await self._wait_for_jobs(run.context, task_id)

    async def _task_id(self, work_id: str, subset: str) -> int:
        """Return the task of a subset, noted down before it is made."""
        async with self._datasets.database.read() as connection:
            known = await repository.find_task(connection, work_id, subset)
        if known is not None:
            return known
        task_id = await self._datasets.orders.reserve_task_id()
        async with self._datasets.database.begin() as uow:
            return await repository.note_task(uow, work_id, subset, task_id)

    async def _wait_for_data(self, context: WorkContext, task_id: int) -> None:
        while (state := await self._tools.media.state(task_id)).state != "ready":
            if state.state == "failed":
                raise Invalid(state.message or "The pictures of the dataset cannot be used.", code="bad_pictures")
            context.check()
            await asyncio.sleep(self._tools.settings.data_poll_seconds)

    async def _wait_for_jobs(self, context: WorkContext, task_id: int) -> TaskFacts:
        while True:
            facts = await self._tools.catalog.task(task_id)
            if facts.size and facts.jobs:
                return facts
            context.check()
            await asyncio.sleep(self._tools.settings.data_poll_seconds)

    async def _annotate(self, run: _Run, subset: str, task: TaskFacts) -> dict[str, object]:
        options = read_options(run.order, self._tools.settings, subset=subset, drops_background=True)
        reading = Reading(
            archive=run.archive,
            spec=run.spec,
            facts=task,
            frames=await target_frames(self._tools.media, task.id, None),
            options=options,
            request_id=f"{run.context.item.id}-{task.id}",
        )
        with timed(metrics.DATASET_SECONDS, "import", run.order.format):
            return await import_annotations(self._tools, run.context, run.order, reading)

    async def sweep(self) -> int:
        """Delete tasks of imports that were given up without a word; returns how many imports that were."""
        async with self._datasets.database.read() as connection:
            ended = await repository.ended_imports(connection, self._datasets.database.table("work_items"))
        for work_id in ended:
            await self._undo(work_id)
        return len(ended)

    async def _undo(self, work_id: str) -> None:
        async with self._datasets.database.read() as connection:
            task_ids = await repository.find_tasks(connection, work_id)
        for task_id in task_ids:
            try:
                await self._datasets.orders.delete_task(task_id)
            except DomainError as error:  # the next sweep tries again
                log.warning("imported_task_left", work_id=work_id, task_id=task_id, error=error.message)
                return
        async with self._datasets.database.begin() as uow:
            await repository.forget_tasks(uow, work_id)
