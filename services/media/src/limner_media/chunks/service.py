"""Chunks from the cache, or built once however many ask."""

import asyncio
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from time import monotonic, perf_counter

import structlog

from limner_common.cache import Cache, Entry, ReplicaLock, SingleFlight
from limner_common.clock import wire_date
from limner_common.errors import DomainError
from limner_common.objects.threads import Threads
from limner_media.chunks.building import (
    ChunkStyle,
    VideoFrames,
    build_image_entries,
    build_stored_chunk,
    build_video_chunk,
    build_video_entries,
)
from limner_media.chunks.layout import ChunkFrames
from limner_media.core import chunks as core
from limner_media.core.chunks import MP4_MIME, ZIP_MIME, Quality, pack_chunk, placeholder_entry
from limner_media.datas.service import Datas
from limner_media.datas.values import Frame, TaskData
from limner_media.errors import media_errors
from limner_media.metrics import CHUNK_SECONDS
from limner_media.pool.processes import ProcessPool
from limner_media.sources.locating import Sources

log = structlog.get_logger(__name__)

#: Fewer frames than this are not worth a second process.
_FRAMES_WORTH_SPLITTING = 4
#: How long a chunk that was looked for ahead is taken to be there, and so many of them are remembered.
_LOOKED_SECONDS = 30.0
_MAX_LOOKED = 4096


def checksum(value: bytes) -> int:
    """Return the checksum that clients compare: the head's CRC-32 seeded by that of the length in digits."""
    return zlib.crc32(value[:1000], zlib.crc32(str(len(value)).encode()))


def built_entry(value: bytes, mime: str, data: TaskData) -> Entry:
    """Return a built value as a cache entry with everything its answer needs."""
    metadata = {
        "mime": mime,
        "etag": blake2b(value, digest_size=16).hexdigest(),
        "checksum": str(checksum(value)),
        "updated": wire_date(data.chunks_updated_at),
    }
    return Entry(value, metadata)


class Builds:
    """Values by key: from the cache, or built in single flight and cached.

    Args:
        cache: Where they are kept.
        replicas: Lock across the replicas that share the cache; None where there is one process.
    """

    def __init__(self, cache: Cache, replicas: ReplicaLock | None = None) -> None:
        self.cache = cache
        self._flights: SingleFlight[Entry] = SingleFlight(replicas)

    async def get(self, key: str, build: Callable[[], Awaitable[Entry]]) -> Entry:
        """Return the entry of ``key``, building it when the cache has none."""
        return await self.cache.get_entry(key) or await self._flights.run(
            key, lambda: self._build(key, build), lambda: self.cache.get_entry(key)
        )

    async def _build(self, key: str, build: Callable[[], Awaitable[Entry]]) -> Entry:
        entry = await build()
        await self.cache.put(key, entry.value, entry.metadata)
        return entry


