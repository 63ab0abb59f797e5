"""The compose file: official pinned images, health checks, ports of the loopback address, documented variables."""

import re
from typing import Any

import pytest
import yaml

from tests.architecture.sources import ROOT

FOLDER = ROOT / "deploy/compose"
OFFICIAL = {"postgres", "redis", "apache/kafka", "minio/minio"}
TEXT = (FOLDER / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_it_holds_one_of_each_engine() -> None:
    assert {service["image"].partition(":")[0] for service in SERVICES.values()} == OFFICIAL
    assert len(SERVICES) == len(OFFICIAL)


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_to_a_release(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?|RELEASE\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ", tag), tag


@pytest.mark.parametrize("name", SERVICES)
def test_health_is_checked(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL") and len(check["test"]) > 1
    assert {"interval", "timeout", "retries"} <= set(check)


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_those_of_this_machine_alone(name: str) -> None:
    assert SERVICES[name]["ports"]
    for port in SERVICES[name]["ports"]:
        assert re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z_]+:-\d+\}:\d+", port), port


def test_volumes_are_declared_and_used() -> None:
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])


def test_no_password_is_in_the_file_and_all_variables_are_in_the_example() -> None:
    example = (FOLDER / "example.env").read_text()
    required = set(re.findall(r"(?<!\$)\$\{([A-Z_]+):\?", TEXT))
    optional = set(re.findall(r"(?<!\$)\$\{([A-Z_]+):-", TEXT))
    assert required == set(re.findall(r"^([A-Z_]+)=$", example, re.MULTILINE))
    assert optional == set(re.findall(r"^#([A-Z_]+)=", example, re.MULTILINE))
    assert all(name in required for name in re.findall(r"PASSWORD: \$\{([A-Z_]+)", TEXT))


def test_kafka_is_the_one_that_the_tests_use() -> None:
    pom = (ROOT / "tools/engines/kafka-pom.xml").read_text()
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{re.findall('<kafka.version>(.+)</kafka.version>', pom)[0]}"
