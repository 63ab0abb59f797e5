"""The body of one PATCH, cut into pieces, with its end told apart from a broken connection."""

from collections.abc import AsyncIterator

from limner_common.errors import DomainError, TooLarge


class BodyFeed:
    """Hands out the blocks of a body piece by piece.

    Args:
        blocks: The body. When iterating it raises, what came before counts as the whole body: a broken connection keeps
            the bytes that arrived.
        limit_bytes: How many bytes are allowed.
    """

    def __init__(self, blocks: AsyncIterator[bytes], *, limit_bytes: int) -> None:
        self._blocks = blocks
        self._room = limit_bytes
        self._rest = b""
        self._is_over = False

    async def has_more(self) -> bool:
        """Wait for the next block and say if there is one.

        Raises:
            TooLarge: The body is longer than allowed.
        """
        while not self._rest and not self._is_over:
            self._rest = await self._next()
        return bool(self._rest)

    async def piece(self, max_bytes: int) -> AsyncIterator[bytes]:
        """Yield the next blocks, ``max_bytes`` at most in all; raises as ``has_more``."""
        while max_bytes > 0 and await self.has_more():
            block, self._rest = self._rest[:max_bytes], self._rest[max_bytes:]
            max_bytes -= len(block)
            yield block

    async def _next(self) -> bytes:
        try:
            block = await anext(self._blocks)
        except StopAsyncIteration:
            self._is_over = True
            return b""
        except DomainError:
            raise
        except Exception:  # whatever the server calls a client that went away
            self._is_over = True
            return b""
        self._room -= len(block)
        if self._room < 0:
            raise TooLarge("More bytes were sent than the file was announced with.", code="upload_too_long")
        return block
