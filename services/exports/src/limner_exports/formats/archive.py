"""Reading uploaded archives without trusting them: nothing is unpacked, members are read in place."""

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Self

from limner_exports.formats.base import FormatError

_READ_BYTES = 1 << 20
_ALLOWED_TYPES = frozenset({0, stat.S_IFREG, stat.S_IFDIR})


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """What an archive may hold.

    ``max_ratio`` is the uncompressed by the compressed size of one member, checked once it is larger than
    ``ratio_floor_bytes``. ``max_text_bytes`` limits members that have to be in memory as a whole.
    """

    max_members: int = 2_000_000
    max_total_bytes: int = 1 << 40
    max_ratio: int = 1000
    ratio_floor_bytes: int = 1 << 24
    max_text_bytes: int = 1 << 26


class SafeArchive:
    """A ZIP archive, or a bare annotation file shown as an archive of one member.

    Member names are normalised to ``a/b/c``. Refused as a whole: absolute paths, ``..``, links and devices, names that are
    equal after normalisation, encrypted members, more members or bytes than the limits say.

    Raises:
        FormatError: The file is not an archive of this kind, or is unsafe.
    """

    def __init__(self, path: Path, *, name: str | None = None, limits: ArchiveLimits | None = None) -> None:
        self._path = path
        self._limits = limits or ArchiveLimits()
        self._zip: zipfile.ZipFile | None = None
        self._members: dict[str, zipfile.ZipInfo] = {}
        self.bare_name = ""
        if zipfile.is_zipfile(path):
            self._open_zip()
        else:
            self.bare_name = _bare_name(path, name or path.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; members opened before become unreadable."""
        if self._zip is not None:
            self._zip.close()

    def names(self) -> list[str]:
        """All file names, sorted; O(n log n)."""
        return [self.bare_name] if self.bare_name else sorted(self._members)

    def contains(self, name: str) -> bool:
        """Whether there is a file of this name; O(1)."""
        return name == self.bare_name if self.bare_name else name in self._members

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a member for reading; damaged data end in ``FormatError`` naming the member.

        Raises:
            FormatError: There is no such member, or its data are damaged.
        """
        if not self.contains(name):
            raise FormatError("the archive has no such file", name)
        try:
            with self._open_raw(name) as file:
                yield file
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise FormatError(f"the file is damaged ({error})", name) from error

    def read(self, name: str, max_bytes: int | None = None) -> bytes:
        """Read a small member as a whole.

        Raises:
            FormatError: It is absent, damaged or larger than ``max_bytes`` (default: the text limit).
        """
        limit = max_bytes or self._limits.max_text_bytes
        with self.open(name) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise FormatError(f"the file is larger than {limit} bytes", name)
        return data

    def lines(self, name: str) -> Iterator[tuple[int, str]]:
        """Yield (line number from 1, text without line end) of a UTF-8 text member.

        Raises:
            FormatError: Not UTF-8, or a line longer than the text limit.
        """
        number = 0
        with self.open(name) as file:
            while raw := file.readline(self._limits.max_text_bytes + 1):
                number += 1
                if len(raw) > self._limits.max_text_bytes:
                    raise FormatError("the line is too long", f"{name}: line {number}")
                yield number, decode_text(raw, f"{name}: line {number}").rstrip("\r\n").removeprefix("\ufeff")

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a member in pieces of 1 MiB."""
        with self.open(name) as file:
            while chunk := file.read(_READ_BYTES):
                yield chunk

    def _open_raw(self, name: str) -> IO[bytes]:
        if self._zip is None:
            return self._path.open("rb")
        try:
            return self._zip.open(self._members[name])
        except (OSError, struct.error) as error:
            raise FormatError(f"the archive is damaged ({error})", name) from error

    def _open_zip(self) -> None:
        try:
            self._zip = zipfile.ZipFile(self._path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
            raise FormatError(f"the archive is damaged ({error})") from error
        try:
            self._list_members(self._zip)
        except FormatError:
            self._zip.close()
            raise

    def _list_members(self, archive: zipfile.ZipFile) -> None:
        infos = archive.infolist()
        if len(infos) > self._limits.max_members:
            raise FormatError(f"the archive has more than {self._limits.max_members} members")
        total = 0
        seen: set[str] = set()
        for info in infos:
            name = _safe_name(info)
            key = unicodedata.normalize("NFC", name)
            if key in seen and not info.is_dir():
                raise FormatError("the archive has two members of this name", name)
            if info.is_dir():
                continue
            seen.add(key)
            total += info.file_size
            self._check_size(info, total)
            self._members[name] = info

    def _check_size(self, info: zipfile.ZipInfo, total: int) -> None:
        if total > self._limits.max_total_bytes:
            raise FormatError(f"the archive unpacks to more than {self._limits.max_total_bytes} bytes")
        is_large = info.file_size > self._limits.ratio_floor_bytes
        if is_large and info.file_size > self._limits.max_ratio * max(info.compress_size, 1):
            raise FormatError("the member is compressed suspiciously well", info.filename)


def decode_text(raw: bytes, where: str) -> str:
    """Decode UTF-8.

    Raises:
        FormatError: The bytes are not UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise FormatError("the text is not UTF-8", where) from error


def _safe_name(info: zipfile.ZipInfo) -> str:
    raw = info.filename.replace("\\", "/")
    parts = PurePosixPath(raw).parts
    has_drive = bool(parts) and parts[0].endswith(":")
    if raw.startswith("/") or has_drive or ".." in parts or "\0" in raw or not parts:
        raise FormatError("the archive has a member outside of its root", info.filename)
    if stat.S_IFMT(info.external_attr >> 16) not in _ALLOWED_TYPES:
        raise FormatError("the archive has a link or a device", info.filename)
    if info.flag_bits & 1:
        raise FormatError("the archive is encrypted", info.filename)
    return "/".join(parts)


def _bare_name(path: Path, name: str) -> str:
    """Name of a file that is not an archive, if it can be an annotation file."""
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    plain = PurePosixPath(name.replace("\\", "/")).name
    suffix = PurePosixPath(plain).suffix.lower()
    is_xml, is_json = start.startswith(b"<"), start[:1] in (b"{", b"[")
    if (is_xml and suffix != ".json") or (is_json and suffix != ".xml"):
        expected = ".xml" if is_xml else ".json"
        return plain if suffix == expected else plain + expected
    raise FormatError("the file is neither a ZIP archive nor an XML or JSON file", plain)
