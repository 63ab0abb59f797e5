"""Pauses after failures."""

import pytest

from limner_api.identity.limits import FailureLimiter
from limner_common.errors import RateLimited


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> FailureLimiter:
    return FailureLimiter(2, 10.0, now=clock)


async def test_pause_begins_with_the_last_failure_allowed(limiter: FailureLimiter, clock: Clock) -> None:
    await limiter.fail("a")
    await limiter.check("a")
    clock.now += 4
    await limiter.fail("a")
    with pytest.raises(RateLimited) as raised:
        await limiter.check("a")
    assert raised.value.retry_after_seconds == 6


async def test_pause_ends_with_its_window(limiter: FailureLimiter, clock: Clock) -> None:
    for _ in range(2):
        await limiter.fail("a")
    clock.now += 10
    await limiter.check("a")
    await limiter.fail("a")
    await limiter.check("a")


async def test_success_forgets(limiter: FailureLimiter) -> None:
    for _ in range(2):
        await limiter.fail("a")
    await limiter.forget("a")
    await limiter.check("a")


async def test_keys_do_not_disturb_each_other_and_are_bounded(limiter: FailureLimiter) -> None:
    for _ in range(2):
        await limiter.fail("a")
    await limiter.check("b")
    for number in range(20_000):
        await limiter.fail(str(number))
    await limiter.check("a")
    assert len(limiter._own._counts) <= 10_000
