"""The service's container: adapters, processes and features."""

import asyncio
from datetime import timedelta

import structlog

from limner_clients.catalog import CatalogClient
from limner_common.egress import AllowList, EgressClient
from limner_common.objects import FolderObjectStore
from limner_common.objects.threads import Threads
from limner_common.requests import request_observer
from limner_common.service import Resources
from limner_common.uploads import Uploads
from limner_common.work import WorkQueue
from limner_media import tables
from limner_media.chunks.service import Builds, Chunks
from limner_media.cleaning.service import Cleaning
from limner_media.core.images import set_pixel_limit
from limner_media.datas.service import Datas
from limner_media.frames.service import Frames
from limner_media.ingest.handler import Ingestion
from limner_media.ingest.headers import load_decoders
from limner_media.ingest.service import Ingests
from limner_media.pool.processes import ProcessPool
from limner_media.settings import MediaSettings
from limner_media.sources.locating import Sources

log = structlog.get_logger(__name__)

_THREADS = 8
#: An ingest pool is asked by a few workers only; its queue is theirs.
_INGEST_QUEUE_LIMIT = 10_000


def new_queue() -> WorkQueue:
    """Return the service's queue, which tells of its work as background requests."""
    return WorkQueue(request_observer("media", announces_finish=False))


class MediaContainer:
    """Everything routes, consumers and workers of the service reach their adapters through.

    Args:
        resources: What the service runs on.
        settings: The service's own settings; read from the environment when None.
    """

    def __init__(self, resources: Resources, settings: MediaSettings | None = None) -> None:
        settings = settings or MediaSettings()
        shared = resources.settings
        self.resources = resources
        self.settings = settings
        self.keyring = resources.keyring
        self.database = resources.database
        self.queue = new_queue()
        self.catalog = CatalogClient(resources.upstreams, resources.keyring)
        self.pool = ProcessPool(
            settings.pool_processes,
            queue_limit=settings.pool_queue_limit,
            call_seconds=settings.pool_call_seconds,
            max_pixels=settings.max_image_pixels,
            max_open_videos=settings.open_videos_per_process,
            name="requests",
        )
        self.ingest_pool = ProcessPool(
            settings.ingest_processes,
            queue_limit=_INGEST_QUEUE_LIMIT,
            call_seconds=settings.ingest_call_seconds,
            max_pixels=settings.max_image_pixels,
            name="ingest",
        )
        self.threads = Threads(_THREADS, "media")
        self.egress = EgressClient(AllowList.parse(shared.egress_allow))
        share = None if shared.share_folder is None else FolderObjectStore(shared.share_folder)
        self._share = share
        self.sources = Sources(resources.objects, share)
        self.uploads = Uploads(
            self.database, resources.objects, tables.uploads, folder="media", max_bytes=shared.max_upload_bytes
        )
        self.datas = Datas(self.database)
        self.builds = Builds(resources.cache, resources.replicas)
        self.chunks = Chunks(
            self.datas, self.sources, self.pool, self.threads, self.builds, is_prefetching=settings.is_prefetching
        )
        self.frames = Frames(self.datas, self.sources, self.pool, self.threads, self.builds)
        self.ingests = Ingests(self.database, self.queue, self.datas, self.uploads)
        self.ingestion = Ingestion(
            settings=settings,
            sources=self.sources,
            datas=self.datas,
            uploads=self.uploads,
            egress=self.egress,
            pool=self.ingest_pool,
            threads=self.threads,
            scratch=resources.scratch,
        )
        self.cleaning = Cleaning(
            self.database, self.queue, self.datas, self.ingests, self.uploads, resources.objects, resources.cache
        )
        self._background: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "MediaContainer":
        # Headers are read in threads of this process too.
        set_pixel_limit(self.settings.max_image_pixels)
        self._background = [asyncio.create_task(self._warm_up()), asyncio.create_task(self._sweep_for_ever())]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.chunks.close()
        await self.pool.close()
        await self.ingest_pool.close()
        await self.egress.aclose()
        if self._share is not None:
            await self._share.aclose()
        self.threads.close()

    async def _warm_up(self) -> None:
        await self.threads.run(load_decoders)
        await self.pool.warm_up()

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.settings.sweep_interval_seconds)
            try:
                count = await self.cleaning.sweep(timedelta(hours=self.settings.upload_expiry_hours))
            except Exception as error:  # the database or the store may be away; the next round finds the same
                log.warning("sweep_failed", error=repr(error))
            else:
                log.info("uploads_swept", count=count)
