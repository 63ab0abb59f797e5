"""One file of the folder cache: its name, its format, and its merit.

An entry is ``header || JSON of key and metadata || value``. Its time of modification is its *merit*: the moment at
which a single use would weigh as much as all its uses weigh together, where a use loses half its weight every half-life
(``merit_after_use``). So least merit is least frequently used with ageing; any process can raise it without a lock, it
survives restarts, and no index can be at odds with the files. It is written when it has grown by a step worth writing:
the first uses of an entry are, later ones now and then.
"""

import math
import os
import struct
import threading
import zlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

import msgspec

from limner_common.cache.port import Entry, Metadata, encode_metadata

#: Magic, CRC-32 of all that follows this header, bytes of the JSON, bytes of the value; little-endian.
_HEADER: Final = struct.Struct("<4sIIQ")
_MAGIC: Final = b"LMC1"
#: The first read takes header and JSON, and all of a small value.
_FIRST_READ_BYTES: Final = 16 << 10
_MAX_NAME_BYTES: Final = 200
_MAX_KNOWN: Final = 100_000
_NANO: Final = 1_000_000_000
#: Part of a half-life that a merit grows by before it is written again; a process that dies loses less.
_STEP_PART: Final = 8


class Broken(Exception):
    """The file is not a whole entry of its key."""


class _About(msgspec.Struct):
    key: str
    metadata: dict[str, str]


class _Identity(NamedTuple):
    """Tells whether a file is still the one whose checksum was compared: the kernel renews ``ctime`` on any change."""

    inode: int
    ctime_ns: int
    size_bytes: int


@dataclass(slots=True)
class _Known:
    """What this process knows of a file: its state then, whether it was whole, and its merit with uses not yet written."""

    identity: _Identity
    is_whole: bool
    merit: float


class _Head(NamedTuple):
    checksum: int
    about: _About
    value_at: int
    value_bytes: int


def merit_after_use(merit: float, now: float, half_life_seconds: float) -> float:
    """Return the merit after one more use; seconds of the epoch, like both times.

    Uses weigh ``2 ** (time / half_life)``; the merit is the time of one use as heavy as their sum.
    """
    apart = abs(merit - now) / half_life_seconds
    return max(merit, now) + half_life_seconds * math.log2(1.0 + 2.0**-apart)


def set_merit(fd: int, merit: float) -> None:
    """Write the merit, in seconds of the epoch, of an open file."""
    stamp = int(merit * _NANO)
    os.utime(fd, ns=(stamp, stamp))


def file_path(entries: Path, key: str) -> Path:
    """Return the file of an entry, whose key is valid."""
    *folders, last = key.split("/")
    return entries.joinpath(*map(_name, folders), f"={_name(last)}")


def folder_path(entries: Path, prefix: str) -> Path:
    """Return the folder of the entries below ``prefix``, which ends on a slash or is empty."""
    return entries.joinpath(*map(_name, prefix.split("/")[:-1]))


def folder_names(entries: Path, prefix: str) -> list[str]:
    """Return the names of the folders of keys directly below ``prefix``; those too long to be told from their files not."""
    try:
        found = list(os.scandir(folder_path(entries, prefix)))
    except (FileNotFoundError, NotADirectoryError):
        return []
    names = [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]
    return [unquote(name) for name in names if not name.startswith("%%")]


def _name(segment: str) -> str:
    # Quoted text holds no "=", and "%" only before two digits: neither a leaf nor a digest can be mistaken.
    name = quote(segment, safe="")
    return name if len(name) <= _MAX_NAME_BYTES else f"%%{sha256(segment.encode()).hexdigest()}"


def head_of(key: str, value: bytes, metadata: Metadata) -> bytes:
    """Return what stands before ``value`` in the file of the entry.

    Raises:
        ValueError: The metadata is too long.
    """
    encode_metadata(metadata)
    about = msgspec.json.encode(_About(key, dict(metadata)))
    return _HEADER.pack(_MAGIC, zlib.crc32(value, zlib.crc32(about)), len(about), len(value)) + about


