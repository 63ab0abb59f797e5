"""What the composition roots need to know of the service."""

from limner_annotations.app import create_app
from limner_annotations.container import AnnotationsContainer
from limner_annotations.tables import metadata
from limner_common.service import ServiceDefinition

definition = ServiceDefinition(
    name="annotations",
    metadata=metadata,
    migrations="limner_annotations.migrations",
    build=AnnotationsContainer,
    create_app=create_app,
)
