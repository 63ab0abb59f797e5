"""What Prometheus and Grafana are given speaks of metrics that the product has."""

import json
import re
from functools import cache
from importlib import import_module

import pytest
from prometheus_client import REGISTRY

from tests.support.chart import CHART, ROOT, ci, render

DASHBOARDS = sorted((CHART / "files" / "dashboards").glob("*.json"))
#: Metrics of Prometheus itself.
BUILT_IN = {"up"}


@cache
def metrics() -> dict[str, set[str]]:
    """Names that Prometheus would see, with their labels."""
    for path in [*ROOT.glob("libs/common/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]:
        if re.search(r"from prometheus_client import", path.read_text()):
            parts = path.relative_to(next(parent for parent in path.parents if parent.name == "src")).with_suffix("").parts
            import_module(".".join(parts).removesuffix(".__init__"))
    found: dict[str, set[str]] = {}
    for collector, names in REGISTRY._collector_to_names.items():
        for name in names:
            found[name] = set(getattr(collector, "_labelnames", ()))
    return found


def expressions() -> list[tuple[str, str]]:
    (rule,) = ci("monitoring").of("PrometheusRule").values()
    found = [(entry["alert"], entry["expr"]) for group in rule["spec"]["groups"] for entry in group["rules"]]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            found += [(f"{path.stem}: {panel['title']}", target["expr"]) for target in panel.get("targets", ())]
    return found


@pytest.mark.parametrize(("title", "expression"), expressions(), ids=lambda value: str(value)[:60])
def test_an_expression_uses_metrics_and_labels_that_exist(title: str, expression: str) -> None:
    chosen = re.findall(r"([a-z_]+)\{([^}]*)\}", expression)
    assert chosen, expression
    for name, matchers in chosen:
        assert name in metrics().keys() | BUILT_IN, f"{title}: the product has no metric {name}"
        labels = set(re.findall(r"([a-z_]+)(?:=~|!~|!=|=)", matchers))
        assert {"namespace", "limner_release"} <= labels, f"{title} looks at other releases too"
        assert labels - {"namespace", "limner_release"} <= metrics().get(name, set()), title
    for grouping in re.findall(r"by \(([^)]*)\)", expression):
        labels = set().union(*(metrics().get(name, set()) for name, _ in chosen))
        assert {label.strip() for label in grouping.split(",")} - labels <= {"le"}, title


def test_an_unknown_metric_is_found() -> None:
    assert "limner_http_request_seconds_bucket" in metrics()
    assert "limner_http_requests_total" not in metrics()


def test_alerts_say_how_bad_it_is_and_what_to_do() -> None:
    (rule,) = ci("monitoring").of("PrometheusRule").values()
    alerts = [entry for group in rule["spec"]["groups"] for entry in group["rules"]]
    assert len({alert["alert"] for alert in alerts}) == len(alerts) >= 15
    for alert in alerts:
        assert alert["labels"]["severity"] in ("critical", "warning"), alert["alert"]
        assert set(alert["annotations"]) == {"summary", "description"}, alert["alert"]
        for text in alert["annotations"].values():
            for label in re.findall(r"\$labels\.(\w+)", text):
                assert label in alert["expr"] or label == "pod", (alert["alert"], label)
    assert "RELEASE" not in str(rule)


def test_alerts_look_at_their_own_release() -> None:
    other = render(CHART / "ci" / "monitoring-values.yaml", release="blue")
    (rule,) = other.of("PrometheusRule").values()
    assert all('limner_release="blue"' in entry["expr"] for group in rule["spec"]["groups"] for entry in group["rules"])


def test_every_service_and_worker_is_scraped() -> None:
    rendered = ci("monitoring")
    (monitor,) = rendered.of("ServiceMonitor").values()
    selector = monitor["spec"]["selector"]["matchLabels"]
    services = {
        name for name, made in rendered.of("Service").items() if selector.items() <= made["metadata"]["labels"].items()
    }
    assert services == set(rendered.of("Deployment"))
    (endpoint,) = monitor["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["path"], endpoint["interval"]) == ("health", "/metrics", "15s")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_dashboards_come_as_config_maps_for_the_sidecar() -> None:
    maps = ci("monitoring").of("ConfigMap")
    assert set(maps) == {f"limner-{path.stem}" for path in DASHBOARDS}
    for path in DASHBOARDS:
        made = maps[f"limner-{path.stem}"]
        assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert json.loads(made["data"][path.name]) == json.loads(path.read_text())


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_whole(path: object) -> None:
    dashboard = json.loads(path.read_text())  # type: ignore[attr-defined]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "namespace", "release"]
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_nothing_of_it_is_there_unless_it_is_asked_for() -> None:
    kinds = {document["kind"] for document in ci("external").documents}
    assert not kinds & {"ServiceMonitor", "PrometheusRule", "ConfigMap", "Ingress", "HTTPRoute", "ScaledObject"}
