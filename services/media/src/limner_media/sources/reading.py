"""Reading located pieces synchronously: in threads and worker processes."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import BinaryIO

from limner_common.objects.locations import ObjectLocation
from limner_common.objects.readers import open_object
from limner_media.core.archives import read_member
from limner_media.sources.pieces import LocatedPiece


def read_piece(located: LocatedPiece, *, max_bytes: int | None = None) -> bytes:
    """Return a file's bytes, or its first ``max_bytes``.

    Raises:
        MediaError: The archive it lies in is damaged.
        ObjectMissing: Its object is gone.
    """
    with open_object(located.location) as source:
        return read_member(source, located.piece.member, max_bytes=max_bytes)


def read_pieces(pieces: Iterable[LocatedPiece]) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes, keeping a file open while pieces of it follow each other; raises as ``read_piece``."""
    with KeptOpen() as files:
        for located in pieces:
            yield located.piece.name, read_member(files.open(located.location), located.piece.member)


class KeptOpen:
    """Keeps the file opened last open, for members of one archive."""

    def __init__(self) -> None:
        self._location: ObjectLocation | None = None
        self._file: BinaryIO | None = None
        self._stack = ExitStack()

    def __enter__(self) -> "KeptOpen":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def open(self, location: ObjectLocation) -> BinaryIO:
        """Return the file at a location, positioned anywhere."""
        if self._file is None or location != self._location:
            self._stack.close()
            self._file = self._stack.enter_context(open_object(location))
            self._location = location
        return self._file
