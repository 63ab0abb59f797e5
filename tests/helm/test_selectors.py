"""Selectors of Deployments cannot be changed: an upgrade that did would fail."""

import json
from pathlib import Path

from tests.support.chart import Rendered, ci, profile

SNAPSHOT = Path(__file__).parent / "selectors.json"


def selectors(rendered: Rendered) -> dict[str, dict[str, str]]:
    return {
        f"{document['kind']}/{document['metadata']['name']}": document["spec"]["selector"].get("matchLabels")
        or document["spec"]["selector"]
        for document in rendered.documents
        if document["kind"] in ("Deployment", "StatefulSet", "Service", "PodDisruptionBudget")
    }


def test_selectors_are_those_that_were_released() -> None:
    found = selectors(ci("external")) | selectors(ci("bundled"))
    assert found == json.loads(SNAPSHOT.read_text()), "an upgrade would fail: a new name is a new workload"


def test_selectors_hold_nothing_that_changes() -> None:
    renamed = selectors(ci("placement"))
    assert renamed == {name: value for name, value in selectors(ci("external")).items() if name in renamed}
    for labels in renamed.values():
        assert set(labels) == {f"app.kubernetes.io/{part}" for part in ("name", "instance", "component")}


def test_each_selector_finds_the_pods_of_its_own_workload_only() -> None:
    for rendered in (ci("external"), profile("trial")):
        found = selectors(rendered)
        chosen = [tuple(sorted(found[name].items())) for name in found if name.startswith(("Deployment/", "StatefulSet/"))]
        assert len(chosen) == len(set(chosen))
        for title, pod in rendered.pods():
            if title in found:
                assert found[title].items() <= pod["metadata"]["labels"].items()
