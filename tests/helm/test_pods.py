"""Pods keep Kubernetes' restricted standard and ours, end in order, and say truly when they are ready."""

import re

import pytest

from limner_allinone.split import _RUNNING_REQUESTS_SECONDS
from tests.support.chart import Rendered, ci, containers_of, profile

PINNED = re.compile(r"^[a-z0-9][a-z0-9./-]*[a-z0-9](:(?!latest$)[A-Za-z0-9][\w.-]*|@sha256:[0-9a-f]{64})$")


def test_pods_keep_the_restricted_standard(rendered: Rendered) -> None:
    for title, pod in rendered.pods():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, title
        assert spec["securityContext"].get("runAsUser") != 0, title
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, title
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), title
        for container in containers_of(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, (title, container["name"])
            assert not [port for port in container.get("ports", ()) if "hostPort" in port]


def test_pods_get_no_token_and_no_variables_of_other_services(rendered: Rendered) -> None:
    for title, pod in rendered.pods():
        assert pod["spec"]["automountServiceAccountToken"] is False, title
        assert pod["spec"]["enableServiceLinks"] is False, title
    for name, account in rendered.of("ServiceAccount").items():
        assert account["automountServiceAccountToken"] is False, name
    accounts = set(rendered.of("ServiceAccount"))
    assert {pod["spec"]["serviceAccountName"] for _, pod in rendered.own_pods()} == accounts


def test_no_pod_of_ours_has_a_persistent_volume_and_nothing_is_written_by_many(rendered: Rendered) -> None:
    for title, pod in rendered.own_pods():
        for volume in pod["spec"]["volumes"]:
            assert set(volume) - {"name"} <= {"emptyDir", "secret"}, (title, volume)
    for title, pod in rendered.pods():
        for volume in pod["spec"].get("volumes", ()):
            if "emptyDir" in volume:
                assert re.fullmatch(r"[1-9]\d*Gi", volume["emptyDir"]["sizeLimit"]), (title, volume)
    assert not rendered.of("PersistentVolumeClaim") and not rendered.of("PersistentVolume")
    for engine in rendered.of("StatefulSet").values():
        for claim in engine["spec"].get("volumeClaimTemplates", ()):
            assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_every_mount_has_its_volume(rendered: Rendered) -> None:
    for title, pod in rendered.pods():
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        for container in containers_of(pod):
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes | {"data"}, title
            paths = [mount["mountPath"] for mount in container["volumeMounts"]]
            assert len(paths) == len(set(paths)), title


def test_images_are_pinned(rendered: Rendered) -> None:
    for title, pod in rendered.pods():
        for container in containers_of(pod):
            assert PINNED.fullmatch(container["image"]), (title, container["image"])


@pytest.mark.parametrize("image", ["limner/api", "limner/api:latest", "limner/api@sha256:12"])
def test_an_image_without_a_version_is_found(image: str) -> None:
    assert not PINNED.fullmatch(image)


def test_digests_go_before_tags_and_registries_are_put_in_front() -> None:
    deployments = ci("placement").of("Deployment")
    image = {name: made["spec"]["template"]["spec"]["containers"][0]["image"] for name, made in deployments.items()}
    assert image["limner-api"] == "registry.example.org/vision/limner/api@sha256:" + "0" * 64
    assert image["limner-media-worker"] == "registry.example.org/vision/limner/media:1.2.3"


def test_probes_ask_the_port_that_people_do_not_reach(rendered: Rendered) -> None:
    for name, deployment in rendered.of("Deployment").items():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert ports["health"] == 8001, name
        assert container["args"][-2:] == ["--health-port", "8001"], name
        for probe, path in (("startup", "live"), ("liveness", "live"), ("readiness", "ready")):
            assert container[f"{probe}Probe"]["httpGet"] == {"path": f"/health/{path}", "port": "health"}, name
        startup = container["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 120, "imports on a busy node take long"


def test_a_pod_that_is_busy_for_a_while_is_neither_killed_nor_left_out(rendered: Rendered) -> None:
    for name, deployment in rendered.of("Deployment").items():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        ready, live = container["readinessProbe"], container["livenessProbe"]
        assert ready["timeoutSeconds"] >= 10 and ready["failureThreshold"] >= 3, name
        assert live["timeoutSeconds"] >= 10 and live["periodSeconds"] * live["failureThreshold"] >= 60, name
        assert ready["periodSeconds"] * ready["failureThreshold"] <= 20, f"{name}: who lost its database has to be noticed"


def test_pods_have_time_to_end_in_order(rendered: Rendered) -> None:
    for name, deployment in rendered.of("Deployment").items():
        spec = deployment["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        variables = {entry["name"]: entry.get("value") for entry in container["env"]}
        drain = int(variables.get("LIMNER_DRAIN_SECONDS", 0))
        assert (drain >= 5) == (container["name"] == "service"), f"{name}: endpoints take seconds to forget a pod"
        assert spec["terminationGracePeriodSeconds"] >= drain + _RUNNING_REQUESTS_SECONDS + 5, name


def test_facts_are_published_in_one_place(rendered: Rendered) -> None:
    has_relays = any(name.endswith("-relay") for name in rendered.of("Deployment"))
    for name, deployment in rendered.of("Deployment").items():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        if container["name"] == "service":
            variables = {entry["name"]: entry.get("value") for entry in container["env"]}
            assert variables["LIMNER_HAS_RELAY"] == ("false" if has_relays else "true"), name
            assert (f"{name}-relay" in rendered.of("Deployment")) == has_relays


def test_relays_know_the_database_and_the_bus_and_nothing_else() -> None:
    rendered = ci("relays")
    (container,) = rendered.one("Deployment", "limner-media-relay")["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["relay", "media", "--health-port", "8001"]
    assert {entry["name"] for entry in container["env"]} == {
        *("LIMNER_DATABASE_URL", "LIMNER_DATABASE_POOL_SIZE", "LIMNER_LOG_LEVEL"),
        *("LIMNER_KAFKA_SERVERS", "LIMNER_KAFKA_PREFIX", "LIMNER_KAFKA_SECURITY_PROTOCOL"),
    }
    policy = rendered.one("NetworkPolicy", "limner-media-relay")["spec"]
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == [5432, 9092, 9093, 9094]
    assert not policy["ingress"]


def test_deployments_roll_without_a_gap(rendered: Rendered) -> None:
    for deployment in rendered.of("Deployment").values():
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_replicas_are_spread_and_only_as_many_are_evicted_as_may_be_missing(rendered: Rendered) -> None:
    budgets = rendered.of("PodDisruptionBudget")
    for name, deployment in rendered.of("Deployment").items():
        selector = deployment["spec"]["selector"]["matchLabels"]
        spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert [entry["topologyKey"] for entry in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        assert all(entry["labelSelector"]["matchLabels"] == selector for entry in spread), name
        if name in budgets:
            assert budgets[name]["spec"]["selector"]["matchLabels"] == selector
            assert budgets[name]["spec"]["maxUnavailable"] == 1


def test_production_has_a_budget_and_limits_for_every_workload() -> None:
    production = profile("production")
    assert set(production.of("PodDisruptionBudget")) == set(production.of("Deployment"))
    for name, deployment in production.of("Deployment").items():
        resources = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]
        assert resources["requests"]["cpu"] and resources["limits"]["memory"], name
        assert "cpu" not in resources["limits"], "a limit of CPU slows without need"


def test_resources_are_unset_by_default() -> None:
    for _, pod in ci("external").pods():
        assert all(not container.get("resources") for container in containers_of(pod))


def test_placement_reaches_every_pod_of_ours() -> None:
    for title, pod in ci("placement").own_pods():
        assert pod["spec"]["priorityClassName"] == "high", title
        assert pod["spec"]["nodeSelector"]["pool"] in ("general", "media"), title
        assert pod["spec"]["tolerations"] == [{"key": "pool", "operator": "Exists"}], title
        assert pod["metadata"]["labels"]["team"] == "vision", title
        assert "runAsUser" not in pod["spec"]["securityContext"], title
        assert pod["spec"]["imagePullSecrets"] == [{"name": "pull"}], title


def test_the_folder_of_the_cache_stays_below_the_bound_that_ends_the_pod(rendered: Rendered) -> None:
    for name, deployment in rendered.of("Deployment").items():
        spec = deployment["spec"]["template"]["spec"]
        bounds = [volume["emptyDir"]["sizeLimit"] for volume in spec["volumes"] if volume["name"] == "cache"]
        used = [entry["value"] for entry in spec["containers"][0]["env"] if entry["name"] == "LIMNER_CACHE_MAX_BYTES"]
        assert len(bounds) == len(used), name
        for bound, value in zip(bounds, used, strict=True):
            assert 0.85 < int(value) / (int(bound.removesuffix("Gi")) * 1024**3) < 0.95, name


def test_a_shared_cache_takes_the_place_of_folders() -> None:
    for rendered, has_folder in ((ci("external"), True), (ci("engines-tls"), False)):
        for deployment in rendered.of("Deployment").values():
            spec = deployment["spec"]["template"]["spec"]
            assert ("cache" in {volume["name"] for volume in spec["volumes"]}) == has_folder
