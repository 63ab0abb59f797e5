"""Runs exports: pins, writes the archive in a thread, stores it, and marks the request finished."""

import asyncio
import hashlib
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import structlog

from limner_clients.annotations import AnnotationsClient, Kind
from limner_clients.media import MediaClient
from limner_common.clock import utc_now
from limner_common.db import Database
from limner_common.objects import ObjectStore
from limner_common.observe.metrics import timed
from limner_common.requests import request_of
from limner_common.work import WorkCancelled, WorkContext
from limner_common.work.worker import LeaseLost
from limner_exports import metrics
from limner_exports.bridging import LoopBridge, run_bridged
from limner_exports.exporting import repository
from limner_exports.exporting.contexts import context_of
from limner_exports.exporting.file_names import result_name, wanted_name
from limner_exports.exporting.frames import ScopeReader, count_frames
from limner_exports.exporting.orders import ExportOrder, attempts_prefix, object_key
from limner_exports.exporting.pinning import PinnedScope, Pinning, cache_key
from limner_exports.exporting.repository import StoredFile
from limner_exports.faults import format_faults
from limner_exports.formats import Report, find_exporter, write_dataset

log = structlog.get_logger(__name__)

_ZIP = "application/zip"
_REPORT_SECONDS = 1.0
_HASHED_BYTES = 1 << 20
#: A file that would go sooner than this part of its lifetime is made again.
_REUSABLE_PART = 0.25
_ALL_KINDS: tuple[Kind, ...] = ("tags", "shapes", "tracks")
_WITHOUT_TRACKS: tuple[Kind, ...] = ("tags", "shapes")


@dataclass(frozen=True, slots=True)
class ExportTools:
    """What exports are run with.

    Attributes:
        database: The service's database.
        objects: Where results go.
        pinning: Fixes what an export shows.
        annotations: Where objects come from.
        media: Where frames come from.
        executor: Threads of the writers.
        scratch: Folder for archives that are being written.
        lifetime: How long results stay.
    """

    database: Database
    objects: ObjectStore
    pinning: Pinning
    annotations: AnnotationsClient
    media: MediaClient
    executor: Executor
    scratch: Path
    lifetime: timedelta


class ExportRunner:
    """Handler of export items. A failed, cancelled or repeated run leaves no object behind."""

    def __init__(self, tools: ExportTools) -> None:
        self._tools = tools

    async def run(self, context: WorkContext) -> None:
        """Export what the item orders, or find the same file made before.

        Raises:
            DomainError: It cannot be exported; the message says why.
            WorkCancelled: Somebody cancelled it.
        """
        item, tools = context.item, self._tools
        order = msgspec.convert(item.payload, ExportOrder)
        if item.attempts > 1:
            await tools.objects.delete_prefix(attempts_prefix(item.id))
        scope = await tools.pinning.pin(order)
        key = cache_key(order, scope)
        async with tools.database.read() as connection:
            same = await repository.find_same(connection, key, valid_for=tools.lifetime * _REUSABLE_PART)
        if same is not None and await tools.objects.exists(same.object_key):
            await self._finish(context, order, scope, key, same)
            return
        made = await self._make(context, order, scope)
        try:
            await self._finish(context, order, scope, key, made)
        except (LeaseLost, WorkCancelled, asyncio.CancelledError):
            await asyncio.shield(tools.objects.delete(made.object_key))
            raise

    async def _finish(
        self, context: WorkContext, order: ExportOrder, scope: PinnedScope, key: str, file: StoredFile
    ) -> None:
        item = context.item
        result = {
            "result_path": f"/api/{order.kind}s/{order.id}/dataset/download?rq_id={item.id}",
            "expires_at": int(file.expires_at.timestamp()),
        }
        values = {
            "owner_id": request_of(item).user_id,
            "project_id": order.project_id,
            "task_id": order.task_id,
            "cache_key": key,
            "file_name": _file_name(order, scope, context),
        }
        async with context.finishing(result) as uow:
            await repository.add(uow, item.id, file, values)

    async def _make(self, context: WorkContext, order: ExportOrder, scope: PinnedScope) -> StoredFile:
        item, tools = context.item, self._tools
        path = tools.scratch / f"{item.id}-{item.attempts}.zip"
        try:
            with timed(metrics.DATASET_SECONDS, "export", order.format):
                report = await self._write(context, order, scope, path)
            metrics.OBJECTS.labels("export", order.format).inc(report.objects)
            log.info("export_written", work_id=item.id, format=order.format, frames=report.frames, objects=report.objects)
            size_bytes, digest = await asyncio.get_running_loop().run_in_executor(tools.executor, _measure, path)
            key = object_key(item.id, item.attempts)
            await tools.objects.put_file(key, path, move=True, content_type=_ZIP)
        finally:
            path.unlink(missing_ok=True)
        return StoredFile(key, size_bytes, digest, utc_now() + tools.lifetime)

    async def _write(self, context: WorkContext, order: ExportOrder, scope: PinnedScope, path: Path) -> Report:
        tools = self._tools
        spec = find_exporter(order.format)
        described = context_of(order, scope)
        progress = _Progress(context, count_frames(scope))

        def write(bridge: LoopBridge) -> Report:
            reader = ScopeReader(
                scope,
                described,
                annotations=tools.annotations,
                media=tools.media,
                bridge=bridge,
                on_frame=progress.advance,
            )
            frames = reader.frames(_WITHOUT_TRACKS if spec.uses_tracks else _ALL_KINDS)
            with path.open("wb") as file:
                return write_dataset(spec, described, frames, reader.tracks, file)

        reporting = asyncio.create_task(progress.report())
        try:
            with format_faults():
                return await run_bridged(tools.executor, write)
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)


class _Progress:
    """Counts the frames that the thread has written, and reports them from the event loop."""

    def __init__(self, context: WorkContext, total: int) -> None:
        self._context = context
        self._total = max(total, 1)
        self._done = 0

    def advance(self) -> None:
        """Count a frame; called in the thread.

        Raises:
            WorkCancelled: The work is to stop.
        """
        self._context.check()
        self._done += 1

    async def report(self) -> None:
        """Report until cancelled."""
        with suppress(WorkCancelled, LeaseLost):  # the thread stops by itself
            while True:
                await asyncio.sleep(_REPORT_SECONDS)
                share = min(self._done / self._total, 1.0)
                await self._context.report(share, f"{self._done} of {self._total} frames written")


def _file_name(order: ExportOrder, scope: PinnedScope, context: WorkContext) -> str:
    if order.file_name and (wanted := wanted_name(order.file_name)):
        return wanted
    name = ""
    if scope.project is not None:
        name = scope.project.name
    elif scope.job is None:
        name = scope.tasks[0].facts.name
    return result_name(
        order.kind,
        order.id,
        name,
        order.format,
        has_images=order.save_images,
        made_at=context.item.created_at,
    )


def _measure(path: Path) -> tuple[int, str]:
    digest = hashlib.sha256()
    size_bytes = 0
    with path.open("rb") as file:
        while block := file.read(_HASHED_BYTES):
            digest.update(block)
            size_bytes += len(block)
    return size_bytes, digest.hexdigest()
