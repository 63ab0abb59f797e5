"""What adds and takes away replicas."""

from typing import Any

import pytest
import sqlalchemy as sa

from limner_allinone.composition import SERVICE_NAMES, definition_of
from tests.support.chart import ci, profile
from tests.support.deployment import WORKERS
from tests.support.installation import DatabaseServer


def triggers(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [trigger for trigger in document["spec"]["triggers"] if trigger["type"] == kind]


def test_services_follow_cpu_and_leave_replicas_to_the_autoscaler() -> None:
    rendered = ci("hpa")
    assert set(rendered.of("HorizontalPodAutoscaler")) == {"limner-api", "limner-media"}
    spec = rendered.one("HorizontalPodAutoscaler", "limner-api")["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "limner-api"}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 9)
    assert spec["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}
    assert "replicas" not in rendered.one("Deployment", "limner-api")["spec"]
    assert rendered.one("Deployment", "limner-exports")["spec"]["replicas"] == 2


def test_workers_follow_their_queue() -> None:
    rendered = ci("keda")
    assert set(rendered.of("ScaledObject")) == {"limner-media-worker", "limner-exports-worker"}
    media = rendered.one("ScaledObject", "limner-media-worker")
    assert (media["spec"]["minReplicaCount"], media["spec"]["maxReplicaCount"]) == (0, 20)
    (trigger,) = triggers(media, "postgresql")
    assert trigger["authenticationRef"]["name"] in rendered.of("TriggerAuthentication")
    (reference,) = rendered.one("TriggerAuthentication", trigger["authenticationRef"]["name"])["spec"]["secretTargetRef"]
    assert reference == {"parameter": "connection", "name": "database", "key": "url"}


@pytest.mark.parametrize("service", WORKERS)
async def test_the_question_about_the_queue_is_one_the_database_answers(service: str, postgres: DatabaseServer) -> None:
    (trigger,) = triggers(profile("production").one("ScaledObject", f"limner-{service}-worker"), "postgresql")
    definition = definition_of(service)
    url = await postgres.clone()
    from limner_common.db import Database

    database = Database(url, definition.metadata, pool_size=1)
    try:
        async with database.begin() as uow:
            item = {"kind": "ingest", "payload": {}, "max_attempts": 3}
            rows = [{**item, "id": state, "state": state} for state in ("queued", "running", "done", "failed", "cancelled")]
            await uow.execute(sa.insert(uow.table("work_items")).values(rows))
            assert await uow.scalar(sa.text(trigger["metadata"]["query"])) == 2
    finally:
        await database.close()
        await postgres.drop(url)


def test_a_worker_is_added_for_as_many_items_as_it_runs() -> None:
    for service in WORKERS:
        scaled = profile("production").one("ScaledObject", f"limner-{service}-worker")
        (trigger,) = triggers(scaled, "postgresql")
        assert int(trigger["metadata"]["targetQueryValue"]) == definition_of(service).worker_concurrency


def test_with_keda_services_follow_cpu_and_the_lag_of_their_consumers() -> None:
    rendered = ci("kafka-sasl")
    assert rendered.of("HorizontalPodAutoscaler") == {}, "two autoscalers on one Deployment would fight"
    api = rendered.one("ScaledObject", "limner-api")
    assert triggers(api, "cpu")[0]["metadata"] == {"value": "70"}
    lags = triggers(api, "kafka")
    assert [(lag["metadata"]["consumerGroup"], lag["metadata"]["topic"]) for lag in lags] == [
        ("limner.api.annotations", "limner.limner.annotations.job.v1"),
        ("limner.api.data", "limner.limner.media.data.v1"),
        ("limner.api.requests", "limner.limner.media.request.v1"),
        ("limner.api.requests", "limner.limner.exports.request.v1"),
    ]
    for lag in lags:
        assert lag["metadata"]["bootstrapServers"] == "broker-1:9094"
        assert (lag["metadata"]["tls"], lag["metadata"]["sasl"]) == ("enable", "scram_sha512")
        secrets = rendered.one("TriggerAuthentication", lag["authenticationRef"]["name"])["spec"]["secretTargetRef"]
        assert [secret["parameter"] for secret in secrets] == ["username", "password"]


def test_groups_and_topics_are_named_as_the_product_names_them() -> None:
    from limner_common.bus.kafka.topics import Names

    (container,) = ci("kafka-sasl").one("Deployment", "limner-api")["spec"]["template"]["spec"]["containers"]
    (prefix,) = [entry["value"] for entry in container["env"] if entry["name"] == "LIMNER_KAFKA_PREFIX"]
    names = Names(prefix)
    lag = triggers(ci("kafka-sasl").one("ScaledObject", "limner-api"), "kafka")[0]["metadata"]
    assert lag["consumerGroup"] == names.group("api.annotations")
    assert lag["topic"] == names.topic("limner.annotations.job.v1")


def test_production_scales_what_has_load() -> None:
    rendered = profile("production")
    scaled = {document["spec"]["scaleTargetRef"]["name"] for document in rendered.of("ScaledObject").values()}
    assert {f"limner-{name}-worker" for name in WORKERS} <= scaled
    assert scaled <= set(rendered.of("Deployment"))
    assert {f"limner-{name}" for name in SERVICE_NAMES} - scaled == {"limner-inference", "limner-analytics"}
