"""Facts of other services about the work behind requests."""

from google.protobuf.message import DecodeError

from limner_api.requests.service import apply_event
from limner_common.bus import Consumer, Delivery, InvalidMessage
from limner_common.db import UnitOfWork
from limner_contracts.requests.v1.request_event_pb2 import RequestEvent

TOPICS = ("limner.media.request.v1", "limner.exports.request.v1")


async def on_request_event(uow: UnitOfWork, delivery: Delivery) -> None:
    """Apply one fact about a request."""
    try:
        event = RequestEvent.FromString(delivery.payload)
    except DecodeError as error:
        raise InvalidMessage(f"not a RequestEvent: {error}") from error
    await apply_event(uow, event)


consumer = Consumer("api.requests", TOPICS, on_request_event)
