"""Ids of objects, elements and keyframes: unique in the service, taken from a sequence in blocks."""

from collections import deque
from collections.abc import Iterator
from itertools import chain

import sqlalchemy as sa

from limner_annotations.revisions.tables import ID_BLOCK, object_ids
from limner_common.db import Database


class IdBlocks:
    """Hands out ids; what is left of a block is kept for the next caller, so that small saves ask the database rarely.

    Ids that a failed save took are lost, which is harmless.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._blocks: deque[range] = deque()
        self._left = 0

    async def take(self, count: int) -> Iterator[int]:
        """Return ``count`` ids nobody else gets; at most one statement."""
        if count > self._left:
            blocks = (count - self._left + ID_BLOCK - 1) // ID_BLOCK
            query = sa.select(object_ids.next_value()).select_from(sa.func.generate_series(1, blocks))
            async with self._database.read() as connection:
                starts = (await connection.execute(query)).scalars().all()
            self._blocks.extend(range(start, start + ID_BLOCK) for start in starts)
            self._left += blocks * ID_BLOCK
        taken: list[range] = []
        self._left -= count
        while count:
            block = self._blocks.popleft()
            taken.append(block[:count])
            if count < len(block):
                self._blocks.appendleft(block[count:])
            count -= len(taken[-1])
        return chain.from_iterable(taken)
