"""What the composition roots need to know of the service."""

from limner_exports.app import create_app
from limner_exports.container import ExportsContainer
from limner_exports.tables import metadata
from limner_common.service import ServiceDefinition

definition = ServiceDefinition(
    name="exports",
    metadata=metadata,
    migrations="limner_exports.migrations",
    build=ExportsContainer,
    create_app=create_app,
)
