"""What all archive formats share: members, limits, and keeping to them."""

from dataclasses import dataclass
from typing import Final, NoReturn

from limner_media.core.errors import MediaError

STORED: Final = 0
DEFLATED: Final = 8
# Small archives compress arbitrarily well without harm; the ratio counts above this size only.
_RATIO_FREE_BYTES: Final = 64 << 20


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


class Budget:
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


def refuse_duplicate(name: str, seen: set[str], file: str) -> None:
    """Note a name, and refuse it when it was there before.

    Raises:
        MediaError: The name is in ``seen`` already.
    """
    if name in seen:
        raise MediaError(f"the archive holds {name} twice", file=file)
    seen.add(name)
