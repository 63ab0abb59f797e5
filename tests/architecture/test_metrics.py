"""The metrics are those that the page for operators lists, and their labels stay few."""

import re
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

PAGE = ROOT / "docs/operate/observability.md"
#: Every label there is; each has a bounded number of values.
LABELS = {
    "action",
    "change",
    "check",
    "direction",
    "format",
    "group",
    "kind",
    "method",
    "operation",
    "outcome",
    "pool",
    "quality",
    "reason",
    "route",
    "server",
    "service",
    "state",
    "status",
    "topic",
    "version",
}
#: Counted things whose name is a plural need no unit.
_NAME = re.compile(r"limner_[a-z]+(_[a-z]+)+")

_SCRIPT = """
import sys
from importlib import import_module
from pathlib import Path
from prometheus_client.metrics import MetricWrapperBase

for file in sorted(Path(".").glob("*/*/src/limner_*/**/metrics.py")):
    parts = file.with_suffix("").parts
    module = import_module(".".join(parts[parts.index("src") + 1:]))
    for name, metric in vars(module).items():
        if isinstance(metric, MetricWrapperBase):
            described = metric.describe()[0]
            suffix = "_total" if described.type == "counter" else ""
            labels = ", ".join(metric._labelnames) or "–"
            print(f"| `{described.name}{suffix}` | {described.type} | {labels} | {described.documentation} |")
"""


@pytest.fixture(scope="module")
def rows() -> list[str]:
    """A row of the page's table for each metric that the product defines."""
    made = subprocess.run([sys.executable, "-c", _SCRIPT], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return sorted(set(made.stdout.splitlines()))


def test_the_page_lists_every_metric_as_it_is(rows: list[str]) -> None:
    listed = [line for line in PAGE.read_text().splitlines() if line.startswith("| `limner_")]
    assert sorted(listed) == rows


def test_labels_are_among_those_that_are_bounded(rows: list[str]) -> None:
    used = {label for row in rows for label in row.split(" | ")[2].split(", ") if label != "–"}
    assert used == LABELS


def test_names_say_whose_and_what(rows: list[str]) -> None:
    assert [row for row in rows if not _NAME.fullmatch(row.split("`")[1])] == []


def test_every_metric_is_defined_in_a_module_for_metrics() -> None:
    elsewhere = [
        path.relative_to(ROOT).as_posix()
        for path in ROOT.glob("*/*/src/limner_*/**/*.py")
        if path.name != "metrics.py" and re.search(r"\b(?:Counter|Gauge|Histogram|Summary)\(\s*[\"']", path.read_text())
    ]
    assert elsewhere == []
