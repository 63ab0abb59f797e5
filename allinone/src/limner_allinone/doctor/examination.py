"""Runs all checks that apply and reports what they found, to people or to programs."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from limner_allinone.configuration import read_settings
from limner_allinone.doctor.databases import database_checks
from limner_allinone.doctor.engines import engine_checks
from limner_allinone.doctor.findings import Check, Finding, Status, find, skipped
from limner_allinone.doctor.machine import checks_of_home, folder_checks, media_libraries, secret_checks
from limner_allinone.home import Home, product_version
from limner_allinone.secrecy import hide_in_findings

_MARKS = {Status.OK: "ok", Status.WARNING: "warn", Status.FAILED: "FAIL", Status.SKIPPED: "skip"}


async def examine(folder: Path, *, as_json: bool = False) -> int:
    """Run all checks that apply here and print what they find; returns 1 when something is wrong.

    With ``LIMNER_DATABASE_URL`` set it examines that deployment, otherwise the embedded installation in ``folder``.

    Args:
        folder: Home of the embedded installation.
        as_json: Print one JSON object instead of lines.

    Raises:
        Misconfigured: A variable cannot be read.
    """
    checks: list[Check]
    if "LIMNER_DATABASE_URL" in os.environ:
        settings = read_settings()
        hide = hide_in_findings(settings)
        checks = [
            *secret_checks(settings),
            *database_checks(settings),
            *engine_checks(settings),
            *folder_checks(settings),
            media_libraries(),
        ]
    else:
        hide = hide_in_findings(None)
        checks = [*checks_of_home(Home(folder)), media_libraries()]
    findings = [replace(found, message=hide(found.message)) for found in await _run(checks)]
    (_print_json if as_json else _print_lines)(findings)
    return int(any(found.status is Status.FAILED for found in findings))


async def _run(checks: Sequence[Check]) -> list[Finding]:
    """Run checks one after the other: what one of them imports would hold up the timeouts of another."""
    found: dict[str, Finding] = {}
    for check in checks:
        needed = found.get(check.needs)
        is_in_vain = needed is not None and needed.status is Status.FAILED
        found[check.name] = skipped(check) if is_in_vain else await find(check)
    return list(found.values())


def _print_lines(findings: Sequence[Finding]) -> None:
    print(f"Limner {product_version()} on Python {_python()}")
    for found in findings:
        where = f" ({found.where})" if found.where else ""
        print(f"{_MARKS[found.status]:<4}  {found.check}{where}: {found.message}")
        if found.advice:
            print(f"      {found.advice}")


def _print_json(findings: Sequence[Finding]) -> None:
    report = {
        "version": product_version(),
        "python": _python(),
        "is_well": all(found.status is not Status.FAILED for found in findings),
        "findings": [asdict(found) for found in findings],
    }
    print(json.dumps(report, indent=2))


def _python() -> str:
    return sys.version.split()[0]
