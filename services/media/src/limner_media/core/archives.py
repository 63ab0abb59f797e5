"""Archives read member by member, within limits.

Zip archives and plain tars are never unpacked: a member's place in the file is noted once, so that a frame can be read
straight out of the stored archive later (one range read, and inflating for zip). Compressed tars have no such places and are
unpacked as a stream.

Sources: PKWARE APPNOTE 6.3.9 (zip); POSIX.1-2001 pax and GNU tar through ``tarfile``; domain/MEDIA.md §12.
"""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Final, NoReturn, cast

from limner_media.core.errors import MediaError
from limner_media.core.names import is_junk, normalize_name

STORED: Final = 0
DEFLATED: Final = 8
_ENCRYPTED: Final = 0x1
_SYMLINK_MODE: Final = 0o120000
_FORMAT_MASK: Final = 0o170000
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_COPY_BYTES: Final = 1 << 20
# Small archives compress arbitrarily well without harm; the ratio counts above this size only.
_RATIO_FREE_BYTES: Final = 64 << 20
_STREAM_ERRORS: Final = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)


class ArchiveFormat(StrEnum):
    """Container formats that can be told by their first bytes."""

    ZIP = "zip"
    TAR = "tar"
    COMPRESSED_TAR = "compressed_tar"


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much an archive may hold; whatever exceeds one of these is refused as a whole.

    Attributes:
        max_members: Number of entries, folders and junk included.
        max_total_bytes: Sum of the uncompressed sizes.
        max_member_bytes: Uncompressed size of one member.
        max_ratio: Uncompressed size over stored size of the whole, counted for what exceeds 64 MiB.
    """

    max_members: int = 500_000
    max_total_bytes: int = 256 << 30
    max_member_bytes: int = 2 << 30
    max_ratio: float = 200.0


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive and where its bytes lie.

    Attributes:
        name: Safe relative name with forward slashes.
        offset: Position in the archive of the first stored byte of the data.
        stored_bytes: Length of the data as stored.
        size_bytes: Length of the data once inflated.
        method: 0 stored, 8 deflate (zip's numbers); tar members are stored.
        crc32: Checksum of the inflated data; None for tar.
    """

    name: str
    offset: int
    stored_bytes: int
    size_bytes: int
    method: int = STORED
    crc32: int | None = None


def archive_format(head: bytes, *, file: str) -> ArchiveFormat:
    """Tell the format by the first 512 bytes of a file.

    Raises:
        MediaError: It is an archive that cannot be read here (rar, 7z, cpio), or none at all.
    """
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ArchiveFormat.ZIP
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")):
        return ArchiveFormat.COMPRESSED_TAR
    if len(head) >= 512 and _is_tar_header(head):
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
    source.seek(0)
    match archive_format(source.read(512), file=file):
        case ArchiveFormat.ZIP:
            members = _list_zip(source, file, limits)
        case ArchiveFormat.TAR:
            members = _list_tar(source, file, limits)
        case ArchiveFormat.COMPRESSED_TAR:
            raise MediaError("a compressed tar has to be unpacked as a stream", file=file)
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


def iter_compressed_tar(
    source: IO[bytes], *, file: str, limits: ArchiveLimits = ArchiveLimits()
) -> Iterator[tuple[str, int, "MemberStream"]]:
    """Unpack a compressed tar as a stream.

    Args:
        source: Binary file; read forward only from the start.
        file: Name of the archive, for messages.
        limits: What the archive may hold; checked as it is read, so earlier members have been handed out when a
            later one breaks a limit.

    Yields:
        Safe name, size in bytes, and a readable file that is valid until the next step.

    Raises:
        MediaError: As in `list_members`.
    """
    source.seek(0)
    counted = _CountingReader(source)
    seen: set[str] = set()
    budget = _Budget(file, limits)
    try:
        with tarfile.open(fileobj=cast(IO[bytes], counted), mode="r|*") as tar:
            for info in tar:
                budget.add(info.size, counted.count, whole_ratio=True)
                name = _tar_name(info, file)
                if name is None:
                    continue
                _refuse_duplicate(name, seen, file)
                data = tar.extractfile(info)
                if data is not None:
                    yield name, info.size, MemberStream(data, file)
    except _STREAM_ERRORS as error:
        raise MediaError("the archive is damaged or cut short", file=file) from error
    if not seen:
        raise MediaError("the archive holds no files", file=file)


def extract_compressed_tar(
    source: IO[bytes],
    sink: Callable[[str, int, "MemberStream"], None],
    *,
    file: str,
    limits: ArchiveLimits = ArchiveLimits(),
) -> list[str]:
    """Give each file of a compressed tar to ``sink(name, size_bytes, reader)``; return the names in order."""
    names = []
    for name, size, data in iter_compressed_tar(source, file=file, limits=limits):
        sink(name, size, data)
        names.append(name)
    return names