class EntryReader:
    """Reads entries, checks each file once, and raises their merit. Used by many threads.

    Args:
        entries: Folder of all entries.
        half_life_seconds: After how long a use counts half.
    """

    def __init__(self, entries: Path, half_life_seconds: float) -> None:
        self._entries = entries
        self._half_life_seconds = half_life_seconds
        self._known: dict[Path, _Known] = {}
        self._lock = threading.Lock()

    def read(self, key: str, now: float, *, with_value: bool) -> Entry:
        """Return the entry, with an empty value unless it is wanted, and count a use.

        The value takes one read and no copy. Its checksum is computed only when this process has not seen exactly
        this file before; it is not when the value is not wanted.

        Raises:
            Broken: It is not a whole entry of this key.
            OSError: There is none, or the disk says so.
        """
        path = file_path(self._entries, key)
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            identity, is_whole = self._identify(path, fd)
            first = os.pread(fd, _FIRST_READ_BYTES, 0)
            head = _parse(first, key, identity.size_bytes)
            value = _read_value(fd, first, head) if with_value else b""
            if with_value and not is_whole:
                _compare(first, head, value)
                is_whole = True
            self._use(path, fd, now, whole=identity if is_whole else None)
        finally:
            os.close(fd)
        return Entry(value, head.about.metadata)

    def trust(self, path: Path, fd: int) -> None:
        """Note that the open file, at ``path``, is new and known to be whole."""
        with self._lock:
            self._note(path, os.fstat(fd), is_whole=True)

    def _identify(self, path: Path, fd: int) -> tuple[_Identity, bool]:
        """Return the state of an open file, and whether it is known to be whole."""
        # The lock keeps threads that read the same file from taking each other's writing for a change of unknown origin.
        with self._lock:
            identity = _identity(os.fstat(fd))
            known = self._known.get(path)
            return identity, known is not None and known.is_whole and known.identity == identity

    def _use(self, path: Path, fd: int, now: float, *, whole: _Identity | None) -> None:
        """Count a use of the open file, of which the state ``whole`` is known to be whole."""
        with self._lock:
            status = os.fstat(fd)
            known = self._known.get(path)
            if known is None or known.identity.inode != status.st_ino:
                known = self._note(path, status, is_whole=False)
            identity = _identity(status)
            known.is_whole = identity == whole or (known.is_whole and identity == known.identity)
            known.merit = merit_after_use(max(known.merit, status.st_mtime), now, self._half_life_seconds)
            if known.merit - status.st_mtime >= self._half_life_seconds / _STEP_PART:
                set_merit(fd, known.merit)
                status = os.fstat(fd)
            known.identity = _identity(status)

    def _note(self, path: Path, status: os.stat_result, *, is_whole: bool) -> _Known:
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        known = self._known[path] = _Known(_identity(status), is_whole, status.st_mtime)
        return known


def _identity(status: os.stat_result) -> _Identity:
    return _Identity(status.st_ino, status.st_ctime_ns, status.st_size)


def _parse(first: bytes, key: str, size_bytes: int) -> _Head:
    try:
        magic, checksum, about_bytes, value_bytes = _HEADER.unpack_from(first)
        value_at = _HEADER.size + about_bytes
        if magic != _MAGIC or value_at > len(first) or size_bytes != value_at + value_bytes:
            raise Broken
        about = msgspec.json.decode(first[_HEADER.size : value_at], type=_About)
    except (struct.error, msgspec.MsgspecError):
        raise Broken from None
    if about.key != key:
        # Two keys can meet in one file where names are longer than they are kept, or case is ignored.
        raise Broken
    return _Head(checksum, about, value_at, value_bytes)


def _read_value(fd: int, first: bytes, head: _Head) -> bytes:
    end = head.value_at + head.value_bytes
    value = first[head.value_at : end] if end <= len(first) else os.pread(fd, head.value_bytes, head.value_at)
    if len(value) != head.value_bytes:
        raise Broken
    return value


def _compare(first: bytes, head: _Head, value: bytes) -> None:
    if zlib.crc32(value, zlib.crc32(first[_HEADER.size : head.value_at])) != head.checksum:
        raise Broken
