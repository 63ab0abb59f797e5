"""What the product is held against: the same work done plainly, with nothing around it."""

import io
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import asyncpg
import av
import msgspec
from av.video.frame import PictureType
from PIL import Image

from bench.measures import seconds_of

JPEG_QUALITY = 70


def read_headers(paths: Sequence[Path]) -> float:
    """Read the headers of pictures; returns seconds."""

    def read() -> None:
        for path in paths:
            with Image.open(path) as picture:
                assert picture.size

    return seconds_of(read)


def recode(path: Path) -> int:
    """Decode a picture and encode it as JPEG; returns the size of the result."""
    out = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").save(out, "JPEG", quality=JPEG_QUALITY)
    return out.tell()


def recode_on_all_cores(paths: Sequence[Path]) -> float:
    """Decode and encode pictures with a process per core, all of them warm; returns pictures per second."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores) as pool:
        list(pool.map(recode, paths[: cores * 4]))
        return len(paths) / seconds_of(lambda: list(pool.map(recode, paths, chunksize=4)))


def demux(path: Path) -> float:
    """Read all packets of a video once; returns seconds."""

    def read() -> None:
        with av.open(str(path)) as container:
            assert sum(1 for packet in container.demux(video=0) if packet.size) > 0

    return seconds_of(read)


def cut_chunk(path: Path, first: int, count: int) -> bytes:
    """Seek, decode some frames and encode them at half size, with two threads each way.

    Args:
        path: A video of a constant frame rate.
        first: Number of the first frame.
        count: Frames.

    Returns:
        An MP4 file with the same coding as the product's compressed chunks.
    """
    out = io.BytesIO()
    options = {"preset": "ultrafast", "profile": "baseline", "crf": "15", "coder": "0", "x264-params": "weightp=0:bframes=0"}
    with av.open(str(path)) as source, av.open(out, "w", format="mp4") as target:
        video = source.streams.video[0]
        video.thread_type, video.codec_context.thread_count = "AUTO", 2
        stream = target.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = video.width // 2, video.height // 2, "yuv420p"
        stream.codec_context.thread_count = 2
        assert video.average_rate is not None and video.time_base is not None
        begin = round(first / (video.average_rate * video.time_base))
        source.seek(begin, stream=video, backward=True)
        made = 0
        for frame in source.decode(video):
            if frame.pts is None or frame.pts < begin:
                continue
            small = frame.reformat(stream.width, stream.height, "yuv420p")
            small.pts, small.time_base, small.pict_type = made, Fraction(1, 25), PictureType.NONE
            target.mux(stream.encode(small))
            made += 1
            if made == count:
                break
        target.mux(stream.encode(None))
    assert made == count
    return out.getvalue()


class ObjectTable:
    """An equal table of objects beside the product's, with nothing around it.

    Args:
        connection: To the product's database server.
    """

    _COLUMNS = ("job_id", "id", "created_rev", "kind", "frame", "last_frame", "label_id", "type", "doc")

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def create(self) -> None:
        """Make the table, empty."""
        await self._connection.execute("CREATE SCHEMA IF NOT EXISTS bench")
        await self._connection.execute("DROP TABLE IF EXISTS bench.objects")
        await self._connection.execute("CREATE TABLE bench.objects (LIKE annotations.objects INCLUDING ALL)")

    async def copy(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Store rows of ``object_rows``."""
        await self._connection.copy_records_to_table(
            "objects", schema_name="bench", columns=self._COLUMNS, records=rows, timeout=120
        )

    async def delete(self) -> None:
        """Delete all rows."""
        await self._connection.execute("DELETE FROM bench.objects WHERE job_id = 1")

    async def read_rows(self) -> list[Any]:
        """Select all objects in the order of a document."""
        query = "SELECT doc FROM bench.objects WHERE job_id = 1 AND ended_rev IS NULL ORDER BY kind, frame, id"
        rows: list[Any] = await self._connection.fetch(query)
        return rows

    async def read_document(self) -> bytes:
        """Select all objects and encode the document they make."""
        shapes = [msgspec.Raw(row[0]) for row in await self.read_rows()]
        return msgspec.json.encode({"version": 0, "tags": [], "shapes": shapes, "tracks": []})


class PlainShape(msgspec.Struct):
    """A shape as a body holds it."""

    type: str
    frame: int
    label_id: int
    points: list[float]
    attributes: list[dict[str, Any]]
    occluded: bool
    z_order: int
    rotation: float
    group: int
    source: str
    outside: bool
    elements: list[Any]


class PlainBody(msgspec.Struct):
    """A body of annotations that has shapes only."""

    version: int
    tags: list[Any]
    shapes: list[PlainShape]
    tracks: list[Any]


def decode_body(body: bytes) -> PlainBody:
    """Decode a body into typed values."""
    return msgspec.json.decode(body, type=PlainBody)


def object_rows(body: PlainBody) -> list[tuple[Any, ...]]:
    """Return rows for ``ObjectTable.copy``; made outside of what is timed."""
    encode = msgspec.json.Encoder().encode
    return [(1, number, 1, 1, s.frame, s.frame, s.label_id, 1, encode(s)) for number, s in enumerate(body.shapes, 1)]
