"""How to reach Kafka, and what its failures are to us."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context

from limner_common.errors import Unavailable

log = structlog.get_logger(__name__)

#: Of one request to a broker. Longer than a rebalance, which answers a member's request to join only at its end.
_REQUEST_SECONDS = 40
#: Between tries of a client that lost its broker.
_BACKOFF_SECONDS = 0.5
#: Until a change of partitions or leaders is noticed without an error.
_METADATA_SECONDS = 60
_CLOSING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Address and credentials.

    Attributes:
        servers: ``host:port`` of a few brokers; the others are learnt from them.
        security_protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
        sasl_mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
        username: For SASL.
        password: For SASL.
        ca_file: Certificates (PEM) to check brokers against; those of the system when None.
        certificate_file: Our certificate (PEM), where brokers ask for one.
        key_file: Its private key (PEM), when it is not in the same file.
    """

    servers: Sequence[str]
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def client_options(self, client_id: str) -> dict[str, Any]:
        """Return what every aiokafka client takes.

        Raises:
            OSError: A file cannot be read.
            ssl.SSLError: A file does not hold what it should.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "client_id": client_id,
            "security_protocol": self.security_protocol,
            "request_timeout_ms": _REQUEST_SECONDS * 1000,
            "retry_backoff_ms": int(_BACKOFF_SECONDS * 1000),
            "metadata_max_age_ms": _METADATA_SECONDS * 1000,
        }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = create_ssl_context(
                cafile=self.ca_file, certfile=self.certificate_file, keyfile=self.key_file
            )
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options


@contextmanager
def translated_outages() -> Iterator[None]:
    """Turn failures of the client into ``Unavailable`` with what it said.

    Raises:
        Unavailable: Kafka is away or refuses.
    """
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        said = str(error) or type(error).__name__
        raise Unavailable(f"Kafka cannot be used: {said}", retry_after_seconds=2) from error


async def closed(closing: Coroutine[Any, Any, None]) -> None:
    """Close a client as far as it lets itself be closed: it may wait for a broker, or let out that its tasks were ended."""
    task = asyncio.create_task(closing)
    done, _ = await asyncio.wait({task}, timeout=_CLOSING_SECONDS)
    if not done:
        task.cancel()
        log.warning("kafka_client_not_closed", error="it took too long")
    elif not task.cancelled() and (error := task.exception()) is not None:
        log.warning("kafka_client_not_closed", error=repr(error))
