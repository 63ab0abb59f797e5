"""What the composition roots need to know of the service."""

from limner_api.all_tables import metadata
from limner_api.app import create_app
from limner_api.container import ApiContainer
from limner_api.jobs.annotations_saved import consumer as annotations_consumer
from limner_api.requests.events import consumer as requests_consumer
from limner_api.tasks.data_ready import consumer as data_consumer
from limner_common.service import ServiceDefinition

definition = ServiceDefinition(
    name="api",
    metadata=metadata,
    migrations="limner_api.migrations",
    build=ApiContainer,
    create_app=create_app,
    consumers=lambda _container: (requests_consumer, data_consumer, annotations_consumer),
)
