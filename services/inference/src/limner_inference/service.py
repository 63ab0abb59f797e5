"""What the composition roots need to know of the service."""

from limner_common.service import ServiceDefinition
from limner_inference.app import create_app
from limner_inference.container import InferenceContainer, new_queue
from limner_inference.tables import metadata

definition = ServiceDefinition(
    name="inference",
    metadata=metadata,
    migrations="limner_inference.migrations",
    build=InferenceContainer,
    create_app=create_app,
    new_queue=new_queue,
)
