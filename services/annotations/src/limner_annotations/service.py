"""What the composition roots need to know of the service."""

from collections.abc import Mapping

from limner_annotations.administration.service import administration
from limner_annotations.app import create_app
from limner_annotations.cleanup.events import consumers
from limner_annotations.cleanup.service import PURGE, purge
from limner_annotations.container import AnnotationsContainer, new_queue
from limner_annotations.tables import metadata
from limner_common.service import ServiceDefinition
from limner_common.work import Handler, WorkContext


def handlers(container: AnnotationsContainer) -> Mapping[str, Handler]:
    """Return what the service's workers do."""

    async def run_purge(context: WorkContext) -> None:
        await purge(container.database, context, batch_rows=container.settings.purge_rows)

    return {PURGE: run_purge}


definition = ServiceDefinition(
    name="annotations",
    metadata=metadata,
    migrations="limner_annotations.migrations",
    build=AnnotationsContainer,
    create_app=create_app,
    new_queue=new_queue,
    consumers=consumers,
    handlers=handlers,
    administration=administration,
)
