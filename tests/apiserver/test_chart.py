"""The chart against a real API server: admission, immutable fields, and helm's own install, upgrade and rollback."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.apiserver import Cluster, cluster
from tests.support.chart import CHART, CI_FILES, Rendered, helm_command, profile, render

CRDS = Path(__file__).parents[1] / "helm" / "crds"
CASES = {path.stem.removesuffix("-values"): path for path in CI_FILES} | dict.fromkeys(("trial", "production", "air-gapped"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with the extensions that the chart can use, and a namespace that takes restricted pods only."""
    with cluster(tmp_path_factory.mktemp("kubernetes")) as running:
        made = running.kubectl("apply", "-f", CRDS)
        assert made.returncode == 0, made.stderr
        ready = running.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=120s")
        assert ready.returncode == 0, ready.stderr
        priority = {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": "high"},
            "value": 1000,
        }
        for document in (priority, namespace("vision"), namespace("lived-in")):
            applied = running.kubectl("apply", "-f", "-", stdin=json.dumps(document))
            assert applied.returncode == 0, applied.stderr
        yield running


def namespace(name: str) -> dict[str, object]:
    modes = ("enforce", "warn", "audit")
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in modes}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def rendered_of(case: str) -> Rendered:
    path = CASES[case]
    return profile(case) if path is None else render(path)


@pytest.mark.parametrize("case", CASES)
def test_the_server_takes_every_object_without_a_warning(server: Cluster, case: str) -> None:
    documents = rendered_of(case).documents
    text = yaml.safe_dump_all(documents)
    arguments = ("apply", "--dry-run=server", "--validate=strict", "--namespace", "vision", "-f", "-")
    done = server.kubectl(*arguments, stdin=text)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr
    assert done.stdout.count("(server dry run)") == len(documents)


def test_the_server_refuses_what_the_standard_forbids(server: Cluster) -> None:
    pod = rendered_of("external").one("Pod", "limner-doctor")
    loose = json.loads(json.dumps(pod))
    loose["spec"]["containers"][0]["securityContext"] = {}
    done = server.kubectl("apply", "--dry-run=server", "--namespace", "vision", "-f", "-", stdin=json.dumps(loose))
    assert done.returncode != 0
    assert "violates PodSecurity" in done.stderr


def helm(server: Cluster, *arguments: str | Path) -> str:
    # Hooks wait for jobs to end, which needs nodes.
    done = server.run(helm_command(), *arguments, "--namespace", "lived-in")
    assert done.returncode == 0, done.stderr
    return done.stdout


def generated(server: Cluster, release: str) -> dict[str, str]:
    found = server.kubectl("get", "secret", f"{release}-limner-generated", "--namespace", "lived-in", "--output", "json")
    assert found.returncode == 0, found.stderr
    data: dict[str, str] = json.loads(found.stdout)["data"]
    return data


def test_a_release_is_installed_upgraded_and_rolled_back(server: Cluster) -> None:
    trial = CHART / "profiles" / "trial.yaml"
    helm(server, "install", "first", CHART, "-f", trial, "--no-hooks")
    before = generated(server, "first")
    assert set(before) > {"database-url", "redis-url", "s3-secret-key", "admin-password", "keys.json", "api.private"}
    helm(server, "upgrade", "first", CHART, "-f", trial, "--set", "image.tag=0.2.0,services.api.replicas=3", "--no-hooks")
    assert generated(server, "first") == before, "passwords and keys that change lock out what was stored with them"
    shown = server.kubectl("get", "deployment", "first-limner-api", "--namespace", "lived-in", "--output", "json")
    assert json.loads(shown.stdout)["spec"]["template"]["spec"]["containers"][0]["image"] == "limner/api:0.2.0"
    helm(server, "rollback", "first", "1", "--no-hooks")
    assert generated(server, "first") == before


def test_a_second_release_lives_beside_the_first(server: Cluster) -> None:
    trial = CHART / "profiles" / "trial.yaml"
    helm(server, "install", "second", CHART, "-f", trial, "--no-hooks")
    assert generated(server, "second")["keys.json"]
    assert len(helm(server, "list", "--short").split()) == 2


def test_an_installation_goes_over_to_engines_of_the_platform(server: Cluster) -> None:
    """Selectors and all else that cannot be changed stay as they were."""
    helm(server, "install", "grown", CHART, "-f", CHART / "profiles" / "trial.yaml", "--no-hooks")
    values = (
        "-f",
        CHART / "profiles" / "production.yaml",
        "--set",
        "kafka.servers=broker:9094,objects.url=https://s3.example.org",
    )
    helm(server, "upgrade", "grown", CHART, *values, "--no-hooks", "--reset-values")
    left = server.kubectl("get", "statefulsets", "--namespace", "lived-in", "--selector", "app.kubernetes.io/instance=grown")
    assert "No resources found" in left.stderr
