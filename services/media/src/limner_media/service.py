"""What the composition roots need to know of the service."""

from limner_media.app import create_app
from limner_media.container import MediaContainer
from limner_media.tables import metadata
from limner_common.service import ServiceDefinition

definition = ServiceDefinition(
    name="media",
    metadata=metadata,
    migrations="limner_media.migrations",
    build=MediaContainer,
    create_app=create_app,
)
