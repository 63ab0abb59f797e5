"""Cutting and joining streams of bytes."""

from collections.abc import AsyncGenerator, AsyncIterable


async def gathered(blocks: AsyncIterable[bytes], size_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield the same bytes in blocks of at least ``size_bytes`` except the last; none is empty, large ones pass as is."""
    waiting: list[bytes] = []
    waiting_bytes = 0
    async for block in blocks:
        waiting.append(block)
        waiting_bytes += len(block)
        if waiting_bytes >= size_bytes:
            yield waiting[0] if len(waiting) == 1 else b"".join(waiting)
            waiting, waiting_bytes = [], 0
    if waiting_bytes:
        yield b"".join(waiting)


def check_range(start: int, length: int | None) -> None:
    """Refuse a range that no object can have.

    Raises:
        ValueError: ``start`` or ``length`` is negative.
    """
    if start < 0 or (length is not None and length < 0):
        raise ValueError("start and length must not be negative")


def check_composition(dest: str, sources: tuple[str, ...]) -> None:
    """Refuse a composition that cannot be done safely.

    Raises:
        ValueError: No sources, a source twice, or ``dest`` among them.
    """
    if not sources or len({dest, *sources}) != len(sources) + 1:
        raise ValueError("compose needs at least one source, each once, and dest may not be one of them")
