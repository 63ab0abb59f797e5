"""``python -m bench [scenario …]`` measures; ``python -m bench --compare A.json B.json`` compares two runs."""

import argparse
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path

from bench.harness import Bench, running_bench
from bench.report import compare, print_head, write_results

SCENARIOS = ("auth", "lists", "task_creation", "chunks", "annotations", "exports")


def main() -> int:
    """Run scenarios one after the other; returns 1 when one broke, never for a missed aim."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure Limner against limits of the same machine.")
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=f"any of: {', '.join(SCENARIOS)} (default: all)")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("BEFORE", "AFTER"), help="two files of results")
    arguments = parser.parse_args()
    if arguments.compare:
        compare(*arguments.compare)
        return 0
    unknown = set(arguments.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    return _measure(arguments.scenarios or SCENARIOS)


def _measure(names: list[str] | tuple[str, ...]) -> int:
    failures: dict[str, str] = {}
    with running_bench() as bench:
        print_head()
        for name in names:
            started = time.monotonic()
            _run(bench, name, failures)
            print(f"-- {name}: {time.monotonic() - started:.0f} s", flush=True)
        path = write_results(bench.rows, failures)
    rows = [row for found in bench.rows.values() for row in found]
    missed = [row.what for row in rows if row.is_reached is False]
    print(f"{len(rows)} rows, {len(missed)} aims missed, {len(failures)} scenarios broken; written to {path}")
    return 1 if failures else 0


def _run(bench: Bench, name: str, failures: dict[str, str]) -> None:
    bench.scenario = name
    try:
        import_module(f"bench.scenarios.{name}").run(bench)
    except Exception as error:  # the other scenarios are worth measuring all the same
        traceback.print_exc()
        failures[name] = repr(error)


if __name__ == "__main__":
    sys.exit(main())
