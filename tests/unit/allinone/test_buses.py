"""The bus that the settings describe, and what is said of settings that describe none."""

from pathlib import Path
from typing import Any

import pytest

from limner_allinone.buses import bus_from
from limner_allinone.configuration import Misconfigured
from limner_common.bus import LocalBus
from limner_common.bus.kafka import KafkaBus
from limner_common.settings import ServiceSettings


def settings(**values: Any) -> ServiceSettings:
    return ServiceSettings(**values)


def test_events_go_through_the_database_without_brokers() -> None:
    assert isinstance(bus_from(settings()), LocalBus)


def test_events_go_through_kafka_with_brokers() -> None:
    assert isinstance(bus_from(settings(kafka_servers=" one:9092, two:9092 ,")), KafkaBus)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kafka_servers": "one"}, "LIMNER_KAFKA_SERVERS: 'one' is not host:port"),
        ({"kafka_servers": "one:x"}, "LIMNER_KAFKA_SERVERS: 'one:x' is not host:port"),
        ({"kafka_servers": " , "}, "names no broker"),
        ({"kafka_security_protocol": "SASL_SSL"}, "Set LIMNER_KAFKA_USERNAME and LIMNER_KAFKA_PASSWORD"),
        ({"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_username": "me"}, "LIMNER_KAFKA_PASSWORD"),
        ({"kafka_username": "me", "kafka_password": "secret"}, "Set LIMNER_KAFKA_SECURITY_PROTOCOL"),
        (
            {"kafka_security_protocol": "SSL", "kafka_ca_file": "/no/such.pem"},
            r"LIMNER_KAFKA_.*_FILE: /no/such.pem: .*No such",
        ),
    ],
)
def test_settings_that_cannot_work_are_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        bus_from(settings(**{"kafka_servers": "one:9092", **values}))


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    file.write_text("not a certificate")
    with pytest.raises(Misconfigured, match=r"authority\.pem"):
        bus_from(
            settings(
                kafka_servers="one:9092",
                kafka_security_protocol="SASL_SSL",
                kafka_username="u",
                kafka_password="p",
                kafka_ca_file=file,
            )
        )
