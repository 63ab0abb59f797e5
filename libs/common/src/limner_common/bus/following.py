"""Follows requests over the bus: the log and the traces of whoever handles a fact say what request it came of."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import structlog

from limner_common.bus.port import Delivery
from limner_common.db.uow import OutgoingMessage
from limner_common.observe import tracing
from limner_common.observe.context import bound_from


@contextmanager
def handling(service: str, group: str, delivery: Delivery) -> Iterator[None]:
    """Handle a message inside: what is logged and traced there belongs to the request that the message came of."""
    bound = {"group": group, "event_id": str(delivery.event_id), **bound_from(delivery.headers)}
    with (
        structlog.contextvars.bound_contextvars(**bound),
        tracing.entry(service, f"handle {delivery.topic}", "consumer", delivery.headers) as span,
    ):
        if span is not None:
            span.set_attribute("messaging.consumer.group.name", group)
            span.set_attribute("messaging.message.id", str(delivery.event_id))
        yield


@contextmanager
def handing_over(service: str, messages: Sequence[OutgoingMessage]) -> Iterator[Sequence[OutgoingMessage]]:
    """Give messages as they go to the bus, each with the step of its own trace that hands it over."""
    if not tracing.is_on():
        yield messages
        return
    with ExitStack() as stack:
        yield [_traced(stack, service, message) for message in messages]


def _traced(stack: ExitStack, service: str, message: OutgoingMessage) -> OutgoingMessage:
    headers = stack.enter_context(tracing.passing(service, f"publish {message.topic}", message.headers))
    return replace(message, headers=dict(headers))
