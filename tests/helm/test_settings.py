"""Every variable that the chart sets is a setting of the service that gets it, and a service takes what it is given."""

import base64
import json
import re
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from limner_allinone import split
from limner_allinone.buses import bus_from
from limner_allinone.composition import SERVICE_NAMES, definition_of
from limner_allinone.stores import cache_from, object_store_from, redis_from
from limner_common.bus.kafka import KafkaBus
from limner_common.cache.redis import RedisCache
from limner_common.settings import ServiceSettings
from tests.support.chart import ROOT, Document, Rendered, ci, containers_of, profile
from tests.support.deployment import WORKERS

#: Without these nothing starts.
REQUIRED = {
    *("LIMNER_DATABASE_URL", "LIMNER_OBJECTS_S3_URL", "LIMNER_OBJECTS_S3_BUCKET", "LIMNER_OBJECTS_S3_ACCESS_KEY"),
    *("LIMNER_OBJECTS_S3_SECRET_KEY", "LIMNER_KEYS", "LIMNER_PRIVATE_KEY"),
    *("LIMNER_UPSTREAMS", "LIMNER_LOG_LEVEL"),
}


def fields_of(settings: type[BaseSettings]) -> set[str]:
    prefix = settings.model_config["env_prefix"]
    return {f"{prefix}{name.upper()}" for name in settings.model_fields}


def settings_of(service: str) -> list[type[BaseSettings]]:
    name = f"limner_{service}.settings"
    if find_spec(name) is None:
        return []
    module = import_module(name)
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseSettings) and value is not BaseSettings
    ]


@cache
def read_by_commands() -> frozenset[str]:
    """Variables that a command reads itself, such as those of the first administrator."""
    sources = (ROOT / "allinone" / "src").rglob("*.py")
    found = (re.findall(r'environ(?:\.get\(|\[)"(LIMNER_\w+)"', path.read_text()) for path in sources)
    return frozenset(name for names in found for name in names)


def known(service: str) -> set[str]:
    own = [fields_of(settings) for settings in settings_of(service)] if service in SERVICE_NAMES else []
    return fields_of(ServiceSettings).union(read_by_commands(), *own)


def service_of(container: Document) -> str:
    """The service a container runs, ``all`` for the tools."""
    arguments = container["args"]
    return arguments[1] if len(arguments) > 1 else "all"


def test_variables_are_settings_of_the_service_that_gets_them(rendered: Rendered) -> None:
    for title, pod in rendered.own_pods():
        for container in containers_of(pod):
            names = [entry["name"] for entry in container["env"]]
            assert len(names) == len(set(names)), (title, "a variable is set twice")
            assert set(names) - known(service_of(container)) == set(), (title, container["name"])


def test_a_variable_that_nobody_reads_is_found() -> None:
    assert "LIMNER_MEDIA_POOL_PROCESSES" in known("media")
    assert "LIMNER_MEDIA_POOL_PROCESSES" not in known("api")
    assert "LIMNER_DATABASE_URI" not in known("api")


def test_what_nothing_starts_without_is_given(rendered: Rendered) -> None:
    for name, deployment in rendered.of("Deployment").items():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        if container["name"] == "relay":
            continue  # see test_pods.py
        names = {entry["name"] for entry in container["env"]}
        assert REQUIRED - names == set(), name
        assert ("LIMNER_REDIS_URL" in names) != ({"LIMNER_CACHE_FOLDER", "LIMNER_CACHE_MAX_BYTES"} <= names), name


def test_secrets_are_only_referred_to(rendered: Rendered) -> None:
    for title, pod in rendered.own_pods():
        for container in containers_of(pod):
            for entry in container["env"]:
                is_secret = re.search(r"PASSWORD|SECRET|_KEY$|DATABASE_URL|REPLICA_URL|REDIS_URL", entry["name"])
                assert ("valueFrom" in entry) or not is_secret, (title, entry["name"])


