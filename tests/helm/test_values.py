"""Wrong values are refused with a sentence that says which."""

import json
import re

import pytest
import yaml

from tests.support.chart import CHART, template

EXTERNAL = CHART / "ci" / "external-values.yaml"


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("replicaCount=3", "replicaCount"),
        ("services.api.replica=3", "services/api"),
        ("services.upload.replicas=3", "services"),
        ("services.media.enabled=false", "services/media/enabled"),
        ("services.api.worker.replicas=1", "services/api"),
        ("services.api.replicas=two", "services/api/replicas"),
        ("services.media.worker.autoscaling.max=3", "services/media/worker/autoscaling"),
        ("database.existingsecret=a", "database"),
        ("database.existingSecret=A_b", "database/existingSecret"),
        ("objects.url=s3.example.org", "objects/url"),
        ("objects.addressing=host", "objects/addressing"),
        ("kafka.securityProtocol=TLS", "kafka/securityProtocol"),
        ("kafka.servers=broker", "kafka/servers"),
        ("image.digests.api=sha256:12", "image/digests/api"),
        ("basePath=label", "basePath"),
        ("basePath=/label/", "basePath"),
        ("publicUrl=label.example.org", "publicUrl"),
        ("logLevel=verbose", "logLevel"),
        ("env.PATH=x", "PATH"),
        ("networkPolicy.internet[0]=postgres", "networkPolicy/internet"),
        ("topologySpread=Always", "topologySpread"),
        ("traces.sampleRatio=2", "traces/sampleRatio"),
        ("bundled.postgres.enabled=true", "bundled"),
        ("runAsUser=0", "runAsUser"),
        ("pools.a.runtime=onnx", "pools/a"),
        ("pools.A.runtime=triton", "pools"),
        ("monitoring.alerts.enabled=true", "monitoring"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(setting: str, place: str) -> None:
    done = template("-f", EXTERNAL, "--set", setting)
    assert done.returncode != 0, "it was taken"
    assert place.split("/")[-1] in done.stderr
    assert "schema" in done.stderr


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("database.existingSecret=", "Set database.existingSecret to a secret with the database's URL"),
        ("objects.existingSecret=", "Set objects.url and objects.existingSecret"),
        ("grants.existingSecret=", "Set grants.existingSecret to a secret with the services' keys"),
        ("kafka.servers=a:1,kafka.securityProtocol=SASL_SSL", "Set kafka.existingSecret"),
        ("kafka.servers=a:1,bundled.kafka.enabled=true", "Either kafka.servers or bundled.kafka.enabled"),
        ("admin.isGenerated=true", "admin.isGenerated needs a bundled database"),
        (
            "publicUrl=https://example.org/a,basePath=/b",
            "The path of publicUrl (https://example.org/a) must be basePath (/b)",
        ),
        ("terminationGracePeriodSeconds=20", "terminationGracePeriodSeconds must be at least drainSeconds + 25"),
        ("services.api.autoscaling.enabled=true", "services.api.resources.requests.cpu, which is not set"),
        ("services.media.worker.autoscaling.enabled=true", "services.media.worker.autoscaling needs keda.enabled"),
    ],
)
def test_values_that_do_not_go_together_are_refused_with_advice(setting: str, sentence: str) -> None:
    done = template("-f", EXTERNAL, "--set", setting)
    assert done.returncode != 0, "it was taken"
    assert sentence in done.stderr


def test_the_chart_alone_says_what_it_needs() -> None:
    done = template()
    assert done.returncode != 0
    assert "profiles/trial.yaml" in done.stderr


def test_an_older_kubernetes_is_refused() -> None:
    done = template("-f", EXTERNAL, kubernetes="1.29")
    assert done.returncode != 0
    assert "kubeVersion" in done.stderr


def objects(schema: dict[str, object], path: str = "") -> list[tuple[str, dict[str, object]]]:
    found = []
    if isinstance(schema, dict):
        if "properties" in schema:
            found.append((path, schema))
        for key, value in schema.items():
            if isinstance(value, dict):
                found += objects(value, f"{path}/{key}")
    return found


def test_every_object_of_the_schema_refuses_unknown_names() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert [
        path
        for path, entry in objects(schema)
        if entry.get("additionalProperties") is not False and path.count("/properties") != path.count("/")
    ] == []


def test_every_value_has_a_place_in_the_schema_and_the_other_way_round() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(schema["properties"]) - set(values) == {"global"}
    assert set(values) <= set(schema["properties"])


def test_the_versions_are_those_of_the_product() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = (CHART.parents[2] / "allinone" / "pyproject.toml").read_text()
    assert re.search(rf'^version = "{re.escape(chart["appVersion"])}"$', project, re.MULTILINE)


def test_pools_are_values_only_until_models_come() -> None:
    from tests.support.chart import ci

    assert "triton" not in str(ci("pools").documents)
