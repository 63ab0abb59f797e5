"""A consumer that has effects and never commits an offset, so that it can be killed between the two.

Run as ``python -m tests.engines.uncommitting_member SERVERS PREFIX DATABASE_URL``.
"""

import asyncio
import sys

from limner_common.bus import Consumer, Delivery, run_consumer
from limner_common.bus.kafka.subscription import KafkaSubscription
from limner_common.db import Database
from tests.engines.test_kafka_bus import new_bus
from tests.support.bus_conformance import TOPIC, keep, metadata


async def _never(_subscription: KafkaSubscription, _delivery: Delivery) -> None:
    """Forget to commit."""


async def main(servers: str, prefix: str, url: str) -> None:
    KafkaSubscription.commit = _never  # type: ignore[method-assign]
    await run_consumer(Database(url, metadata), new_bus(servers, prefix), Consumer("effects", [TOPIC], keep))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
