"""Whether a broker answers, asked over connections that are kept."""

import asyncio

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from limner_common.bus.kafka.connection import KafkaConnection, closed
from limner_common.errors import Unavailable


class Pulse:
    """Asks for the list of topics, as cheap as anything that a broker has to answer; a client that failed is thrown away.

    Args:
        connection: Where to.
    """

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._client: AIOKafkaClient | None = None

    async def check(self) -> None:
        """Return when a broker answers; one caller at a time.

        Raises:
            Unavailable: None does, or we are refused; the message tells strangers nothing.
        """
        client = self._client or AIOKafkaClient(**self._connection.client_options("limner-pulse"))
        try:
            if self._client is None:
                await client.bootstrap()
            await client.fetch_all_metadata()
        except BaseException as error:
            self._client = None
            await asyncio.shield(closed(client.close()))
            if isinstance(error, KafkaError | OSError):
                raise Unavailable("Kafka is away.", code="kafka_away", retry_after_seconds=2) from error
            raise
        self._client = client

    async def close(self) -> None:
        """Release the connections. Idempotent."""
        if self._client is not None:
            client, self._client = self._client, None
            await closed(client.close())
