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
    return FailureLimiter(2, 10.0, clock)


def test_pause_begins_with_the_last_failure_allowed(limiter: FailureLimiter, clock: Clock) -> None:
    limiter.fail("a")
    limiter.check("a")
    clock.now += 4
    limiter.fail("a")
    with pytest.raises(RateLimited) as raised:
        limiter.check("a")
    assert raised.value.retry_after_seconds == 6


def test_pause_ends_with_its_window(limiter: FailureLimiter, clock: Clock) -> None:
    for _ in range(2):
        limiter.fail("a")
    clock.now += 10
    limiter.check("a")
    limiter.fail("a")
    limiter.check("a")


def test_success_forgets(limiter: FailureLimiter) -> None:
    for _ in range(2):
        limiter.fail("a")
    limiter.forget("a")
    limiter.check("a")


def test_keys_do_not_disturb_each_other_and_are_bounded(limiter: FailureLimiter) -> None:
    for _ in range(2):
        limiter.fail("a")
    limiter.check("b")
    for number in range(20_000):
        limiter.fail(number)
    limiter.check("a")
    assert len(limiter._failures) <= 10_000
