"""proto/topics.yaml says what the code does."""

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from limner_common.service import ServiceDefinition
from tests.architecture.sources import ROOT, SERVICES, modules_of
from tests.support import installation
from tests.support.installation import DatabaseServer

_TOPIC = re.compile(r"limner\.[a-z]+\.[a-z]+\.v[0-9]+")
_TOPICS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "proto/topics.yaml").read_text())["topics"]


def _texts(service: str) -> set[str]:
    return {
        node.value
        for _, tree in modules_of(service)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _TOPIC.fullmatch(node.value)
    }


def _takes_requests(service: str) -> bool:
    """Whether the service accepts work that people see as requests; its queue then publishes their events."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "payload_with_request"
        for _, tree in modules_of(service)
        for node in ast.walk(tree)
    )


def _produced_by(service: str) -> set[str]:
    return {topic for topic, entry in _TOPICS.items() if entry["producer"] == service}


def _consumed_by(service: str) -> set[str]:
    return {topic for topic, entry in _TOPICS.items() if service in entry["consumers"]}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_names_only_topics_it_produces_or_consumes(service: str) -> None:
    assert _texts(service) <= _produced_by(service) | _consumed_by(service)


@pytest.mark.parametrize("service", SERVICES)
def test_what_the_list_says_a_service_produces_is_in_its_code(service: str) -> None:
    of_requests = {f"limner.{service}.request.v1"} if _takes_requests(service) else set()
    assert _produced_by(service) == (_texts(service) - _consumed_by(service)) | of_requests


async def test_consumers_read_the_topics_that_the_list_says(postgres: DatabaseServer, tmp_path: Path) -> None:
    async with installation.test_bench(postgres, tmp_path, SERVICES) as bench:
        found = {}
        for service in SERVICES:
            definition: ServiceDefinition = import_module(f"limner_{service}.service").definition
            consumers = definition.consumers(bench.container(service))
            found[service] = {topic for consumer in consumers for topic in consumer.topics}
    assert found == {service: _consumed_by(service) for service in SERVICES}


def test_consumer_groups_carry_the_name_of_their_service() -> None:
    wrong = [
        ast.unparse(call)
        for service in SERVICES
        for _, tree in modules_of(service)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Consumer"
        for value in [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "group")]
        if isinstance(value, ast.Constant) and not str(value.value).startswith(f"{service}.")
    ]
    assert wrong == []


def test_the_architecture_page_lists_the_same_topics() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    rows = re.findall(r"^\| (limner\.[a-z.0-9]+) \| (\w+) \| ([\w, ]+) \|$", page, re.MULTILINE)
    shown = {topic: (producer, consumers.split(", ")) for topic, producer, consumers in rows}
    assert shown == {topic: (entry["producer"], entry["consumers"]) for topic, entry in _TOPICS.items()}


@pytest.mark.parametrize("topic", _TOPICS)
def test_an_entry_is_complete(topic: str) -> None:
    entry = _TOPICS[topic]
    assert set(entry) == {"message", "key", "producer", "consumers", "partitions", "retention_hours"}
    assert entry["producer"] in SERVICES
    assert set(entry["consumers"]) <= set(SERVICES)
