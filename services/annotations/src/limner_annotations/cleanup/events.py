"""Facts of the catalog that end annotations or change their labels."""

from typing import Any

from google.protobuf.message import DecodeError

from limner_annotations.cleanup import service
from limner_annotations.container import AnnotationsContainer
from limner_annotations.labels.owners import LabelOwner, OwnerKind
from limner_annotations.labels.service import forget_owner
from limner_annotations.revisions.relabeling import LabelMap
from limner_common.bus import Consumer, Delivery, InvalidMessage
from limner_common.db import UnitOfWork
from limner_contracts.catalog.v1.job_event_pb2 import JobEvent
from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent

GROUP = "annotations.catalog"
_EVENTS: dict[str, Any] = {
    "limner.catalog.task.v1": TaskEvent,
    "limner.catalog.job.v1": JobEvent,
    "limner.catalog.project.v1": ProjectEvent,
}


def consumers(container: AnnotationsContainer) -> list[Consumer]:
    """Return the service's consumers."""

    async def handle(uow: UnitOfWork, delivery: Delivery) -> None:
        event = _EVENTS[delivery.topic]()
        try:
            event.ParseFromString(delivery.payload)
        except DecodeError as error:
            raise InvalidMessage(f"not a {type(event).__name__}: {error}") from error
        await _apply(container, uow, event)

    return [Consumer(GROUP, sorted(_EVENTS), handle)]


async def _apply(container: AnnotationsContainer, uow: UnitOfWork, event: Any) -> None:
    fact = event.WhichOneof("fact")
    match event, fact:
        case TaskEvent(), "deleted":
            await service.forget_task(uow, container.queue, event.task_id, event.deleted.job_ids)
        case JobEvent(), "deleted":
            await service.forget_jobs(uow, container.queue, event.task_id, [event.job_id])
        case ProjectEvent(), "deleted":
            await forget_owner(uow, OwnerKind.PROJECT, event.project_id)
        case ((TaskEvent() | ProjectEvent()), "labels_changed"):
            await service.end_labels(uow, _owner(event), event.labels_changed.deleted_label_ids)
        case TaskEvent(), "labels_mapped":
            mapped = event.labels_mapped
            label_map = LabelMap(dict(mapped.label_ids), dict(mapped.attribute_ids))
            await service.exchange_labels(container, uow, _owner(event), label_map)
        case _:
            pass  # other facts, and facts of a newer release


def _owner(event: Any) -> LabelOwner:
    if isinstance(event, ProjectEvent):
        return LabelOwner(OwnerKind.PROJECT, event.project_id, event.facts_version)
    return LabelOwner(OwnerKind.TASK, event.task_id, event.facts_version)
