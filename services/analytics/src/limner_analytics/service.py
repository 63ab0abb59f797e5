"""What the composition roots need to know of the service."""

from limner_analytics.app import create_app
from limner_analytics.container import AnalyticsContainer, new_queue
from limner_analytics.events.server_events import consumer
from limner_analytics.tables import metadata
from limner_common.service import ServiceDefinition

definition = ServiceDefinition(
    name="analytics",
    metadata=metadata,
    migrations="limner_analytics.migrations",
    build=AnalyticsContainer,
    create_app=create_app,
    new_queue=new_queue,
    consumers=lambda _container: (consumer,),
)
