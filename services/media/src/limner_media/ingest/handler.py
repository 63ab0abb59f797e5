"""The work of an ingest, from claimed uploads to frames that can be read."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from limner_common.egress import EgressClient
from limner_common.errors import DomainError, ErrorKind
from limner_common.grants import Grant
from limner_common.ids import new_uuid
from limner_common.objects.threads import Threads
from limner_common.requests import request_of
from limner_common.uploads import Upload, Uploads
from limner_common.work.worker import WorkCancelled, WorkContext
from limner_media.core.archives import ArchiveLimits
from limner_media.datas.events import data_ready
from limner_media.datas.service import Datas
from limner_media.datas.values import NewData
from limner_media.errors import media_errors
from limner_media.ingest.gathering import Gathering, GatheringLimits
from limner_media.ingest.making import make_data
from limner_media.ingest.params import DataParams
from limner_media.ingest.service import IngestOrder, task_folder
from limner_media.ingest.workshop import Workshop
from limner_media.pool.processes import ProcessPool
from limner_media.settings import MediaSettings
from limner_media.sources.locating import Sources

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ingestion:
    """Everything an ingest works with; ``run`` is the handler of the work items."""

    settings: MediaSettings
    sources: Sources
    datas: Datas
    uploads: Uploads
    egress: EgressClient
    pool: ProcessPool
    threads: Threads
    scratch: Path

    async def run(self, context: WorkContext) -> None:
        """Make the data of a task, or leave nothing behind.

        Doing it again after a crash gives the same: what decides is in the order, and files made by an earlier try are
        removed first.

        Raises:
            DomainError: The data cannot be made; the message names the file.
        """
        order = msgspec.convert(context.item.payload, IngestOrder)
        uploads = await self.uploads.claimed(context.item.id)
        scratch = self.scratch / new_uuid().hex
        await self.threads.run(scratch.mkdir)
        try:
            await self._make(context, order, uploads, scratch)
        except WorkCancelled:
            await asyncio.shield(self.clean_up(order.task_id, uploads))
            raise
        except DomainError as error:
            if error.kind is not ErrorKind.UNAVAILABLE:
                await self.clean_up(order.task_id, uploads)
            raise
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True))

    async def clean_up(self, task_id: int, uploads: Sequence[Upload]) -> None:
        """Remove the files of an ingest that failed for good. Idempotent."""
        await self.uploads.remove(uploads)
        if not await self.datas.exists(task_id):
            await self.sources.objects.delete_prefix(f"{task_folder(task_id)}made/")

    async def _make(self, context: WorkContext, order: IngestOrder, uploads: Sequence[Upload], scratch: Path) -> None:
        made_folder = f"{task_folder(order.task_id)}made/"
        await self.sources.objects.delete_prefix(made_folder)
        key_folder = f"{made_folder}{new_uuid().hex}/"
        params = DataParams.model_validate(order.params)
        limits = GatheringLimits(self.settings.max_remote_bytes, self.settings.remote_downloads)
        with media_errors():
            if params.remote_files:
                await context.report(0.01, "Remote files are being fetched")
            gathering = Gathering(self.sources, self.egress, key_folder, limits)
            gathered = await gathering.gather(uploads, params, order.stored)
            context.check()
            shop = self._workshop(context, key_folder, scratch)
            made = await make_data(shop, order.task_id, gathered, params, seed=order.seed)
        async with context.finishing() as uow:
            await self.datas.insert(uow, made.new)
            await self.uploads.forget(uow, uploads)
            has_request = "request" in context.item.payload
            request = request_of(context.item) if has_request else None
            grant = Grant(
                issuer="media",
                action="",
                user_id=request.user_id if request else None,
                username=request.username if request else "",
            )
            request_id = request.id if request else ""
            uow.record(data_ready(made.new.data, job_sizes=made.job_sizes, request_id=request_id, grant=grant))
        await self._remove_unused(made.new, [upload.key for upload in uploads])

    def _workshop(self, context: WorkContext, key_folder: str, scratch: Path) -> Workshop:
        limits = ArchiveLimits(
            max_members=self.settings.max_archive_members,
            max_total_bytes=self.settings.max_archive_bytes,
            max_ratio=self.settings.max_archive_ratio,
        )
        return Workshop(
            sources=self.sources,
            pool=self.pool,
            threads=self.threads,
            limits=limits,
            max_frames=self.settings.max_frames,
            key_folder=key_folder,
            scratch=scratch,
            report=context.report,
        )

    async def _remove_unused(self, new: NewData, keys: Sequence[str]) -> None:
        """Remove uploads that no frame lies in: manifests, documents, unpacked archives, files of no known kind."""
        used = {frame.piece.key for frame in new.frames} | {piece.key for piece in new.related}
        if new.data.video is not None:
            used.add(new.data.video.piece.key)
        try:
            for key in set(keys) - used:
                await self.sources.objects.delete(key)
        except DomainError as error:
            # The data are ready; what stays goes with the task.
            log.warning("unused_upload_kept", task_id=new.data.task_id, reason=error.message)
