import asyncio

import pytest

from limner_common import readiness
from limner_common.errors import Unavailable
from limner_common.readiness import Draining, Readiness


async def fine() -> None:
    pass


async def away() -> None:
    raise Unavailable("The store is away.")


async def buggy() -> None:
    raise KeyError("secret")


async def hangs() -> None:
    await asyncio.sleep(60)


async def test_everything_that_is_there_makes_a_service_ready() -> None:
    checks = Readiness(Draining())
    checks.need("database", fine)
    checks.watch("bus", fine)
    report = await checks.report()
    assert (report.is_ready, report.status, report.problems) == (True, "ok", [])


async def test_what_is_needed_and_away_makes_it_unavailable() -> None:
    checks = Readiness(Draining())
    checks.need("database", fine)
    checks.need("objects", away)
    report = await checks.report()
    assert (report.is_ready, report.status) == (False, "unavailable")
    assert report.checks == {"database": "ok", "objects": "The store is away."}


async def test_what_others_can_wait_for_is_told_and_requests_go_on_coming() -> None:
    checks = Readiness(Draining())
    checks.watch("bus", away)
    report = await checks.report()
    assert (report.is_ready, report.status, report.problems) == (True, "degraded", ["The store is away."])


async def test_a_check_that_hangs_or_breaks_is_named_without_its_details(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_TIMEOUT_SECONDS", 0.05)
    checks = Readiness(Draining())
    checks.need("database", hangs)
    checks.need("cache", buggy)
    report = await checks.report()
    assert report.problems == ["hangs: no answer in 0 s", "buggy: KeyError"]


async def test_a_process_that_ends_is_not_ready_although_all_is_there() -> None:
    draining = Draining()
    checks = Readiness(draining)
    checks.need("database", fine)
    draining.begin()
    report = await checks.report()
    assert (report.is_ready, report.problems) == (False, ["The process is ending."])
