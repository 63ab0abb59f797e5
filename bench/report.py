"""The table on the screen, the file of a run, and the comparison of two."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measures import Row

RESULTS = Path(__file__).parent / "results"
_WHAT = 58
_MARKS = {True: "ok", False: "MISSED", None: ""}


def print_head() -> None:
    """Print the columns' names."""
    print(f"{'what':<{_WHAT}}{'median':>12}{'limit':>12}{'ratio':>8}  {'aim':<12}{'':<8}{'peak MiB':>9}  limit is")


def print_row(row: Row) -> None:
    """Print one line."""
    value = f"{_number(row.value)} {row.unit}"
    limit = "" if row.limit is None else f"{_number(row.limit)} {row.unit}"
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    aim = row.aim.text if row.aim else ""
    peak = "" if row.peak_mib is None else f"{row.peak_mib:.0f}"
    mark = _MARKS[row.is_reached]
    print(f"{row.what:<{_WHAT}}{value:>12}{limit:>12}{ratio:>8}  {aim:<12}{mark:<8}{peak:>9}  {row.limit_name}", flush=True)


def write_results(rows: Mapping[str, Sequence[Row]], failures: Mapping[str, str]) -> Path:
    """Write a run's rows to a file of their own; returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    document = {
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "failures": dict(failures),
        "scenarios": {name: [row.as_document() for row in found] for name, found in rows.items()},
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def compare(before: Path, after: Path) -> None:
    """Print how the medians and ratios of two runs differ."""
    old, new = _by_row(before), _by_row(after)
    print(f"{'what':<{_WHAT}}{'before':>12}{'after':>12}{'change':>9}{'ratio before':>14}{'after':>8}")
    for name in [*old, *(name for name in new if name not in old)]:
        first, second = old.get(name), new.get(name)
        if first is None or second is None:
            print(f"{name:<{_WHAT}}  only {'after' if first is None else 'before'}")
            continue
        change = second["value"] / first["value"] if first["value"] else float("nan")
        unit = first["unit"]
        print(
            f"{name:<{_WHAT}}{_number(first['value']) + ' ' + unit:>12}{_number(second['value']) + ' ' + unit:>12}"
            f"{change:>8.2f}×{_ratio(first):>14}{_ratio(second):>8}"
        )


def _by_row(path: Path) -> dict[str, dict[str, Any]]:
    scenarios = json.loads(path.read_text())["scenarios"]
    return {row["what"]: row for rows in scenarios.values() for row in rows}


def _ratio(row: Mapping[str, Any]) -> str:
    return "" if row["ratio"] is None else f"{row['ratio']:.2f}"


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"
