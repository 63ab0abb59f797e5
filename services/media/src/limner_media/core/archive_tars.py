"""Tar archives: plain ones by the places of their members, compressed ones as a stream.

Source: POSIX.1-2001 pax and GNU tar, read by ``tarfile``.
"""

import tarfile
from collections.abc import Callable, Iterator
from typing import IO, Final, cast

from limner_media.core.archive_members import ArchiveLimits, Budget, Member, refuse_duplicate
from limner_media.core.errors import MediaError
from limner_media.core.names import is_junk, normalize_name
from limner_media.core.watched import WatchedFile

_COPY_BYTES: Final = 1 << 20


def list_tar(source: IO[bytes], file: str, limits: ArchiveLimits) -> list[Member]:
    """List the files of a plain tar, see `limner_media.core.archives.list_members`."""
    source.seek(0, 2)
    end = source.tell()
    source.seek(0)
    budget = Budget(file, limits)
    members = []
    try:
        with tarfile.open(fileobj=source, mode="r:") as tar:
            for info in tar:
                budget.add(info.size, info.size)
                name = _tar_name(info, file)
                if name is not None:
                    members.append(Member(name, info.offset_data, info.size, info.size))
    except MediaError:
        raise
    except Exception as error:  # On damaged archives the reader raises anything, TypeError included.
        raise MediaError("the tar archive is damaged or cut short", file=file) from error
    if any(member.offset + member.size_bytes > end for member in members):
        raise MediaError("the tar archive is cut short", file=file)
    return members


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
    counted = _CountingReader(source)
    counted.seek(0)
    seen: set[str] = set()
    budget = Budget(file, limits)
    try:
        with tarfile.open(fileobj=cast(IO[bytes], counted), mode="r|*") as tar:
            for info in tar:
                budget.add(info.size, counted.count, whole_ratio=True)
                name = _tar_name(info, file)
                if name is None:
                    continue
                refuse_duplicate(name, seen, file)
                data = tar.extractfile(info)
                if data is not None:
                    yield name, info.size, MemberStream(data, counted, file)
    except MediaError:
        raise
    except Exception as error:  # As in `list_tar`.
        counted.raise_failure()
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

    def __init__(self, data: IO[bytes], source: WatchedFile, archive: str) -> None:
        self._data = data
        self._source = source
        self._archive = archive

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, all that is left when negative.

        Raises:
            MediaError: The archive is damaged or cut short here.
        """
        try:
            return self._data.read(size) if size >= 0 else self._data.read()
        except Exception as error:  # As in `list_tar`.
            self._source.raise_failure()
            raise MediaError("the archive is damaged or cut short", file=self._archive) from error


def is_tar_header(head: bytes) -> bool:
    """Whether a 512-byte block is a tar header by its checksum (old tars carry no magic)."""
    try:
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


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


class _CountingReader(WatchedFile):
    """Counts the bytes that a stream reader takes, to relate them to what comes out."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__(source)
        self.count = 0

    def read(self, size: int = _COPY_BYTES) -> bytes:
        """Read and count."""
        data = super().read(size)
        self.count += len(data)
        return data
