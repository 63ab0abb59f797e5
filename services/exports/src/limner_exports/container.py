"""The service's container: adapters and features."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog

from limner_clients.annotations import AnnotationsClient
from limner_clients.catalog import CatalogClient
from limner_clients.catalog_orders import CatalogOrders
from limner_clients.media import MediaClient
from limner_common.requests import request_observer
from limner_common.service import Resources
from limner_common.uploads import Uploads
from limner_common.work import WorkQueue
from limner_exports import tables
from limner_exports.cleaning.service import Cleaning
from limner_exports.exporting.handler import ExportRunner, ExportTools
from limner_exports.exporting.pinning import Pinning
from limner_exports.exporting.service import Exports
from limner_exports.importing.archives import Archives
from limner_exports.importing.datasets import DatasetRunner, DatasetTools
from limner_exports.importing.handler import ImportRunner, ImportTools
from limner_exports.importing.service import Imports
from limner_exports.settings import ExportsSettings

log = structlog.get_logger(__name__)


def new_queue() -> WorkQueue:
    """Return the service's queue, which tells of its work as background requests."""
    return WorkQueue(request_observer("exports"))


class ExportsContainer:
    """Everything routes, consumers and workers of the service reach their adapters through.

    Args:
        resources: What the service runs on.
        settings: The service's own settings; read from the environment when None.
    """

    def __init__(self, resources: Resources, settings: ExportsSettings | None = None) -> None:
        self.settings = settings = settings or ExportsSettings()
        self.resources = resources
        self.keyring = resources.keyring
        self.database = resources.database
        self.queue = new_queue()
        self.catalog = CatalogClient(resources.upstreams, resources.keyring)
        self.annotations = AnnotationsClient(resources.upstreams, resources.keyring)
        self.media = MediaClient(resources.upstreams, resources.keyring)
        self.executor = ThreadPoolExecutor(settings.threads, thread_name_prefix="exports")
        self.uploads = Uploads(
            self.database,
            resources.objects,
            tables.uploads,
            folder="exports",
            max_bytes=resources.settings.max_upload_bytes,
        )
        self.exports = Exports(self.database, self.queue, self.catalog)
        self.imports = Imports(self.database, self.queue, self.uploads)
        lifetime = timedelta(hours=settings.result_lifetime_hours)
        self.export_runner = ExportRunner(self._export_tools(lifetime))
        import_tools = self._import_tools()
        self.import_runner = ImportRunner(import_tools)
        orders = CatalogOrders(resources.upstreams, resources.keyring)
        self.dataset_runner = DatasetRunner(import_tools, DatasetTools(self.database, orders))
        self.cleaning = Cleaning(
            self.database,
            resources.objects,
            self.uploads,
            lifetime=lifetime,
            upload_lifetime=timedelta(hours=settings.upload_expiry_hours),
        )
        self._sweeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "ExportsContainer":
        self._sweeping = asyncio.create_task(self._sweep_for_ever())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        self.executor.shutdown(wait=False, cancel_futures=True)

    def _export_tools(self, lifetime: timedelta) -> ExportTools:
        return ExportTools(
            database=self.database,
            objects=self.resources.objects,
            pinning=Pinning(self.catalog, self.media, self.annotations),
            annotations=self.annotations,
            media=self.media,
            executor=self.executor,
            scratch=self.resources.scratch,
            lifetime=lifetime,
        )

    def _import_tools(self) -> ImportTools:
        return ImportTools(
            uploads=self.uploads,
            archives=Archives(self.resources.objects, self.resources.scratch, self.executor),
            catalog=self.catalog,
            annotations=self.annotations,
            media=self.media,
            executor=self.executor,
            settings=self.settings,
        )

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.settings.sweep_interval_seconds)
            try:
                count = await self.cleaning.sweep() + await self.dataset_runner.sweep()
            except Exception as error:  # the database or the store may be away; the next round finds the same
                log.warning("sweep_failed", error=repr(error))
            else:
                log.info("exports_swept", count=count)
