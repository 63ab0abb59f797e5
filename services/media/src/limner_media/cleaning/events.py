"""What the service does when tasks go away."""

from google.protobuf.message import DecodeError

from limner_common.bus.consumer import Consumer, InvalidMessage
from limner_common.bus.port import Delivery
from limner_common.db import UnitOfWork
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from limner_media.cleaning.service import Cleaning


def task_consumer(cleaning: Cleaning) -> Consumer:
    """Return the consumer of task events."""

    async def handle(uow: UnitOfWork, delivery: Delivery) -> None:
        try:
            event = TaskEvent.FromString(delivery.payload)
        except DecodeError as error:
            raise InvalidMessage("not a TaskEvent") from error
        if event.WhichOneof("fact") == "deleted":
            await cleaning.task_deleted(uow, event.task_id)

    return Consumer(group="media.tasks", topics=["limner.catalog.task.v1"], handle=handle, is_order_free=True)
