"""What the composition roots need to know of the service."""

from collections.abc import Mapping, Sequence

from limner_common.bus import Consumer
from limner_common.service import ServiceDefinition
from limner_common.work import Handler
from limner_exports.administration.service import administration
from limner_exports.all_tables import metadata
from limner_exports.app import create_app
from limner_exports.cleaning.events import consumer
from limner_exports.container import ExportsContainer, new_queue
from limner_exports.exporting.orders import EXPORT
from limner_exports.importing.orders import IMPORT, IMPORT_DATASET


def _consumers(_container: ExportsContainer) -> Sequence[Consumer]:
    return [consumer]


def _handlers(container: ExportsContainer) -> Mapping[str, Handler]:
    return {
        EXPORT: container.export_runner.run,
        IMPORT: container.import_runner.run,
        IMPORT_DATASET: container.dataset_runner.run,
    }


definition = ServiceDefinition(
    name="exports",
    metadata=metadata,
    migrations="limner_exports.migrations",
    build=ExportsContainer,
    create_app=create_app,
    new_queue=new_queue,
    consumers=_consumers,
    handlers=_handlers,
    administration=administration,
    keeps_objects=True,
)
