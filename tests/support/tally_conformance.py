"""What every tally has to do. Subclass with a ``tally`` fixture."""

import asyncio
import secrets

import pytest

from limner_common.tallies import Count, Tally

WINDOW_SECONDS = 60.0


class TallyConformance:
    @pytest.fixture
    def key(self) -> str:
        return f"é {secrets.token_hex(8)} " + "x" * 5000

    async def test_what_was_not_counted_is_none(self, tally: Tally, key: str) -> None:
        assert await tally.read(key) == Count(0, 0.0)
        await tally.forget(key)

    async def test_counts_add_up_in_the_window_of_the_first(self, tally: Tally, key: str) -> None:
        await tally.add(key, WINDOW_SECONDS)
        await tally.add(key, WINDOW_SECONDS * 100)
        counted = await tally.read(key)
        assert counted is not None and counted.count == 2
        assert WINDOW_SECONDS - 10 < counted.left_seconds <= WINDOW_SECONDS
        assert await tally.read(key + "y") == Count(0, 0.0)

    async def test_a_window_ends_and_another_begins(self, tally: Tally, key: str) -> None:
        for _ in range(3):
            await tally.add(key, 0.3)
        await asyncio.sleep(0.35)
        assert await tally.read(key) == Count(0, 0.0)
        await tally.add(key, WINDOW_SECONDS)
        counted = await tally.read(key)
        assert counted is not None and counted.count == 1

    async def test_forgetting_begins_anew(self, tally: Tally, key: str) -> None:
        await tally.add(key, WINDOW_SECONDS)
        await tally.forget(key)
        assert await tally.read(key) == Count(0, 0.0)

    async def test_counts_at_once_are_all_counted(self, tally: Tally, key: str) -> None:
        await asyncio.gather(*(tally.add(key, WINDOW_SECONDS) for _ in range(40)))
        counted = await tally.read(key)
        assert counted is not None and counted.count == 40