class MemberStream:
    """A file inside a compressed tar while it passes by; read forward, valid until the next member is asked for."""

    def __init__(self, data: IO[bytes], archive: str) -> None:
        self._data = data
        self._archive = archive

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, all that is left when negative.

        Raises:
            MediaError: The archive is damaged or cut short here.
        """
        try:
            return self._data.read(size) if size >= 0 else self._data.read()
        except _STREAM_ERRORS as error:
            raise MediaError("the archive is damaged or cut short", file=self._archive) from error


def _list_zip(source: IO[bytes], file: str, limits: ArchiveLimits) -> list[Member]:
    try:
        with zipfile.ZipFile(source) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, struct.error) as error:
        raise MediaError("the zip archive is damaged or cut short", file=file) from error
    budget = _Budget(file, limits)
    members = []
    for info in infos:
        budget.add(info.file_size, info.compress_size)
        name = _zip_name(info, file)
        if name is not None:
            offset = _data_offset(source, info, file)
            members.append(Member(name, offset, info.compress_size, info.file_size, info.compress_type, info.CRC))
    _refuse_overlap(members, file)
    return members


def _zip_name(info: zipfile.ZipInfo, file: str) -> str | None:
    """Safe name of a file entry; None for folders and junk."""
    name = normalize_name(info.orig_filename) if info.orig_filename.strip("/") else ""
    if info.is_dir() or not name or is_junk(name):
        return None
    mode = (info.external_attr >> 16) & _FORMAT_MASK
    if mode == _SYMLINK_MODE:
        raise MediaError(f"links are not allowed in archives ({name})", file=file)
    if info.flag_bits & _ENCRYPTED:
        raise MediaError(f"encrypted archives cannot be read ({name})", file=file)
    if info.compress_type not in (STORED, DEFLATED):
        raise MediaError(f"the compression of {name} is not supported; use deflate or none", file=file)
    return name


def _data_offset(source: IO[bytes], info: zipfile.ZipInfo, file: str) -> int:
    source.seek(info.header_offset)
    header = source.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        _damaged_zip(info, file)
    magic, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    if magic != b"PK\x03\x04":
        _damaged_zip(info, file)
    return info.header_offset + _LOCAL_HEADER.size + int(name_length) + int(extra_length)


def _damaged_zip(info: zipfile.ZipInfo, file: str) -> NoReturn:
    raise MediaError(f"the zip archive is damaged at {info.filename}", file=file)


def _list_tar(source: IO[bytes], file: str, limits: ArchiveLimits) -> list[Member]:
    source.seek(0, 2)
    end = source.tell()
    source.seek(0)
    budget = _Budget(file, limits)
    members = []
    try:
        with tarfile.open(fileobj=source, mode="r:") as tar:
            for info in tar:
                budget.add(info.size, info.size)
                name = _tar_name(info, file)
                if name is not None:
                    members.append(Member(name, info.offset_data, info.size, info.size))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise MediaError("the tar archive is damaged or cut short", file=file) from error
    if any(member.offset + member.size_bytes > end for member in members):
        raise MediaError("the tar archive is cut short", file=file)
    return members


def _tar_name(info: tarfile.TarInfo, file: str) -> str | None:
    """Safe name of a file entry; None for folders and junk."""
    name = normalize_name(info.name) if info.name.strip("./") else ""
    if info.isdir() or not name or is_junk(name):
        return None
    if info.issym() or info.islnk():
        raise MediaError(f"links are not allowed in archives ({name})", file=file)
    if not info.isreg() or info.issparse():
        raise MediaError(f"only plain files are allowed in archives ({name})", file=file)
    return name


def _is_tar_header(head: bytes) -> bool:
    """Whether a 512-byte block is a tar header by its checksum (old tars carry no magic)."""
    try:
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _checked(members: list[Member], file: str) -> list[Member]:
    seen: set[str] = set()
    for member in members:
        _refuse_duplicate(member.name, seen, file)
    if not members:
        raise MediaError("the archive holds no files", file=file)
    return members


def _refuse_duplicate(name: str, seen: set[str], file: str) -> None:
    if name in seen:
        raise MediaError(f"the archive holds {name} twice", file=file)
    seen.add(name)


def _refuse_overlap(members: list[Member], file: str) -> None:
    """Entries that share stored bytes are how a zip gets around the limit of total stored size."""
    end = 0
    for member in sorted(members, key=lambda member: member.offset):
        if member.offset < end:
            raise MediaError(f"the zip archive is damaged: {member.name} overlaps another file", file=file)
        end = member.offset + member.stored_bytes


def _inflate(stored: bytes, max_bytes: int, name: str) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored, max_bytes)
    except zlib.error as error:
        raise MediaError("the archive is damaged at this file", file=name) from error


class _Budget:
    """Running totals of an archive against its limits."""

    def __init__(self, file: str, limits: ArchiveLimits) -> None:
        self._file = file
        self._limits = limits
        self._members = 0
        self._total_bytes = 0
        self._stored_bytes = 0

    def add(self, size_bytes: int, stored_bytes: int, *, whole_ratio: bool = False) -> None:
        """Count one member; with ``whole_ratio`` ``stored_bytes`` is the total read so far, not the member's."""
        limits = self._limits
        self._members += 1
        self._total_bytes += size_bytes
        self._stored_bytes = stored_bytes if whole_ratio else self._stored_bytes + stored_bytes
        if self._members > limits.max_members:
            self._refuse(f"it holds more than {limits.max_members} files")
        if size_bytes > limits.max_member_bytes:
            self._refuse(f"a file in it is larger than {limits.max_member_bytes} bytes")
        if self._total_bytes > limits.max_total_bytes:
            self._refuse(f"unpacked it is larger than {limits.max_total_bytes} bytes")
        excess = self._total_bytes - _RATIO_FREE_BYTES
        if excess > limits.max_ratio * max(1, self._stored_bytes):
            self._refuse("it is compressed beyond what real data allow (a decompression bomb?)")

    def _refuse(self, why: str) -> NoReturn:
        raise MediaError(f"the archive is refused: {why}", file=self._file)


class _CountingReader:
    """Counts the bytes that a stream reader takes, to relate them to what comes out."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.count = 0

    def read(self, size: int = _COPY_BYTES) -> bytes:
        data = self._source.read(size)
        self.count += len(data)
        return data
