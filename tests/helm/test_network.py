"""What may speak with what: nothing but what the product calls."""

import ipaddress
from typing import Any

import pytest
import yaml

from limner_allinone import split
from limner_allinone.composition import SERVICE_NAMES
from tests.support.chart import CHART, Document, Rendered, ci, profile


def calls() -> dict[str, list[str]]:
    return yaml.safe_load((CHART / "files" / "calls.yaml").read_text())  # type: ignore[no-any-return]


def components(rules: list[Document], port: Any) -> set[str]:
    """Components of this release that rules name for a port."""
    found = set()
    for rule in rules:
        if port in [entry["port"] for entry in rule["ports"]]:
            for peer in rule.get("from", rule.get("to", ())):
                labels = peer.get("podSelector", {}).get("matchLabels", {})
                assert labels.get("app.kubernetes.io/instance") in (None, "limner")
                found.add(labels.get("app.kubernetes.io/component"))
    return found - {None}


def test_calls_are_those_of_the_product() -> None:
    assert {name: set(calls()[name]) for name in split._NEEDS if name != "api"} == {
        name: set(called) for name, called in split._NEEDS.items() if name != "api"
    }
    assert set(calls()["api"]) == set(SERVICE_NAMES) - {"api"}, "the gateway forwards to every service"
    assert {name for name in calls() if calls()[name]} == set(split._NEEDS)


def test_everything_is_denied_that_is_not_named(rendered: Rendered) -> None:
    policies = rendered.of("NetworkPolicy")
    if not policies:
        return  # switched off in these values
    default = policies["limner-default"]["spec"]
    assert default["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in default
    assert [[port["port"] for port in rule["ports"]] for rule in default["egress"]] == [[53, 53]]
    for _title, pod in rendered.pods():
        labels = pod["metadata"]["labels"]
        assert default["podSelector"]["matchLabels"].items() <= labels.items()
        assert [
            name for name, policy in policies.items() if policy["spec"]["podSelector"]["matchLabels"] == selector(labels)
        ]


def selector(labels: dict[str, str]) -> dict[str, str]:
    return {key: labels[f"app.kubernetes.io/{key.split('/')[1]}"] for key in labels if key in SELECTOR}


SELECTOR = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_a_service_hears_its_callers_only(service: str) -> None:
    rendered = ci("ingress")
    spec = rendered.one("NetworkPolicy", f"limner-{service}")["spec"]
    callers = {name for name, called in calls().items() if service in called}
    workers = {f"{name}-worker" for name in callers if f"limner-{name}-worker" in rendered.of("Deployment")}
    assert components(spec["ingress"], "http") == callers | workers | {"doctor"}
    foreign = [rule["from"] for rule in spec["ingress"] for peer in rule["from"] if "namespaceSelector" in peer]
    expected = [[{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}]]
    assert foreign == (expected if service == "api" else [])


@pytest.mark.parametrize("workload", ["api", "media", "media-worker", "exports-worker", "inference", "analytics"])
def test_a_workload_reaches_what_it_calls_and_the_engines(workload: str) -> None:
    spec = profile("trial").one("NetworkPolicy", f"limner-{workload}")["spec"]
    assert components(spec["egress"], "http") == set(calls()[workload.removesuffix("-worker")])
    for engine, port in (("postgresql", 5432), ("redis", 6379), ("kafka", 9092), ("minio", 9000)):
        assert engine in components(spec["egress"], port)


def test_only_named_workloads_fetch_from_public_addresses_and_none_from_private_ones() -> None:
    policies = profile("production").of("NetworkPolicy")
    blocks = {
        name: [
            peer["ipBlock"] for rule in policy["spec"].get("egress", ()) for peer in rule.get("to", ()) if "ipBlock" in peer
        ]
        for name, policy in policies.items()
    }
    assert [name for name, found in blocks.items() if found] == ["limner-media-worker"]
    for block in blocks["limner-media-worker"]:
        excluded = [ipaddress.ip_network(entry) for entry in block["except"]]
        for address in ("10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "fd00::1", "fe80::1"):
            parsed = ipaddress.ip_address(address)
            if parsed in ipaddress.ip_network(block["cidr"]):
                assert any(parsed in network for network in excluded), address
    for policy in profile("air-gapped").of("NetworkPolicy").values():
        assert not [peer for rule in policy["spec"].get("egress", ()) for peer in rule.get("to", ()) if "ipBlock" in peer]


def test_metrics_are_for_prometheus_and_workers_hear_nobody_else() -> None:
    rendered = ci("monitoring")
    for name in rendered.of("Deployment"):
        rules = rendered.one("NetworkPolicy", name)["spec"]["ingress"]
        (metrics,) = [rule for rule in rules if rule["ports"][0]["port"] == "health"]
        assert metrics["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
        assert not name.endswith("-worker") or len(rules) == 1
    for name in ci("external").of("Deployment"):
        rules = ci("external").one("NetworkPolicy", name)["spec"]["ingress"] or []
        assert not [rule for rule in rules if rule["ports"][0]["port"] == "health"]


def test_engines_hear_this_release_only() -> None:
    rendered = profile("trial")
    for name in rendered.of("StatefulSet"):
        (rule,) = rendered.one("NetworkPolicy", name)["spec"]["ingress"]
        for peer in rule["from"]:
            assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "limner"


def test_the_migration_and_the_doctor_get_through() -> None:
    rendered = ci("external")
    migrate = rendered.one("NetworkPolicy", "limner-migrate")["spec"]
    assert [[port["port"] for port in rule["ports"]] for rule in migrate["egress"]] == [[5432]]
    doctor = rendered.one("NetworkPolicy", "limner-doctor")["spec"]
    assert components(doctor["egress"], 8000) == set(SERVICE_NAMES)
