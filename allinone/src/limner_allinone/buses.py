"""The bus that the settings describe."""

import ssl

from limner_allinone.configuration import Misconfigured
from limner_allinone.databases import session_url_from
from limner_common.bus import Bus, LocalBus, TopicSpec
from limner_common.settings import ServiceSettings
from limner_contracts.topics import TOPICS


def bus_from(settings: ServiceSettings) -> Bus:
    """Return the bus that the settings describe; opens nothing.

    Raises:
        Misconfigured: The settings contradict each other, or a file cannot be used.
    """
    if settings.kafka_servers is None:
        return LocalBus(session_url_from(settings))
    from limner_common.bus.kafka import KafkaBus, KafkaConnection

    _check_login(settings)
    connection = KafkaConnection(
        servers=_servers(settings.kafka_servers),
        security_protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value() if settings.kafka_password else None,
        ca_file=settings.kafka_ca_file,
        certificate_file=settings.kafka_certificate_file,
        key_file=settings.kafka_key_file,
    )
    try:
        connection.client_options("limner")
    except (ssl.SSLError, OSError) as error:
        files = (settings.kafka_ca_file, settings.kafka_certificate_file, settings.kafka_key_file)
        named = ", ".join(str(file) for file in files if file)
        raise Misconfigured(f"LIMNER_KAFKA_*_FILE: {named or 'the certificates of the system'}: {error}.") from error
    return KafkaBus(
        connection,
        [TopicSpec(name, topic.partitions, topic.retention_hours) for name, topic in TOPICS.items()],
        prefix=settings.kafka_prefix,
        partitions=settings.kafka_partitions,
        replication=settings.kafka_replication,
    )


def _servers(text: str) -> list[str]:
    servers = [server.strip() for server in text.split(",") if server.strip()]
    for server in servers:
        host, _, port = server.rpartition(":")
        if not host or not port.isdecimal():
            raise Misconfigured(f"LIMNER_KAFKA_SERVERS: '{server}' is not host:port.")
    if not servers:
        raise Misconfigured("LIMNER_KAFKA_SERVERS names no broker; unset it to send events through the database.")
    return servers


def _check_login(settings: ServiceSettings) -> None:
    has_login = settings.kafka_username is not None and settings.kafka_password is not None
    if settings.kafka_security_protocol.startswith("SASL") and not has_login:
        raise Misconfigured(
            f"Set LIMNER_KAFKA_USERNAME and LIMNER_KAFKA_PASSWORD: {settings.kafka_security_protocol} needs a login."
        )
    if not settings.kafka_security_protocol.startswith("SASL") and settings.kafka_username is not None:
        raise Misconfigured(
            "Set LIMNER_KAFKA_SECURITY_PROTOCOL to SASL_SSL or SASL_PLAINTEXT: without it LIMNER_KAFKA_USERNAME is not used."
        )
