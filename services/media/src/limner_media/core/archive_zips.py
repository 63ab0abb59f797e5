"""Zip archives: where each member lies.

Source: PKWARE APPNOTE 6.3.9.
"""

import struct
import zipfile
from typing import IO, Final, NoReturn

from limner_media.core.archive_members import DEFLATED, STORED, ArchiveLimits, Budget, Member
from limner_media.core.errors import MediaError
from limner_media.core.names import is_junk, normalize_name

_ENCRYPTED: Final = 0x1
_SYMLINK_MODE: Final = 0o120000
_FORMAT_MASK: Final = 0o170000
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")


def list_zip(source: IO[bytes], file: str, limits: ArchiveLimits) -> list[Member]:
    """List the files of a zip, see `limner_media.core.archives.list_members`.

    Reads the central directory and the 30 bytes before each member, which alone tell where its data start.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            infos = archive.infolist()
    except Exception as error:  # On damaged archives the reader raises anything, NotImplementedError included.
        raise MediaError("the zip archive is damaged or cut short", file=file) from error
    budget = Budget(file, limits)
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
    source.seek(max(0, info.header_offset))
    header = source.read(_LOCAL_HEADER.size)
    if info.header_offset < 0 or len(header) < _LOCAL_HEADER.size:
        _damaged_zip(info, file)
    magic, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    if magic != b"PK\x03\x04":
        _damaged_zip(info, file)
    return info.header_offset + _LOCAL_HEADER.size + int(name_length) + int(extra_length)


def _damaged_zip(info: zipfile.ZipInfo, file: str) -> NoReturn:
    raise MediaError(f"the zip archive is damaged at {info.filename}", file=file)


def _refuse_overlap(members: list[Member], file: str) -> None:
    """Entries that share stored bytes are how a zip gets around the limit of total stored size."""
    end = 0
    for member in sorted(members, key=lambda member: member.offset):
        if member.offset < end:
            raise MediaError(f"the zip archive is damaged: {member.name} overlaps another file", file=file)
        end = member.offset + member.stored_bytes
