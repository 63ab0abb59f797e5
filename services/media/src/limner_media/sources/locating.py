"""From pieces to the stores they lie in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limner_common.errors import Invalid
from limner_common.objects.locations import ObjectLocation
from limner_common.objects.port import ObjectBody, ObjectStore
from limner_media.core.archives import decode_member
from limner_media.sources.pieces import LocatedPiece, Piece


class NoShare(Invalid):
    """A file of the share was asked for and this server has none."""

    default_message = "This server has no file share."


class Sources:
    """The object store and the share, by piece.

    Args:
        objects: The object store.
        share: The share as a read-only store, or None.
    """

    def __init__(self, objects: ObjectStore, share: ObjectStore | None) -> None:
        self.objects = objects
        self._share = share

    @property
    def share(self) -> ObjectStore:
        """The share.

        Raises:
            NoShare: There is none.
        """
        if self._share is None:
            raise NoShare
        return self._share

    def location(self, piece: Piece) -> ObjectLocation:
        """Return what a worker process needs to read the file that holds a piece."""
        return self._store(piece).location(piece.key)

    def located(self, piece: Piece) -> LocatedPiece:
        """Return a piece with its location."""
        return LocatedPiece(piece, self.location(piece))

    async def read(self, piece: Piece) -> bytes:
        """Return a piece's bytes by one range read.

        Raises:
            MediaError: The archive it lies in is damaged.
            ObjectMissing: Its object is gone.
        """
        stored = await self._store(piece).get_bytes(piece.key, piece.offset_bytes, piece.stored_bytes)
        return decode_member(stored, piece.member)

    async def read_stored(self, piece: Piece, length: int) -> bytes:
        """Return the first stored bytes of a piece, not inflated."""
        return await self._store(piece).get_bytes(piece.key, piece.offset_bytes, min(length, piece.stored_bytes))

    @asynccontextmanager
    async def open(self, piece: Piece, start: int = 0, length: int | None = None) -> AsyncIterator[ObjectBody]:
        """Open a plain piece, or a range of it, for streaming; see ``ObjectStore.open_range``."""
        assert piece.is_plain
        room = max(0, piece.stored_bytes - start)
        length = room if length is None else min(length, room)
        async with self._store(piece).open_range(piece.key, piece.offset_bytes + start, length) as body:
            yield body

    def _store(self, piece: Piece) -> ObjectStore:
        return self.share if piece.is_share else self.objects
