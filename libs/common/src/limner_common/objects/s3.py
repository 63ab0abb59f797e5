"""Objects in a bucket of S3, MinIO or what speaks like them: the store of a cluster."""

import hashlib
import io
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, cast
from urllib.parse import quote

from limner_common.objects import s3_calls as calls
from limner_common.objects import s3_pool
from limner_common.objects.blocks import check_composition, check_range
from limner_common.objects.keys import check_key, check_prefix
from limner_common.objects.locations import S3Bucket, S3Location
from limner_common.objects.port import BLOCK_BYTES, ObjectInfo, ObjectMissing
from limner_common.objects.s3_feed import upload_stream
from limner_common.objects.s3_ranges import RangeStream
from limner_common.objects.threads import Threads

_LISTED_AT_ONCE: Final = 1000


class S3ObjectStore:
    """``ObjectStore`` on a bucket, through the ``minio`` client in threads.

    A put that dies leaves parts behind that no reader sees; MinIO clears them after a day, on S3 a lifecycle rule
    (``AbortIncompleteMultipartUpload``) does. MinIO makes a put wait while an answer with the same object is being read,
    so a task must not replace what it has open.

    Args:
        bucket: The bucket, as services reach it. It is made by ``prepare``.
        public: The same bucket as browsers reach it, for ``presign_get``; ``bucket`` when None.
        max_threads: How many requests may run at once.
    """

    def __init__(self, bucket: S3Bucket, *, public: S3Bucket | None = None, max_threads: int = 32) -> None:
        self._bucket = bucket
        self._pool = s3_pool.make_pool(bucket, max_threads)
        self._client = s3_pool.connect(bucket, self._pool)
        self._public = public or bucket
        self._public_client = s3_pool.connect(self._public, self._pool)
        self._threads = Threads(max_threads, "objects")

    async def prepare(self) -> None:
        """See ``ObjectStore.prepare``."""
        await self._threads.run(calls.prepare, self._client, self._bucket)

    async def check(self) -> None:
        """See ``ObjectStore.check``."""
        await self._threads.run_detached(calls.check, self._client, self._bucket)

    async def aclose(self) -> None:
        """See ``ObjectStore.aclose``."""
        self._threads.close()
        self._pool.clear()

    async def put_stream(self, key: str, blocks: AsyncIterable[bytes], *, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.put_stream``."""
        check_key(key)

        def upload(data: BinaryIO) -> ObjectInfo:
            return calls.put(self._client, self._bucket, key, data, -1, content_type)

        info, size_bytes, sha256 = await upload_stream(self._threads, blocks, upload)
        return replace(info, size_bytes=size_bytes, sha256=sha256)

    async def put_bytes(self, key: str, data: bytes, *, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.put_bytes``."""
        return await self._threads.run(self._put_bytes, check_key(key), data, content_type)

    def _put_bytes(self, key: str, data: bytes, content_type: str | None) -> ObjectInfo:
        info = calls.put(self._client, self._bucket, key, io.BytesIO(data), len(data), content_type)
        return replace(info, sha256=hashlib.sha256(data).hexdigest())

    async def put_file(self, key: str, path: Path, *, move: bool = False, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.put_file``."""
        info = await self._threads.run(self._put_file, check_key(key), path, content_type)
        if move:
            await self._threads.run(path.unlink, True)
        return info

    def _put_file(self, key: str, path: Path, content_type: str | None) -> ObjectInfo:
        if path.is_symlink() or not path.is_file():
            raise FileNotFoundError(path.name)
        with path.open("rb") as data:
            return calls.put(self._client, self._bucket, key, data, path.stat().st_size, content_type)

    async def get_bytes(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See ``ObjectStore.get_bytes``."""
        check_range(start, length)
        return await self._threads.run_detached(self._get_bytes, check_key(key), start, length)

    def _get_bytes(self, key: str, start: int, length: int | None) -> bytes:
        stream = RangeStream(self._client, self._bucket, key, start, length)
        try:
            return stream.read_all()
        finally:
            stream.close()

    @asynccontextmanager
    async def open_range(self, key: str, start: int = 0, length: int | None = None) -> AsyncIterator["S3Body"]:
        """See ``ObjectStore.open_range``."""
        check_range(start, length)
        stream = RangeStream(self._client, self._bucket, check_key(key), start, length)
        try:
            first = await self._threads.run(stream.open)
            yield S3Body(stream, first, self._threads)
        finally:
            stream.close()

    async def stat(self, key: str) -> ObjectInfo:
        """See ``ObjectStore.stat``."""
        return await self._threads.run_detached(calls.stat, self._client, self._bucket, check_key(key))

    async def exists(self, key: str) -> bool:
        """See ``ObjectStore.exists``."""
        try:
            await self.stat(key)
        except ObjectMissing:
            return False
        return True

    async def delete(self, key: str) -> None:
        """See ``ObjectStore.delete``."""
        await self._threads.run(calls.remove, self._client, self._bucket, check_key(key))

    async def delete_prefix(self, prefix: str) -> int:
        """See ``ObjectStore.delete_prefix``."""
        if not check_prefix(prefix):
            raise ValueError("the prefix must not be empty")
        return await self._threads.run(calls.remove_all, self._client, self._bucket, prefix)

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """See ``ObjectStore.list``."""
        found = calls.find(self._client, self._bucket, check_prefix(prefix))
        while infos := await self._threads.run(_take, found):
            for info in infos:
                yield info

    async def compose(self, dest: str, sources: Sequence[str], *, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.compose``."""
        keys = tuple(check_key(key) for key in sources)
        check_composition(check_key(dest), keys)
        parts = [await self.stat(key) for key in keys]
        if all(part.size_bytes >= calls.MIN_PART_BYTES for part in parts[:-1]) and parts[-1].size_bytes:
            await self._threads.run(calls.compose, self._client, self._bucket, dest, keys, content_type)
        else:
            async with aclosing(self._read_in_order(keys)) as blocks:
                await self.put_stream(dest, blocks, content_type=content_type)
        for key in keys:
            await self.delete(key)
        return await self.stat(dest)

    async def _read_in_order(self, keys: tuple[str, ...]) -> AsyncGenerator[bytes, None]:
        for key in keys:
            async with self.open_range(key) as body:
                async for block in body:
                    yield block

    async def copy(self, source: str, dest: str) -> ObjectInfo:
        """See ``ObjectStore.copy``."""
        await self._threads.run(calls.copy, self._client, self._bucket, check_key(source), check_key(dest))
        return await self.stat(dest)

    async def presign_get(
        self, key: str, ttl_seconds: int, filename: str, *, content_type: str = "application/octet-stream"
    ) -> str:
        """See ``ObjectStore.presign_get``."""
        url = self._public_client.presigned_get_object(
            self._public.name,
            check_key(key),
            expires=timedelta(seconds=ttl_seconds),
            response_headers={
                "response-content-disposition": _attachment(filename),
                "response-content-type": content_type,
            },
        )
        return cast(str, url)

    def location(self, key: str) -> S3Location:
        """See ``ObjectStore.location``."""
        return S3Location(check_key(key), self._bucket)


class S3Body:
    """The open bytes of an answer, see ``ObjectBody``."""

    def __init__(self, stream: RangeStream, first: bytes, threads: Threads) -> None:
        self.info = stream.info
        self.start = stream.start
        self.length_bytes = stream.length_bytes
        self._stream = stream
        self._first = first
        self._threads = threads

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the blocks."""
        block, self._first = self._first, b""
        while block:
            yield block
            block = await self._threads.run(self._stream.read, BLOCK_BYTES)


def _take(found: Iterator[ObjectInfo]) -> Sequence[ObjectInfo]:
    return list(islice(found, _LISTED_AT_ONCE))


def _attachment(filename: str) -> str:
    """Return a Content-Disposition that downloads as ``filename`` (RFC 6266, with the ASCII form for old clients)."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='', errors='replace')}"
