"""Facts between services: the port, the relay that empties outboxes, consumers with an inbox, and the local adapter."""

from limner_common.bus.consumer import AnyConsumer, Consumer, InvalidMessage, RepeatableConsumer, run_consumer
from limner_common.bus.local import LocalBus
from limner_common.bus.port import Bus, DeadLetter, DeadLetters, Delivery, TopicSpec
from limner_common.bus.relay import run_relay

__all__ = [
    "AnyConsumer",
    "Bus",
    "Consumer",
    "DeadLetter",
    "DeadLetters",
    "Delivery",
    "InvalidMessage",
    "LocalBus",
    "RepeatableConsumer",
    "TopicSpec",
    "run_consumer",
    "run_relay",
]
