"""An object store that measures what one service asks of it."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from time import perf_counter

from limner_common.errors import DomainError, ErrorKind
from limner_common.objects import metrics
from limner_common.objects.locations import ObjectLocation
from limner_common.objects.port import ObjectBody, ObjectInfo, ObjectStore
from limner_common.observe import tracing


class MeasuredObjectStore:
    """``ObjectStore`` in front of another, for one service; the one behind is prepared and closed by whoever made it.

    Args:
        store: Where the objects are.
        service: Who uses it.
    """

    def __init__(self, store: ObjectStore, service: str) -> None:
        self._store = store
        self._service = service
        self._read_bytes = metrics.BYTES.labels(service, "read")
        self._written_bytes = metrics.BYTES.labels(service, "written")

    async def prepare(self) -> None:
        """See ``ObjectStore.prepare``."""
        await self._store.prepare()

    async def check(self) -> None:
        """See ``ObjectStore.check``."""
        with self._measured("check"):
            await self._store.check()

    async def aclose(self) -> None:
        """Do nothing: others use the same store."""

    async def put_stream(self, key: str, blocks: AsyncIterable[bytes], *, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.put_stream``."""
        with self._measured("put"):
            info = await self._store.put_stream(key, blocks, content_type=content_type)
        self._written_bytes.inc(info.size_bytes)
        return info

    async def put_bytes(self, key: str, data: bytes, *, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.put_bytes``."""
        with self._measured("put"):
            info = await self._store.put_bytes(key, data, content_type=content_type)
        self._written_bytes.inc(len(data))
        return info

    async def put_file(self, key: str, path: Path, *, move: bool = False, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.put_file``."""
        with self._measured("put"):
            info = await self._store.put_file(key, path, move=move, content_type=content_type)
        self._written_bytes.inc(info.size_bytes)
        return info

    async def get_bytes(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See ``ObjectStore.get_bytes``."""
        with self._measured("get"):
            data = await self._store.get_bytes(key, start, length)
        self._read_bytes.inc(len(data))
        return data

    @asynccontextmanager
    async def open_range(self, key: str, start: int = 0, length: int | None = None) -> AsyncIterator[ObjectBody]:
        """See ``ObjectStore.open_range``."""
        async with AsyncExitStack() as stack:
            with self._measured("get"):
                body = await stack.enter_async_context(self._store.open_range(key, start, length))
            # How long it stays open is up to the reader.
            yield body
            self._read_bytes.inc(body.length_bytes)

    async def stat(self, key: str) -> ObjectInfo:
        """See ``ObjectStore.stat``."""
        with self._measured("stat"):
            return await self._store.stat(key)

    async def exists(self, key: str) -> bool:
        """See ``ObjectStore.exists``."""
        with self._measured("stat"):
            return await self._store.exists(key)

    async def delete(self, key: str) -> None:
        """See ``ObjectStore.delete``."""
        with self._measured("delete"):
            await self._store.delete(key)

    async def delete_prefix(self, prefix: str) -> int:
        """See ``ObjectStore.delete_prefix``."""
        with self._measured("delete"):
            return await self._store.delete_prefix(prefix)

    def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """See ``ObjectStore.list``; not measured, as it goes on while the caller works."""
        return self._store.list(prefix)

    async def compose(self, dest: str, sources: Sequence[str], *, content_type: str | None = None) -> ObjectInfo:
        """See ``ObjectStore.compose``."""
        with self._measured("compose"):
            return await self._store.compose(dest, sources, content_type=content_type)

    async def copy(self, source: str, dest: str) -> ObjectInfo:
        """See ``ObjectStore.copy``."""
        with self._measured("copy"):
            return await self._store.copy(source, dest)

    async def presign_get(
        self, key: str, ttl_seconds: int, filename: str, *, content_type: str = "application/octet-stream"
    ) -> str | None:
        """See ``ObjectStore.presign_get``."""
        return await self._store.presign_get(key, ttl_seconds, filename, content_type=content_type)

    def location(self, key: str) -> ObjectLocation:
        """See ``ObjectStore.location``."""
        return self._store.location(key)

    @contextmanager
    def _measured(self, operation: str) -> Iterator[None]:
        started, outcome = perf_counter(), "ok"
        try:
            with tracing.step(f"objects {operation}"):
                yield
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except Exception as error:
            outcome = _outcome_of(error)
            raise
        finally:
            metrics.CALL_SECONDS.labels(self._service, operation, outcome).observe(perf_counter() - started)


def _outcome_of(error: Exception) -> str:
    kind = error.kind if isinstance(error, DomainError) else None
    if kind is ErrorKind.NOT_FOUND:
        return "missing"
    return "unavailable" if kind is ErrorKind.UNAVAILABLE else "failed"
