"""The body of an import on disk, so that no lock is held while it arrives and memory stays flat."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from limner_common.errors import Invalid, TooLarge

_WRITE_BYTES = 1024 * 1024


@asynccontextmanager
async def spooled(
    body: AsyncIterator[bytes], folder: Path, *, max_bytes: int, max_line_bytes: int
) -> AsyncIterator["Spool"]:
    """Write a body to a temporary file and open it for reading; the file is gone afterwards.

    Args:
        body: The body.
        folder: Where temporary files go.
        max_bytes: Longest body.
        max_line_bytes: Longest line.

    Raises:
        TooLarge: The body is longer.
    """
    file = cast(BinaryIO, await asyncio.to_thread(TemporaryFile, dir=folder))
    try:
        size = 0
        pieces = bytearray()
        async for piece in body:
            size += len(piece)
            if size > max_bytes:
                raise TooLarge(f"The request body is larger than {max_bytes} bytes.")
            pieces += piece
            if len(pieces) >= _WRITE_BYTES:
                await asyncio.to_thread(file.write, pieces)
                pieces = bytearray()
        await asyncio.to_thread(file.write, pieces)
        await asyncio.to_thread(file.seek, 0)
        yield Spool(file, max_line_bytes)
    finally:
        await asyncio.to_thread(file.close)


class Spool:
    """Lines of a spooled body."""

    def __init__(self, file: BinaryIO, max_line_bytes: int) -> None:
        self._file = file
        self._max_line_bytes = max_line_bytes

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines that are not empty, without their ends.

        Raises:
            Invalid: A line is too long.
        """
        lines = self._read()
        while (line := await asyncio.to_thread(next, lines, None)) is not None:
            if line.strip():
                yield line

    def _read(self) -> Iterator[bytes]:
        while line := self._file.readline(self._max_line_bytes + 1):
            if len(line) > self._max_line_bytes:
                raise Invalid(f"A line is longer than {self._max_line_bytes} bytes; send smaller batches.")
            yield line
