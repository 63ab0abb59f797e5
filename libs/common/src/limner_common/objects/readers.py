"""Reading objects synchronously, in worker processes that have no event loop and no store of their own."""

import errno
import io
import os
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from limner_common.objects.folder_files import open_file
from limner_common.objects.locations import FolderLocation, ObjectLocation, S3Location
from limner_common.objects.port import BLOCK_BYTES

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Blocks of 1 MiB a reader keeps.
_CACHED_BLOCKS: Final = 16
#: Blocks asked for at once when reading goes straight on; half the cache, so that they do not drive each other out.
_MAX_READ_AHEAD_BLOCKS: Final = 8
_BUFFER_BYTES: Final = 64 << 10


def local_path(location: ObjectLocation) -> Path | None:
    """Return the file of an object for libraries that want a path, or None where it is not one. Read only.

    Raises:
        ObjectMissing: There should be a file, and is none.
    """
    if not isinstance(location, FolderLocation):
        return None
    os.close(open_file(location.path, location.key))
    return location.path


def open_object(location: ObjectLocation) -> BinaryIO:
    """Open an object as a binary file that can seek; close it in the end.

    A file of the folder store is that file. An object in a bucket is read in blocks of 1 MiB, of which 16 are kept;
    reading straight on asks for up to 8 of them at once. Seeking is free. Not for use by several threads at once.

    Raises:
        ObjectMissing: There is no such object.
        ObjectStoreUnavailable: The store does not answer.
        ObjectChanged: On reading: the object was replaced since it was opened.
    """
    if isinstance(location, FolderLocation):
        return os.fdopen(open_file(location.path, location.key), "rb")
    return io.BufferedReader(S3RangeReader(location), _BUFFER_BYTES)


class S3RangeReader(io.RawIOBase):
    """An object in a bucket as an unbuffered file, see ``open_object``."""

    def __init__(self, location: S3Location) -> None:
        super().__init__()
        from limner_common.objects import s3_calls, s3_pool

        self._location = location
        self._client = s3_pool.shared_client(location.bucket)
        self._info = s3_calls.stat(self._client, location.bucket, location.key)
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._position = 0
        self._next_block = -1
        self._read_ahead = 1

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position, which may lie past the end, and return it.

        Raises:
            OSError: The position is negative; what a file says, which readers of archives rely on.
        """
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._info.size_bytes}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = base + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill ``buffer`` up to the end of one block and return how many bytes that were; 0 at the end."""
        view = memoryview(buffer).cast("B")
        if not view or self._position >= self._info.size_bytes:
            return 0
        index, offset = divmod(self._position, BLOCK_BYTES)
        piece = self._block(index)[offset : offset + len(view)]
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _block(self, index: int) -> bytes:
        if index not in self._blocks:
            self._fetch(index)
        self._blocks.move_to_end(index)
        return self._blocks[index]

    def _fetch(self, index: int) -> None:
        straight_on = index == self._next_block
        self._read_ahead = min(self._read_ahead * 2, _MAX_READ_AHEAD_BLOCKS) if straight_on else 1
        start = index * BLOCK_BYTES
        from limner_common.objects.s3_ranges import RangeStream

        stream = RangeStream(
            self._client,
            self._location.bucket,
            self._location.key,
            start,
            self._read_ahead * BLOCK_BYTES,
            known=self._info,
        )
        try:
            data = memoryview(stream.read_all())
        finally:
            stream.close()
        for begin in range(0, len(data), BLOCK_BYTES):
            self._blocks[index + begin // BLOCK_BYTES] = bytes(data[begin : begin + BLOCK_BYTES])
        while len(self._blocks) > _CACHED_BLOCKS:
            self._blocks.popitem(last=False)
        self._next_block = index + self._read_ahead