def test_external_engines_need_no_secret_of_the_charts_own(rendered: Rendered) -> None:
    own = rendered.of("Secret")
    if not rendered.of("StatefulSet"):
        assert own == {}
    for title, pod in rendered.pods():
        for container in containers_of(pod):
            for entry in container["env"]:
                reference = entry.get("valueFrom", {}).get("secretKeyRef")
                if reference and reference["name"] in own and not reference.get("optional"):
                    assert reference["key"] in own[reference["name"]]["data"], (title, entry["name"])


def environment_of(rendered: Rendered, container: Document) -> dict[str, str]:
    """The environment as the container would see it, from the secret that the trial brings."""
    (secret,) = rendered.of("Secret").values()
    values = {}
    for entry in container["env"]:
        if "value" in entry:
            values[entry["name"]] = entry["value"]
        elif (key := entry["valueFrom"]["secretKeyRef"]["key"]) in secret["data"]:
            values[entry["name"]] = base64.b64decode(secret["data"][key]).decode()
    return values


@pytest.mark.parametrize("name", [*SERVICE_NAMES, *(f"{name}-worker" for name in WORKERS)])
async def test_a_service_takes_what_it_is_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = profile("trial")
    deployment = trial.one("Deployment", f"limner-{name}")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    for variable, value in environment_of(trial, container).items():
        monkeypatch.setenv(variable, value)
    service = name.removesuffix("-worker")
    settings = ServiceSettings()
    split._check_upstreams(service, settings)
    assert split._keyring(service, settings).name == service
    assert set(settings.upstreams) == set(SERVICE_NAMES) - {service}
    assert {f"limner-{other}" for other in settings.upstreams} <= set(trial.of("Service"))
    for own in settings_of(service):
        own()
    await build_adapters(settings)


async def build_adapters(settings: ServiceSettings) -> None:
    """Make what the composition root would make of the settings; nothing is asked yet."""
    redis = redis_from(settings)
    assert redis is not None
    assert isinstance(cache_from(settings, redis), RedisCache), "a folder would take the place of the shared cache"
    assert isinstance(bus_from(settings), KafkaBus)
    objects = object_store_from(settings)
    await objects.aclose()
    await redis.aclose()


def test_workers_are_those_of_the_product() -> None:
    workers = {name for name in SERVICE_NAMES if f"limner-{name}-worker" in ci("external").of("Deployment")}
    assert workers == set(WORKERS)
    assert {name for name in SERVICE_NAMES if f"limner-{name}" in ci("external").of("Deployment")} == set(SERVICE_NAMES)


def test_the_path_and_the_address_agree_with_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    from limner_api.settings import ApiSettings

    (container,) = ci("gateway").one("Deployment", "limner-api")["spec"]["template"]["spec"]["containers"]
    for entry in container["env"]:
        if "value" in entry:
            monkeypatch.setenv(entry["name"], entry["value"])
    read = ApiSettings()
    assert (read.public_url, read.base_path) == ("https://example.org/team/label", "/team/label")
    assert read.is_behind_proxy is True
    assert read.is_registration_enabled is False


def test_values_of_variables_are_kept_to_the_digit() -> None:
    env = {
        entry["name"]: entry["value"]
        for entry in ci("placement").one("Deployment", "limner-media")["spec"]["template"]["spec"]["containers"][0]["env"]
        if "value" in entry
    }
    assert (env["LIMNER_MAX_UPLOAD_BYTES"], env["LIMNER_MEDIA_POOL_PROCESSES"]) == ("1073741824", "4")
    assert json.loads(env["LIMNER_UPSTREAMS"])["api"] == "http://limner-api:8000"


def consumers_of(service: str) -> dict[str, list[str]]:
    from unittest.mock import MagicMock

    found: Any = definition_of(service).consumers(MagicMock())
    return {consumer.group: list(consumer.topics) for consumer in found}


def test_the_list_of_consumers_is_the_products() -> None:
    import yaml

    listed = yaml.safe_load((ROOT / "deploy/helm/limner/files/consumers.yaml").read_text())
    actual = {name: consumers_of(name) for name in SERVICE_NAMES}
    assert {name: {group: sorted(topics) for group, topics in groups.items()} for name, groups in listed.items()} == {
        name: {group: sorted(topics) for group, topics in groups.items()} for name, groups in actual.items() if groups
    }
