"""What every bus adapter must do. A test class inherits this and provides a ``bus`` fixture."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from limner_common.bus import Bus
from limner_common.bus.port import Subscription
from limner_common.db.uow import OutgoingMessage
from limner_common.ids import new_uuid


async def until(look: Callable[[], Awaitable[Any]], expected: Any, *, seconds: float = 15.0) -> None:
    """Wait until ``look`` returns what is expected; fails with the last value seen."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        seen = await look()
        if seen == expected:
            return
        assert asyncio.get_running_loop().time() < deadline, f"expected {expected!r}, last seen {seen!r}"
        await asyncio.sleep(0.05)


async def take(subscription: Subscription, count: int, *, commit: bool = True) -> list[str]:
    received: list[str] = []
    async with asyncio.timeout(20):
        async for delivery in subscription.deliveries():
            received.append(delivery.payload.decode())
            if commit:
                await subscription.commit(delivery)
            if len(received) == count:
                break
    return received


def messages(key: str, *values: str) -> list[OutgoingMessage]:
    return [OutgoingMessage(new_uuid(), "conformance.v1", key, value.encode(), {"h": "1"}) for value in values]


class BusConformance:
    """Behaviour that consumers rely on."""

    async def test_every_group_gets_every_message_in_order_per_key(self, bus: Bus) -> None:
        await bus.publish(messages("a", "a1", "a2", "a3"))
        for group in ("one", "two"):
            subscription = await bus.subscribe(group, ["conformance.v1"])
            assert await take(subscription, 3) == ["a1", "a2", "a3"]
            await subscription.close()

    async def test_a_group_goes_on_after_its_last_commit(self, bus: Bus) -> None:
        await bus.publish(messages("a", "a1", "a2", "a3"))
        first = await bus.subscribe("one", ["conformance.v1"])
        assert await take(first, 2) == ["a1", "a2"]
        await first.close()
        second = await bus.subscribe("one", ["conformance.v1"])
        assert await take(second, 1) == ["a3"]
        await second.close()

    async def test_what_was_not_committed_comes_again(self, bus: Bus) -> None:
        await bus.publish(messages("a", "a1", "a2"))
        first = await bus.subscribe("one", ["conformance.v1"])
        assert await take(first, 2, commit=False) == ["a1", "a2"]
        await first.close()
        second = await bus.subscribe("one", ["conformance.v1"])
        assert await take(second, 2) == ["a1", "a2"]
        await second.close()

    async def test_only_topics_asked_for_arrive(self, bus: Bus) -> None:
        other = OutgoingMessage(new_uuid(), "elsewhere.v1", "a", b"no", {})
        await bus.publish([other, *messages("a", "yes")])
        subscription = await bus.subscribe("one", ["conformance.v1"])
        assert await take(subscription, 1) == ["yes"]
        await subscription.close()

    async def test_messages_published_while_waiting_arrive(self, bus: Bus) -> None:
        subscription = await bus.subscribe("one", ["conformance.v1"])
        waiting = asyncio.create_task(take(subscription, 1))
        await asyncio.sleep(0.2)
        await bus.publish(messages("a", "late"))
        assert await waiting == ["late"]
        await subscription.close()

    async def test_two_members_share_a_group_without_doubling(self, bus: Bus) -> None:
        first = await bus.subscribe("one", ["conformance.v1"])
        second = await bus.subscribe("one", ["conformance.v1"])
        received: list[str] = []

        async def collect(subscription: Subscription) -> None:
            async for delivery in subscription.deliveries():
                received.append(delivery.payload.decode())
                await subscription.commit(delivery)

        tasks = [asyncio.create_task(collect(member)) for member in (first, second)]
        await asyncio.sleep(0.3)
        await bus.publish(messages("a", "m1", "m2", "m3"))

        async def seen() -> list[str]:
            return sorted(received)

        await until(seen, ["m1", "m2", "m3"])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await first.close()
        await second.close()
