"""Sizes of frames, from headers alone."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from limner_common.objects.locations import FolderLocation
from limner_common.objects.threads import Threads
from limner_media.core.archives import STORED, read_member
from limner_media.core.errors import MediaError
from limner_media.core.images import placeholder_jpeg, read_header, read_header_from_prefix
from limner_media.core.kinds import extension_of, is_point_cloud
from limner_media.core.pointclouds import BYTES_PER_BIN_POINT, MAX_HEADER_BYTES, read_pcd_header
from limner_media.pool.processes import ProcessPool
from limner_media.sources.locating import Sources
from limner_media.sources.pieces import LocatedPiece, Piece
from limner_media.sources.reading import KeptOpen

#: First part of a compressed member that is inflated; holds the header of nearly every file without a camera thumbnail.
_FIRST_BYTES = 4096
#: First part of a remote file that is fetched; holds the header of nearly every file.
_REMOTE_BYTES = 64 << 10
_BATCH = 64
_REMOTE_AT_ONCE = 16
#: From this many files on, the worker processes read headers, so that this process stays responsive.
_MANY_FILES = 4000


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """Width and height in pixels once upright (WIDTH and HEIGHT of a point cloud), format, and whether it is upright."""

    width: int
    height: int
    format: str
    is_upright: bool


async def read_headers(
    sources: Sources,
    pieces: Sequence[Piece],
    *,
    threads: Threads,
    pool: ProcessPool,
    report: Callable[[int], Awaitable[None]],
) -> list[FrameHeader]:
    """Read the headers of frames, batch by batch.

    Args:
        sources: Where they lie.
        pieces: Frames under the names they were sent with.
        threads: Reads some files.
        pool: Reads many files.
        report: Told how many are done, while there are more.

    Raises:
        MediaError: A file cannot be read; the first one that was met.
    """
    found: list[FrameHeader] = []
    slots = asyncio.Semaphore(_REMOTE_AT_ONCE)
    for start in range(0, len(pieces), _BATCH * 8):
        group = [sources.located(piece) for piece in pieces[start : start + _BATCH * 8]]
        if isinstance(group[0].location, FolderLocation):
            is_many = len(pieces) >= _MANY_FILES
            # Parsing holds the interpreter: threads get in each other's way, and pay only where a disk has to be waited
            # for, as with a share on the network, not with files that were just written.
            size = _BATCH if is_many or group[0].piece.is_share else len(group)
            run = pool.run if is_many else threads.run
            read = await asyncio.gather(*(run(read_local_headers, group[i : i + size]) for i in range(0, len(group), size)))
            found += [header for headers in read for header in headers]
        else:
            found += await asyncio.gather(*(_read_remote(sources, located.piece, threads, slots) for located in group))
        if len(found) < len(pieces):
            await report(len(found))
    return found


def load_decoders() -> None:
    """Load the format plug-ins of the imaging library, which it else does when the first image is read."""
    read_header(placeholder_jpeg(), file="placeholder.jpg")


def read_local_headers(batch: Sequence[LocatedPiece]) -> list[FrameHeader]:
    """Read headers of files of this machine.

    Raises:
        MediaError: A file cannot be read.
    """
    with KeptOpen() as files:
        return [_read_local(files, located) for located in batch]


def _read_local(files: KeptOpen, located: LocatedPiece) -> FrameHeader:
    piece, source = located.piece, files.open(located.location)
    if is_point_cloud(piece.name):
        return _cloud_header(piece, read_member(source, piece.member, max_bytes=MAX_HEADER_BYTES))
    if piece.is_plain and piece.offset_bytes == 0:
        header = read_header(source, file=piece.name)
        return FrameHeader(header.width, header.height, header.format, _is_upright(header.format, header.orientation))
    return _image_header(piece, lambda size: read_member(source, piece.member, max_bytes=None if size < 0 else size))


async def _read_remote(sources: Sources, piece: Piece, threads: Threads, slots: asyncio.Semaphore) -> FrameHeader:
    async with slots:
        stored_bytes = min(piece.stored_bytes, _REMOTE_BYTES)
        stored = await sources.read_stored(piece, stored_bytes)
        try:
            return await threads.run(_parse_prefix, piece, stored)
        except MediaError:
            if stored_bytes == piece.stored_bytes:
                raise
        return await threads.run(_parse_prefix, piece, await sources.read_stored(piece, piece.stored_bytes))


def _parse_prefix(piece: Piece, stored: bytes) -> FrameHeader:
    """Read a header from the first stored bytes of a file."""
    member = replace(piece.member, offset=0, stored_bytes=len(stored))
    source = io.BytesIO(stored)
    is_whole = len(stored) == piece.stored_bytes
    # Without checksum unless all is there: the length to stop at keeps `read_member` from looking at the end.
    limit = None if is_whole else min(piece.size_bytes - 1, _REMOTE_BYTES)
    prefix = read_member(source, member, max_bytes=limit)
    if is_point_cloud(piece.name):
        return _cloud_header(piece, prefix[:MAX_HEADER_BYTES])
    header = read_header(prefix, file=piece.name)
    return FrameHeader(header.width, header.height, header.format, _is_upright(header.format, header.orientation))


def _image_header(piece: Piece, read_prefix: Callable[[int], bytes]) -> FrameHeader:
    header = None
    if piece.method != STORED and piece.size_bytes > _FIRST_BYTES:
        try:
            header = read_header(read_prefix(_FIRST_BYTES), file=piece.name)
        except MediaError:
            header = None
    if header is None:
        header = read_header_from_prefix(read_prefix, file=piece.name)
    return FrameHeader(header.width, header.height, header.format, _is_upright(header.format, header.orientation))


def _cloud_header(piece: Piece, prefix: bytes) -> FrameHeader:
    if extension_of(piece.name) == "pcd":
        header = read_pcd_header(prefix, file=piece.name)
        return FrameHeader(header.width, header.height, "PCD", is_upright=True)
    points, rest = divmod(piece.size_bytes, BYTES_PER_BIN_POINT)
    if rest or not points:
        raise MediaError("this is not a scan of x, y, z, intensity quadruples (its size does not fit)", file=piece.name)
    return FrameHeader(points, 1, "BIN", is_upright=False)


def _is_upright(format_name: str, orientation: int) -> bool:
    # TIFF is re-saved in original quality whatever its orientation, see `limner_media.core.images.original_bytes`.
    return orientation == 1 and format_name != "TIFF"
