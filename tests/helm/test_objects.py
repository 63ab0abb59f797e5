"""Every object has the form that Kubernetes takes, by real schemas; extensions by schemas of our own of what we use."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.support.chart import CHART, CI_FILES, KUBERNETES, Document, Rendered, helm, render

CRDS = sorted((Path(__file__).parent / "crds").glob("*.yaml"))


@cache
def extensions() -> dict[tuple[str, str], Any]:
    """Schemas of custom resources by apiVersion and kind, unknown fields refused."""
    found = {}
    for path in CRDS:
        spec = yaml.safe_load(path.read_text())["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


def strict(schema: Any) -> Any:
    """Return a structural schema as one that refuses unknown fields, which an API server drops."""
    if isinstance(schema, list):
        return [strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        made["additionalProperties"] = False
    return made


def check(document: Document, version: str) -> None:
    key = (document["apiVersion"], document["kind"])
    if key in extensions():
        jsonschema.validate(document, extensions()[key])
    else:
        kubernetes_validate.validate(copy.deepcopy(document), version, strict=True)


@pytest.mark.parametrize("values", CI_FILES, ids=lambda path: path.stem.removesuffix("-values"))
def test_helm_has_no_objection(values: Path) -> None:
    done = helm("lint", "--strict", "--kube-version", KUBERNETES[0], "-f", values, CHART)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", KUBERNETES)
def test_objects_have_the_form_that_kubernetes_takes(rendered: Rendered, version: str) -> None:
    assert len(rendered.documents) > 20
    for document in rendered.documents:
        try:
            check(document, version)
        except Exception as error:
            raise AssertionError(f"{document['kind']}/{document['metadata']['name']}: {error}") from error


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", ("spec", "replica"), 1),
        ("NetworkPolicy", ("spec", "policyTypes"), "Ingress"),
        ("ScaledObject", ("spec", "maxReplicas"), 3),
        ("ScaledObject", ("spec", "triggers"), [{"metadata": {}}]),
    ],
)
def test_an_object_of_another_form_is_found(kind: str, path: tuple[str, str], value: Any) -> None:
    document = copy.deepcopy(next(iter(render(CHART / "ci" / "keda-values.yaml").of(kind).values())))
    document[path[0]][path[1]] = value
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        check(document, KUBERNETES[-1])


def test_names_are_given_once_and_belong_to_the_release(rendered: Rendered) -> None:
    names = [(document["kind"], document["metadata"]["name"]) for document in rendered.documents]
    assert len(names) == len(set(names))
    assert [name for _, name in names if not name.startswith("limner")] == []
    for document in rendered.documents:
        assert document["metadata"]["labels"]["app.kubernetes.io/instance"] == "limner"
        assert document["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"


def test_all_kinds_are_covered_by_some_values() -> None:
    kinds = {document["kind"] for path in CI_FILES for document in render(path).documents}
    assert kinds == {
        *("Deployment", "StatefulSet", "Job", "Pod", "Service", "ServiceAccount", "Secret", "ConfigMap"),
        *("PodDisruptionBudget", "HorizontalPodAutoscaler", "NetworkPolicy", "Ingress", "HTTPRoute"),
        *("ScaledObject", "TriggerAuthentication", "ServiceMonitor", "PrometheusRule"),
    }
