"""Messages of one partition one after the other, of several partitions at the same time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from limner_common.bus.port import Delivery, Subscription

#: Messages that wait in a lane before its partition is paused. Memory of a member is bounded by partitions x this x size.
_FULL = 100


class Lanes:
    """A lane for each partition that messages came from.

    Args:
        tasks: Where lanes run; a lane that raises ends the group.
        subscription: Told when a lane is full, and when there is room again.
        settle: Does all that is to be done with a message.
    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        subscription: Subscription,
        settle: Callable[[Delivery], Awaitable[None]],
    ) -> None:
        self._tasks = tasks
        self._subscription = subscription
        self._settle = settle
        self._waiting: dict[str, deque[Delivery]] = {}

    def put(self, delivery: Delivery) -> None:
        """Queue a message behind those of its partition; returns at once."""
        lane = self._waiting.get(delivery.partition)
        if lane is None:
            lane = self._waiting[delivery.partition] = deque()
            self._tasks.create_task(self._run(delivery.partition, lane))
        lane.append(delivery)
        if len(lane) >= _FULL:
            self._subscription.pause(delivery.partition)

    async def _run(self, partition: str, lane: deque[Delivery]) -> None:
        while lane:
            delivery = lane.popleft()
            if len(lane) == _FULL // 2:
                self._subscription.resume(partition)
            if self._subscription.is_held(delivery):
                await self._settle(delivery)
        del self._waiting[partition]
