"""Every topic, as proto/topics.yaml has it. Generated: do not edit."""

from dataclasses import dataclass
from typing import Any

from limner_contracts.annotations.v1.job_annotations_event_pb2 import JobAnnotationsEvent
from limner_contracts.catalog.v1.job_event_pb2 import JobEvent
from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from limner_contracts.media.v1.data_event_pb2 import DataEvent
from limner_contracts.requests.v1.request_event_pb2 import RequestEvent


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: its message, its key, who produces and consumes it, and how it is kept."""

    message: Any
    key: str
    producer: str
    consumers: tuple[str, ...]
    partitions: int
    retention_hours: int


TOPICS: dict[str, Topic] = {
    "limner.catalog.project.v1": Topic(
        message=ProjectEvent,
        key="project id",
        producer="api",
        consumers=("annotations", "exports", "analytics",),
        partitions=6,
        retention_hours=72,
    ),
    "limner.catalog.task.v1": Topic(
        message=TaskEvent,
        key="task id",
        producer="api",
        consumers=("media", "annotations", "exports", "analytics",),
        partitions=12,
        retention_hours=72,
    ),
    "limner.catalog.job.v1": Topic(
        message=JobEvent,
        key="job id",
        producer="api",
        consumers=("annotations", "analytics",),
        partitions=12,
        retention_hours=72,
    ),
    "limner.media.data.v1": Topic(
        message=DataEvent,
        key="task id",
        producer="media",
        consumers=("api", "analytics",),
        partitions=12,
        retention_hours=72,
    ),
    "limner.media.request.v1": Topic(
        message=RequestEvent,
        key="request id",
        producer="media",
        consumers=("api",),
        partitions=12,
        retention_hours=72,
    ),
    "limner.exports.request.v1": Topic(
        message=RequestEvent,
        key="request id",
        producer="exports",
        consumers=("api",),
        partitions=12,
        retention_hours=72,
    ),
    "limner.annotations.job.v1": Topic(
        message=JobAnnotationsEvent,
        key="job id",
        producer="annotations",
        consumers=("api", "analytics",),
        partitions=24,
        retention_hours=72,
    ),
}
