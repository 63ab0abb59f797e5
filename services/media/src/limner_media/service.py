"""What the composition roots need to know of the service."""

from collections.abc import Mapping, Sequence

from limner_common.bus.consumer import Consumer
from limner_common.service import ServiceDefinition
from limner_common.work import Handler
from limner_media.administration.service import administration
from limner_media.app import create_app
from limner_media.cleaning.events import task_consumer
from limner_media.cleaning.service import PURGE
from limner_media.container import MediaContainer, new_queue
from limner_media.ingest.service import INGEST
from limner_media.tables import metadata


def _consumers(container: MediaContainer) -> Sequence[Consumer]:
    return [task_consumer(container.cleaning)]


def _handlers(container: MediaContainer) -> Mapping[str, Handler]:
    return {INGEST: container.ingestion.run, PURGE: container.cleaning.purge}


definition = ServiceDefinition(
    name="media",
    metadata=metadata,
    migrations="limner_media.migrations",
    build=MediaContainer,
    create_app=create_app,
    new_queue=new_queue,
    consumers=_consumers,
    handlers=_handlers,
    administration=administration,
    keeps_objects=True,
)