class Chunks:
    """Cuts chunks on demand.

    Args:
        datas: Reads frames.
        sources: Where their bytes lie.
        pool: Decodes and encodes.
        threads: For chunks that need no decoding.
        builds: Keeps what was built.
        is_prefetching: Whether ``prefetch`` does anything.
    """

    def __init__(
        self,
        datas: Datas,
        sources: Sources,
        pool: ProcessPool,
        threads: Threads,
        builds: Builds,
        *,
        is_prefetching: bool = True,
    ) -> None:
        self._datas = datas
        self._sources = sources
        self._pool = pool
        self._threads = threads
        self._builds = builds
        self._is_prefetching = is_prefetching
        self._ahead: set[asyncio.Task[None]] = set()
        self._looked_ahead: OrderedDict[str, float] = OrderedDict()
        self.build_count = 0

    def key(self, data: TaskData, quality: Quality, frames: ChunkFrames) -> str:
        """Return the cache key of a chunk."""
        return f"media/{data.token}/chunks/{quality}/{frames.name}"

    async def get(self, data: TaskData, quality: Quality, frames: ChunkFrames) -> Entry:
        """Return a chunk.

        Raises:
            PoolBusy: Too many calls wait for the worker processes.
            UnusableMedia: A frame cannot be decoded.
        """
        return await self._builds.get(self.key(data, quality, frames), lambda: self._build(data, quality, frames))

    def prefetch(self, data: TaskData, quality: Quality, frames: ChunkFrames) -> None:
        """Build a chunk in the background, if a process is free and it is not there; failures are left to its reader.

        Asked for again soon after, it is not looked for again: many may be reading the chunk before it.
        """
        if self._is_prefetching and self._pool.is_idle and self._is_to_be_looked_for(self.key(data, quality, frames)):
            task = asyncio.create_task(self._prefetch(data, quality, frames))
            self._ahead.add(task)
            task.add_done_callback(self._ahead.discard)

    async def close(self) -> None:
        """End prefetching."""
        for task in self._ahead:
            task.cancel()
        await asyncio.gather(*self._ahead, return_exceptions=True)

    def _is_to_be_looked_for(self, key: str) -> bool:
        now = monotonic()
        if now - self._looked_ahead.get(key, float("-inf")) < _LOOKED_SECONDS:
            return False
        self._looked_ahead[key] = now
        self._looked_ahead.move_to_end(key)
        if len(self._looked_ahead) > _MAX_LOOKED:
            self._looked_ahead.popitem(last=False)
        return True

    async def _prefetch(self, data: TaskData, quality: Quality, frames: ChunkFrames) -> None:
        try:
            if await self._builds.cache.get_metadata(self.key(data, quality, frames)) is None:
                await self.get(data, quality, frames)
        except DomainError as error:
            log.info("prefetch_failed", task_id=data.task_id, reason=error.message)

    async def _build(self, data: TaskData, quality: Quality, frames: ChunkFrames) -> Entry:
        self.build_count += 1
        started, outcome = perf_counter(), "failed"
        try:
            entry = await self._cut(data, quality, frames)
            outcome = "ok"
            return entry
        finally:
            CHUNK_SECONDS.labels(quality, outcome).observe(perf_counter() - started)

    async def _cut(self, data: TaskData, quality: Quality, frames: ChunkFrames) -> Entry:
        style = ChunkStyle(quality, data.image_quality, frames.is_selective)
        chunk_type = data.original_chunk_type if quality is Quality.ORIGINAL else data.compressed_chunk_type
        with media_errors():
            if data.video is not None and chunk_type == "video" and not frames.is_selective:
                value = await self._pool.run(build_video_chunk, self._video_frames(data, frames.present), style)
                return built_entry(value, MP4_MIME, data)
            value = await self._zip(data, frames, style)
            return built_entry(value, ZIP_MIME, data)

    async def _zip(self, data: TaskData, frames: ChunkFrames, style: ChunkStyle) -> bytes:
        if data.video is not None:
            made = await self._pool.run(build_video_entries, self._video_frames(data, frames.present), style)
        else:
            found = await self._datas.frames(data, range_or_list(frames))
            if style.quality is Quality.ORIGINAL and not style.is_selective and all(f.is_upright for f in found):
                files = [(_extension(frame), self._sources.located(frame.piece)) for frame in found]
                return await self._threads.run(build_stored_chunk, files)
            made = await self._image_entries(found, style)
        entries = iter(made)
        placed = [placeholder_entry() if number is None else next(entries) for number in frames.numbers]
        return await self._threads.run(_pack, placed, style.is_selective)

    async def _image_entries(self, frames: Sequence[Frame], style: ChunkStyle) -> list[core.Entry]:
        files = [(frame.source_name, self._sources.located(frame.piece)) for frame in frames]
        parts = max(1, min(self._pool.size, len(files) // _FRAMES_WORTH_SPLITTING))
        length = -(-len(files) // parts)
        pieces = [files[start : start + length] for start in range(0, len(files), length)]
        made = await asyncio.gather(*(self._pool.run(build_image_entries, piece, style) for piece in pieces))
        return [entry for entries in made for entry in entries]

    def _video_frames(self, data: TaskData, numbers: Sequence[int]) -> VideoFrames:
        assert data.video is not None and data.video_index is not None
        source_numbers = [data.source_frame(number) for number in numbers]
        return VideoFrames(data.token, self._sources.located(data.video.piece), data.video_index, source_numbers)


def range_or_list(frames: ChunkFrames) -> range | list[int]:
    """Return the frames that are there in the form that queries fastest."""
    return frames.numbers if isinstance(frames.numbers, range) else frames.present


def _extension(frame: Frame) -> str:
    return frame.piece.name.rpartition(".")[2]


def _pack(entries: list[core.Entry], deflate: bool) -> bytes:
    return pack_chunk(entries, deflate=deflate)
