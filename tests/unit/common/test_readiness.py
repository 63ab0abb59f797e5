import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from limner_common import readiness
from limner_common.errors import Unavailable
from limner_common.readiness import Check, Draining, Readiness, Report
from tests.support.metrics import value


async def fine() -> None:
    pass


async def away() -> None:
    raise Unavailable("The store is away.")


async def buggy() -> None:
    raise KeyError("secret")


async def hangs() -> None:
    await asyncio.sleep(60)


class Engine:
    """Something that comes and goes, and counts who looked."""

    def __init__(self) -> None:
        self.answer: Check = fine
        self.looks = 0

    async def __call__(self) -> None:
        self.looks += 1
        await self.answer()


@asynccontextmanager
async def checking(
    needs: dict[str, Check] | None = None, watches: dict[str, Check] | None = None
) -> AsyncIterator[Readiness]:
    checks = Readiness(Draining(), "probed")
    for name, check in (needs or {}).items():
        checks.need(name, check)
    for name, check in (watches or {}).items():
        checks.watch(name, check)
    yield checks
    await checks.aclose()


async def until(report: Callable[[], Awaitable[Report]], status: str) -> None:
    async with asyncio.timeout(60):
        while (await report()).status != status:
            await asyncio.sleep(0.005)


async def test_everything_that_is_there_makes_a_service_ready() -> None:
    async with checking({"database": fine}, {"bus": fine}) as checks:
        report = await checks.report()
    assert (report.is_ready, report.status, report.problems) == (True, "ok", [])


async def test_what_is_needed_and_away_makes_it_unavailable() -> None:
    async with checking({"database": fine, "objects": away}) as checks:
        report = await checks.report()
    assert (report.is_ready, report.status) == (False, "unavailable")
    assert report.checks == {"database": "ok", "objects": "The store is away."}


async def test_what_others_can_wait_for_is_told_and_requests_go_on_coming() -> None:
    async with checking({"database": fine}, {"bus": away}) as checks:
        report = await checks.report()
    assert (report.is_ready, report.status, report.problems) == (True, "degraded", ["The store is away."])
    assert value("limner_readiness_check_is_ok", service="probed", check="bus") == 0
    assert value("limner_readiness_check_is_ok", service="probed", check="database") == 1


async def test_a_check_that_hangs_or_breaks_is_named_without_its_details(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_TIMEOUT_SECONDS", 0.05)
    async with checking({"database": hangs, "cache": buggy}) as checks:
        report = await checks.report()
    assert report.problems == ["hangs: no answer in 0 s", "buggy: KeyError"]


async def test_a_process_that_ends_is_not_ready_although_all_is_there() -> None:
    async with checking({"database": fine}) as checks:
        assert (await checks.report()).is_ready
        checks.draining.begin()
        report = await checks.report()
    assert (report.is_ready, report.problems) == (False, ["The process is ending."])


async def test_a_process_that_needs_nothing_is_ready() -> None:
    async with checking() as checks:
        assert (await checks.report()).status == "ok"


async def test_probes_are_told_what_was_seen_last_and_wait_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_INTERVAL_SECONDS", 600)  # only probes could look
    engine = Engine()
    async with checking({"database": engine}) as checks:
        assert (await asyncio.gather(*(checks.report() for _ in range(50))))[0].is_ready
        engine.answer = hangs
        assert all([(await checks.report()).is_ready for _ in range(50)])  # a look would have found it away
    assert engine.looks == 1


async def test_what_goes_and_comes_back_is_noticed_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(readiness, "_MISSING_INTERVAL_SECONDS", 0.01)
    engine = Engine()
    async with checking({"database": engine}) as checks:
        await until(checks.report, "ok")
        engine.answer = away
        await until(checks.report, "unavailable")
        engine.answer = fine
        await until(checks.report, "ok")


async def test_a_process_that_was_frozen_looks_before_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    async with checking({"database": engine}) as checks:
        assert (await checks.report()).is_ready
        engine.answer = away
        monkeypatch.setattr(readiness, "_OLDEST_SECONDS", 0.02)
        await asyncio.sleep(0.03)
        assert not (await checks.report()).is_ready


async def test_nobody_looks_before_a_probe_and_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(readiness, "_MISSING_INTERVAL_SECONDS", 0.01)
    engine = Engine()
    async with checking({"database": engine}) as checks:
        await asyncio.sleep(0.03)
        assert engine.looks == 0
        await checks.report()
    looks = engine.looks
    await asyncio.sleep(0.03)
    assert engine.looks == looks
