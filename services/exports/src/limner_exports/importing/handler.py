"""Runs imports of annotations: an archive is read in a thread and sent to storage in bounded parts, all or nothing."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
import structlog

from limner_clients.annotations import AnnotationsClient, ImportAuthor
from limner_clients.annotations import ImportMode as WireMode
from limner_clients.catalog import CatalogClient
from limner_clients.media import MediaClient
from limner_common.errors import DomainError, ErrorKind, Invalid
from limner_common.observe.metrics import timed
from limner_common.requests import request_of
from limner_common.uploads import Upload, Uploads
from limner_common.work import WorkCancelled, WorkContext
from limner_exports import metrics
from limner_exports.exporting.pinning import job_of
from limner_exports.faults import format_faults
from limner_exports.formats import (
    FormatSpec,
    ReadOptions,
    SafeArchive,
    ScopeKind,
    TargetFrames,
    find_importer,
    read_dataset,
)
from limner_exports.importing.archives import Archives
from limner_exports.importing.documents import Documents
from limner_exports.importing.orders import ImportOrder
from limner_exports.importing.targets import target_frames
from limner_exports.parameters import check_format
from limner_exports.settings import ExportsSettings
from limner_model.facts import TaskFacts
from limner_model.labels import LabelSchema

log = structlog.get_logger(__name__)

_BATCH_OBJECTS = 2000
_REPORT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ImportTools:
    """What imports are run with.

    Attributes:
        uploads: Files that were sent.
        archives: Opens them.
        catalog: Knows tasks and labels.
        annotations: Takes the objects.
        media: Knows the frames.
        executor: Threads of the readers.
        settings: Sizes and limits.
    """

    uploads: Uploads
    archives: Archives
    catalog: CatalogClient
    annotations: AnnotationsClient
    media: MediaClient
    executor: Executor
    settings: ExportsSettings


@dataclass(frozen=True, slots=True)
class Reading:
    """How one task or job is read from an archive.

    Attributes:
        archive: The opened archive.
        spec: Its format.
        facts: The task that receives the annotations.
        frames: Its frames.
        options: How to read.
        request_id: Names the import to storage: a second one does nothing.
    """

    archive: SafeArchive
    spec: FormatSpec
    facts: TaskFacts
    frames: TargetFrames
    options: ReadOptions
    request_id: str


class ImportRunner:
    """Handler of import items."""

    def __init__(self, tools: ImportTools) -> None:
        self._tools = tools

    async def run(self, context: WorkContext) -> None:
        """Import what the item orders; storage does it once, however often this runs.

        Raises:
            DomainError: It cannot be imported; nothing was changed and the message says why.
            WorkCancelled: Somebody cancelled it before it was stored.
        """
        tools = self._tools
        order = msgspec.convert(context.item.payload, ImportOrder)
        assert order.task_id is not None
        async with claimed_upload(tools.uploads, context) as upload:
            async with tools.archives.open(upload) as archive:
                facts = await tools.catalog.task(order.task_id)
                if facts.size == 0:
                    raise Invalid("The task has no data yet.", code="task_without_data")
                job = job_of(facts, order.id) if order.kind is ScopeKind.JOB else None
                reading = Reading(
                    archive=archive,
                    spec=check_format(find_importer(order.format), facts.dimension),
                    facts=facts,
                    frames=await target_frames(tools.media, facts.id, job),
                    options=read_options(order, tools.settings),
                    request_id=context.item.id,
                )
                with timed(metrics.DATASET_SECONDS, "import", order.format):
                    result = await import_annotations(tools, context, order, reading)
            async with context.finishing(result) as uow:
                await tools.uploads.forget(uow, [upload])
        await tools.archives.remove(upload)


def read_options(
    order: ImportOrder, settings: ExportsSettings, *, subset: str | None = None, drops_background: bool = False
) -> ReadOptions:
    """Return how an order is read; see ``ReadOptions``."""
    return ReadOptions(
        conv_mask_to_poly=order.conv_mask_to_poly,
        subset=subset,
        drops_background=drops_background,
        batch_size=_BATCH_OBJECTS,
        max_errors=settings.max_import_errors,
    )


@asynccontextmanager
async def claimed_upload(uploads: Uploads, context: WorkContext) -> AsyncIterator[Upload]:
    """Give the file that a work item owns; it is removed when the work ends without success.

    Raises:
        Invalid: There is none.
    """
    found = await uploads.claimed(context.item.id)
    if not found:
        raise Invalid("The uploaded file is no longer there; send it again.", code="upload_gone")
    try:
        yield found[0]
    except (WorkCancelled, DomainError) as error:
        is_to_be_tried_again = (
            isinstance(error, DomainError)
            and error.kind is ErrorKind.UNAVAILABLE
            and context.item.attempts < context.item.max_attempts
        )
        if not is_to_be_tried_again:
            await uploads.remove(found)
        raise


async def import_annotations(
    tools: ImportTools, context: WorkContext, order: ImportOrder, reading: Reading
) -> dict[str, object]:
    """Read a dataset and store it in one task or job; returns how much it was.

    Raises:
        Invalid: The dataset is refused, nothing was stored.
    """
    facts = reading.facts
    labels = LabelSchema(version=0, labels=facts.labels)
    progress = _Progress(context)
    with format_faults():
        batches = await asyncio.get_running_loop().run_in_executor(
            tools.executor, read_dataset, reading.spec, reading.archive, reading.frames, labels, reading.options
        )
    documents = Documents(batches, tools.executor, part_bytes=tools.settings.import_part_bytes, on_part=progress.count)
    request = request_of(context.item)
    author = ImportAuthor(
        user_id=request.user_id, username=request.username, reason=f"Imported {order.file_name} ({order.format})"
    )
    mode: WireMode = "append" if order.mode == "append" else "replace"
    reporting = asyncio.create_task(progress.report())
    try:
        if order.kind is ScopeKind.JOB:
            done = await tools.annotations.import_job(
                order.id, documents, task_id=facts.id, mode=mode, request_id=reading.request_id, author=author
            )
        else:
            done = await tools.annotations.import_task(
                facts.id, documents, mode=mode, request_id=reading.request_id, author=author
            )
    except DomainError:
        if documents.error is not None:
            raise documents.error from None
        raise
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
    for warning in documents.warnings:
        log.warning("import_left_out", work_id=context.item.id, reason=warning)
    metrics.OBJECTS.labels("import", order.format).inc(done.objects)
    return {"objects": done.objects, "warnings": documents.warnings}


class _Progress:
    """How many objects have been read; stops the reading when the work is cancelled."""

    def __init__(self, context: WorkContext) -> None:
        self._context = context
        self._objects = 0

    def count(self, objects: int) -> None:
        """Note how many objects have been read.

        Raises:
            WorkCancelled: The work is to stop.
        """
        self._context.check()
        self._objects = objects

    async def report(self) -> None:
        """Report until cancelled."""
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            await self._context.report(self._context.item.progress, f"{self._objects} objects read")
