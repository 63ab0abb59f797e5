"""Files by where their bytes lie: a whole object or share file, or a member of an archive inside one."""

from dataclasses import dataclass
from typing import Any

import msgspec

from limner_common.objects.locations import ObjectLocation
from limner_media.core.archives import STORED, Member


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of one file.

    Attributes:
        name: Name of the file as people know it; relative, safe.
        key: Object in the store, or path in the share.
        is_share: Which of the two.
        offset_bytes: Where the stored bytes start.
        stored_bytes: How many there are.
        size_bytes: How many they are once inflated.
        method: 0 as they are, 8 deflated.
        crc32: Checksum once inflated, when the archive has one.
    """

    name: str
    key: str
    is_share: bool = False
    offset_bytes: int = 0
    stored_bytes: int = 0
    size_bytes: int = 0
    method: int = STORED
    crc32: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the stored bytes are the file's bytes."""
        return self.method == STORED

    @property
    def member(self) -> Member:
        """The piece as the core's archive functions know it."""
        return Member(self.name, self.offset_bytes, self.stored_bytes, self.size_bytes, self.method, self.crc32)


@dataclass(frozen=True, slots=True)
class LocatedPiece:
    """A piece with all a worker process needs to read it; picklable."""

    piece: Piece
    location: ObjectLocation


def whole_file(name: str, key: str, size_bytes: int, *, is_share: bool = False) -> Piece:
    """Return the piece that is a whole object or share file."""
    return Piece(name=name, key=key, is_share=is_share, stored_bytes=size_bytes, size_bytes=size_bytes)


def member_of(archive: Piece, member: Member) -> Piece:
    """Return the piece that is a member of an archive, which is a whole file itself."""
    return Piece(
        name=member.name,
        key=archive.key,
        is_share=archive.is_share,
        offset_bytes=member.offset,
        stored_bytes=member.stored_bytes,
        size_bytes=member.size_bytes,
        method=member.method,
        crc32=member.crc32,
    )


def piece_of_row(row: Any) -> Piece:
    """Return the piece in a row with the columns of ``limner_media.datas.tables``."""
    return Piece(
        name=row.name,
        key=row.key,
        is_share=row.is_share,
        offset_bytes=row.offset_bytes,
        stored_bytes=row.stored_bytes,
        size_bytes=row.size_bytes,
        method=row.method,
        crc32=row.crc32,
    )
