"""Schemas are at this version before pods of this version start, whatever the engines."""

import pytest

from tests.support.chart import CHART, Document, Rendered, ci, containers_of, profile, render


def names(container: Document) -> set[str]:
    return {entry["name"] for entry in container["env"]}


def test_with_engines_of_the_platform_a_job_runs_before_anything_else() -> None:
    rendered = ci("external")
    job = rendered.one("Job", "limner-migrate")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    pod = job["spec"]["template"]
    (container,) = containers_of(pod)
    assert container["args"] == ["migrate", "all"]
    assert container["image"].startswith("limner/tools:")
    assert pod["spec"]["restartPolicy"] == "Never"
    assert {"LIMNER_DATABASE_URL", "LIMNER_ADMIN_USER", "LIMNER_ADMIN_PASSWORD", "LIMNER_ADMIN_EMAIL"} <= names(container)
    # Nothing that the job needs is made later than the job.
    account = rendered.one("ServiceAccount", pod["spec"]["serviceAccountName"])["metadata"]["annotations"]
    assert account["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert int(account["helm.sh/hook-weight"]) < int(job["metadata"]["annotations"]["helm.sh/hook-weight"])
    for deployment in rendered.of("Deployment").values():
        assert "initContainers" not in deployment["spec"]["template"]["spec"]


def test_topics_are_made_by_the_same_job() -> None:
    (container,) = containers_of(ci("kafka-sasl").one("Job", "limner-migrate")["spec"]["template"])
    assert {"LIMNER_KAFKA_SERVERS", "LIMNER_KAFKA_PREFIX", "LIMNER_KAFKA_USERNAME", "LIMNER_KAFKA_PASSWORD"} <= names(
        container
    )


@pytest.mark.parametrize("rendered", [ci("bundled"), profile("trial")], ids=["bundled", "trial"])
def test_with_a_bundled_database_each_pod_waits_for_it_and_migrates_its_own_schema(rendered: Rendered) -> None:
    assert rendered.of("Job") == {}
    for name, deployment in rendered.of("Deployment").items():
        service = name.removeprefix("limner-").removesuffix("-worker")
        spec = deployment["spec"]["template"]["spec"]
        (migrate,) = spec["initContainers"]
        assert migrate["args"] == ["migrate", service]
        assert migrate["image"] == spec["containers"][0]["image"], "an image knows the tables of its own service"
        assert ("LIMNER_ADMIN_PASSWORD" in names(migrate)) == (service == "api")


def test_the_doctor_is_asked_by_helm_test() -> None:
    pod = ci("engines-tls").one("Pod", "limner-doctor")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    (container,) = containers_of(pod)
    assert container["args"] == ["doctor"]
    assert {"LIMNER_DATABASE_URL", "LIMNER_OBJECTS_S3_URL", "LIMNER_REDIS_URL", "LIMNER_KAFKA_SERVERS"} <= names(container)
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        *("tmp", "ca-database", "ca-objects", "ca-kafka", "ca-redis", "certificate-database", "certificate-kafka")
    }


def test_secrets_are_made_up_only_where_that_is_asked_for_and_then_kept() -> None:
    assert ci("external").of("Secret") == {}
    (secret,) = profile("trial").of("Secret").values()
    assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    trial = CHART / "profiles" / "trial.yaml"
    (other,) = render(trial, release="limner-two").of("Secret").values()
    changing = ("database-password", "redis-password", "s3-secret-key", "admin-password", "keys.json", "api.private")
    assert [key for key in changing if secret["data"][key] == other["data"][key]] == []
