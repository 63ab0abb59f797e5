"""What every carrier of signals has to do. Subclass with a fixture ``signals``, and ``database`` that sends by them."""

import asyncio

import pytest
import sqlalchemy as sa

from limner_common.db import Database
from limner_common.signals import Signals


async def until_heard(heard: list[str], count: int) -> None:
    async with asyncio.timeout(60):
        while len(heard) < count:
            await asyncio.sleep(0.01)


class SignalsConformance:
    async def test_signals_are_heard_after_the_commit_and_only_then(self, signals: Signals, database: Database) -> None:
        heard: list[str] = []
        async with signals.listen("one", heard.append):
            with pytest.raises(KeyError):
                async with database.begin() as uow:
                    uow.notify("one", "rolled back")
                    raise KeyError
            async with database.begin() as uow:
                uow.notify("one", "first")
                uow.notify("other", "elsewhere")
                await uow.execute(sa.select(1))
                assert heard == []
            await until_heard(heard, 1)
        assert heard == ["first"]

    async def test_all_who_listen_hear_all_in_order(self, signals: Signals, database: Database) -> None:
        texts = ["", "\u00e9 \U0001f600", "x" * 1000, *map(str, range(50))]
        one: list[str] = []
        two: list[str] = []
        async with signals.listen("one", one.append), signals.listen("one", two.append):
            for text in texts:
                async with database.begin() as uow:
                    uow.notify("one", text)
            await until_heard(one, len(texts))
            await until_heard(two, len(texts))
        assert one == two == texts

    async def test_who_came_later_or_left_hears_nothing(self, signals: Signals, database: Database) -> None:
        gone: list[str] = []
        late: list[str] = []
        async with signals.listen("one", gone.append) as lost:
            assert not lost.is_set()
        async with database.begin() as uow:
            uow.notify("one", "missed")
        async with signals.listen("one", late.append):
            async with database.begin() as uow:
                uow.notify("one", "heard")
            await until_heard(late, 1)
        assert (gone, late) == ([], ["heard"])
