"""What the chart's README tells people to write and to type fits the chart."""

import re
import shlex
from pathlib import Path

from tests.support.chart import CHART, ci, render

README = (CHART / "README.md").read_text()


def test_the_values_that_it_shows_can_be_installed(tmp_path: Path) -> None:
    (values,) = re.findall(r"^```yaml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    file = tmp_path / "my-values.yaml"
    file.write_text(values)
    rendered = render(CHART / "profiles" / "production.yaml", file)
    assert {"limner", "limner-saves"} == set(rendered.of("Ingress"))
    chosen = {"release": "prometheus"}.items()
    assert chosen <= rendered.one("ServiceMonitor", "limner")["metadata"]["labels"].items()
    assert chosen <= rendered.one("PrometheusRule", "limner")["metadata"]["labels"].items()
    (peers,) = [rule["from"] for rule in rendered.one("NetworkPolicy", "limner-media-worker")["spec"]["ingress"]]
    assert peers == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]


def test_the_pod_that_it_copies_for_administration_is_there_and_stays() -> None:
    (line,) = re.findall(r"^kubectl .* debug (.*)$", README, re.MULTILINE)
    name, *options = shlex.split(line)
    pod = ci("external").one("Pod", name)
    (container,) = pod["spec"]["containers"]
    assert f"--container={container['name']}" in options
    assert container["image"].split(":")[0].endswith("/tools")
    assert pod["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation"
    assert {"LIMNER_DATABASE_URL", "LIMNER_OBJECTS_S3_URL"} <= {entry["name"] for entry in container["env"]}
