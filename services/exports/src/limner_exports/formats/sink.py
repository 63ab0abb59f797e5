"""A ZIP archive written as a stream, whose bytes depend on its content alone."""

import tempfile
import zipfile
from array import array
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self

import orjson

from limner_exports.formats.base import FormatError

_MODE = 0o100644 << 16
_UNIX = 3
_TEXT_LEVEL = 1
_SPOOL_MEMORY_BYTES = 1 << 20
_COPY_BYTES = 1 << 18


class ByteOutput(Protocol):
    """Where an archive goes; it need not be seekable or readable."""

    def write(self, data: bytes, /) -> int:
        """Take all of ``data``; returns the number of bytes taken."""
        ...

    def flush(self) -> None:
        """Pass on what was written."""
        ...


class Spool:
    """A member that grows while others are written: kept in memory up to 1 MiB, then in a temporary file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = tempfile.SpooledTemporaryFile(max_size=_SPOOL_MEMORY_BYTES)  # noqa: SIM115 - closed in close()
        self.size_bytes = 0

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._file.write(data)
        self.size_bytes += len(data)

    def chunks(self) -> Iterable[bytes]:
        """Yield what was written, from the start, in pieces of 256 KiB."""
        self._file.seek(0)
        while chunk := self._file.read(_COPY_BYTES):
            yield chunk

    def close(self) -> None:
        """Give the space back; the content is lost."""
        self._file.close()


def _new_info(path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path)
    info.external_attr = _MODE
    info.create_system = _UNIX
    return info


class Directory:
    """What an archive's directory says of its members, in a third of the memory that ``zipfile`` takes for it.

    Stands in for its two collections of ``ZipInfo``: ``filelist``, which it appends finished members to and walks at the
    end, and ``NameToInfo``, in which it looks for paths.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[int, ...]] = {}  # by path, in order; few are different
        self._known_kinds: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._numbers = array("Q")

    def append(self, info: zipfile.ZipInfo) -> None:
        """Keep a finished member."""
        kind = (info.compress_type, info.flag_bits, info.create_version, info.extract_version)
        self._kinds[info.filename] = self._known_kinds.setdefault(kind, kind)
        self._numbers.extend((info.CRC, info.compress_size, info.file_size, info.header_offset))

    def __setitem__(self, path: str, info: zipfile.ZipInfo) -> None:
        """Do nothing: it was appended."""

    def __contains__(self, path: object) -> bool:
        return path in self._kinds

    def __len__(self) -> int:
        return len(self._kinds)

    def __iter__(self) -> Iterator[zipfile.ZipInfo]:
        for position, (path, kind) in enumerate(self._kinds.items()):
            info = _new_info(path)
            info.compress_type, info.flag_bits, info.create_version, info.extract_version = kind
            numbers = self._numbers[4 * position : 4 * position + 4]
            info.CRC, info.compress_size, info.file_size, info.header_offset = numbers
            yield info


class ZipSink:
    """Writes members one at a time, in the order of the calls.

    Every member has the time 1980-01-01, mode 0644, a Unix creator and no extra data; media are stored, text is deflated
    at level 1. ZIP64 is forced on streamed members because their size is not known when they begin.
    """

    def __init__(self, out: ByteOutput) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_TEXT_LEVEL)  # type: ignore[call-overload]
        self._directory = Directory()
        self._zip.filelist = self._zip.NameToInfo = self._directory
        self._spools: list[Spool] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.close()
        else:
            self._drop_spools()
            self._zip.fp = None  # An unfinished archive must not get a directory that makes it look whole.

    def contains(self, path: str) -> bool:
        """Whether a member of this path was written; O(1)."""
        return path in self._directory

    def add_text(self, path: str, data: bytes | str) -> None:
        """Write a small text member."""
        self._require_new(path)
        self._zip.writestr(_new_info(path), data, zipfile.ZIP_DEFLATED, _TEXT_LEVEL)

    def add_json(self, path: str, document: object) -> None:
        """Write a small JSON member, indented."""
        self.add_text(path, orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")

    def add_media(self, path: str, chunks: Iterable[bytes]) -> None:
        """Copy a picture without compressing it; one chunk is held at a time."""
        self._require_new(path)
        with self._zip.open(_new_info(path), "w", force_zip64=True) as entry:
            for chunk in chunks:
                entry.write(chunk)

    def spool(self, path: str) -> Spool:
        """Begin a member that is finished with ``add_spool``, or dropped with the sink."""
        spool = Spool(path)
        self._spools.append(spool)
        return spool

    def add_stream(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a text member whose size is not known; one chunk is held at a time."""
        self._require_new(path)
        with self._zip.open(path, "w", force_zip64=True) as entry:
            for chunk in chunks:
                entry.write(chunk)

    def add_spools(self, *spools: Spool, path: str) -> None:
        """Write one member from the content of several spools, one after the other, and close them."""
        self.add_stream(path, (chunk for spool in spools for chunk in spool.chunks()))
        for spool in spools:
            self._forget(spool)

    def add_spool(self, spool: Spool) -> None:
        """Write the member that a spool collected, and close it."""
        self.add_spools(spool, path=spool.path)

    def close(self) -> None:
        """Finish the archive; the output stays open. Spools that were not added are dropped."""
        self._drop_spools()
        self._zip.close()

    def _require_new(self, path: str) -> None:
        if self.contains(path):
            raise FormatError("two members of the archive would have the same name", path)

    def _forget(self, spool: Spool) -> None:
        spool.close()
        self._spools.remove(spool)

    def _drop_spools(self) -> None:
        for spool in self._spools:
            spool.close()
        self._spools.clear()
