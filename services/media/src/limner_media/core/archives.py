"""Archives read member by member, within limits.

Zip archives and plain tars are never unpacked: a member's place in the file is noted once, so that a frame can be read
straight out of the stored archive later (one range read, and inflating for zip). Compressed tars have no such places and are
unpacked as a stream.

Sources: PKWARE APPNOTE 6.3.9 (zip); POSIX.1-2001 pax and GNU tar through ``tarfile``; domain/MEDIA.md §12.
"""

import zlib
from enum import StrEnum
from typing import IO, cast

from limner_media.core.archive_members import DEFLATED, STORED, ArchiveLimits, Member, refuse_duplicate
from limner_media.core.archive_tars import (
    MemberStream,
    extract_compressed_tar,
    is_tar_header,
    iter_compressed_tar,
    list_tar,
)
from limner_media.core.archive_zips import list_zip
from limner_media.core.errors import MediaError
from limner_media.core.watched import WatchedFile

__all__ = [
    "DEFLATED",
    "STORED",
    "ArchiveFormat",
    "ArchiveLimits",
    "Member",
    "MemberStream",
    "archive_format",
    "decode_member",
    "extract_compressed_tar",
    "iter_compressed_tar",
    "list_members",
    "read_member",
]


class ArchiveFormat(StrEnum):
    """Container formats that can be told by their first bytes."""

    ZIP = "zip"
    TAR = "tar"
    COMPRESSED_TAR = "compressed_tar"


def archive_format(head: bytes, *, file: str) -> ArchiveFormat:
    """Tell the format by the first 512 bytes of a file.

    Raises:
        MediaError: It is an archive that cannot be read here (rar, 7z, cpio), or none at all.
    """
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ArchiveFormat.ZIP
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")):
        return ArchiveFormat.COMPRESSED_TAR
    if len(head) >= 512 and is_tar_header(head):
        return ArchiveFormat.TAR
    for magic, what in ((b"Rar!", "rar"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"0707", "cpio")):
        if head.startswith(magic):
            raise MediaError(f"{what} archives are not supported; use zip or tar", file=file)
    raise MediaError("this is not an archive that can be read; use zip or tar", file=file)


def list_members(source: IO[bytes], *, file: str, limits: ArchiveLimits = ArchiveLimits()) -> list[Member]:
    """List the files of a zip or plain tar in archive order, junk left out.

    Args:
        source: Seekable binary file at any position.
        file: Name of the archive, for messages.
        limits: What the archive may hold.

    Raises:
        MediaError: The archive is damaged, encrypted, empty, exceeds a limit, or holds a link, device, absolute path,
            ``..``, or the same name twice; or it is a compressed tar, see `iter_compressed_tar`.
    """
    watched = WatchedFile(source)
    try:
        members = _list(cast(IO[bytes], watched), file, limits)
    except MediaError:
        watched.raise_failure()
        raise
    return _checked(members, file)


def read_member(source: IO[bytes], member: Member, *, max_bytes: int | None = None) -> bytes:
    """Read a member, or its first ``max_bytes`` bytes, straight out of the archive.

    Raises:
        MediaError: The stored bytes are damaged.
    """
    source.seek(member.offset)
    if max_bytes is None or max_bytes >= member.size_bytes:
        return decode_member(source.read(member.stored_bytes), member)
    if member.method == STORED:
        return source.read(max_bytes)
    # Deflate never grows data by more than some bytes per block, so this much input is always enough.
    return _inflate(source.read(min(member.stored_bytes, max_bytes + (max_bytes >> 3) + 1024)), max_bytes, member.name)


def decode_member(stored: bytes, member: Member) -> bytes:
    """Inflate and check the stored bytes of a member, as read from ``[offset, offset + stored_bytes)``.

    Raises:
        MediaError: Length or checksum do not fit: the archive is damaged.
    """
    data = stored if member.method == STORED else _inflate(stored, member.size_bytes + 1, member.name)
    if len(data) != member.size_bytes or (member.crc32 is not None and zlib.crc32(data) != member.crc32):
        raise MediaError("the archive is damaged at this file", file=member.name)
    return data


def _list(source: IO[bytes], file: str, limits: ArchiveLimits) -> list[Member]:
    source.seek(0)
    match archive_format(source.read(512), file=file):
        case ArchiveFormat.ZIP:
            return list_zip(source, file, limits)
        case ArchiveFormat.TAR:
            return list_tar(source, file, limits)
        case ArchiveFormat.COMPRESSED_TAR:
            raise MediaError("a compressed tar has to be unpacked as a stream", file=file)


def _checked(members: list[Member], file: str) -> list[Member]:
    seen: set[str] = set()
    for member in members:
        refuse_duplicate(member.name, seen, file)
    if not members:
        raise MediaError("the archive holds no files", file=file)
    return members


def _inflate(stored: bytes, max_bytes: int, name: str) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored, max_bytes)
    except zlib.error as error:
        raise MediaError("the archive is damaged at this file", file=name) from error
