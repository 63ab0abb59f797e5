"""The store of objects: named, whole, immutable byte strings, from a few bytes to many gigabytes.

Readers see an object whole or not at all; replacing one is atomic; nothing is ever appended in place. Keys are the
relative paths of ``limner_common.objects.keys``. A key that is at the same time the folder of others (``a`` and
``a/b``) is not portable: the folder store answers ``Conflict``.
"""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from limner_common.errors import Conflict, NotFound, Unavailable

if TYPE_CHECKING:
    from limner_common.objects.locations import ObjectLocation

#: Size of the pieces ``open_range`` yields, in bytes.
BLOCK_BYTES: Final = 1 << 20


class ObjectMissing(NotFound):
    """There is no object of that key."""

    def __init__(self, key: str) -> None:
        super().__init__("The stored object was not found.", code="object_missing")
        self.key = key


class ObjectChanged(Conflict):
    """The object was replaced or removed while its bytes were being read."""

    def __init__(self, key: str) -> None:
        super().__init__("The stored object changed while it was read.", code="object_changed")
        self.key = key


class ObjectStoreUnavailable(Unavailable):
    """The store does not answer, refuses us, or is full; asking again later may help."""

    def __init__(self, message: str | None = None, *, retry_after_seconds: int | None = 5) -> None:
        super().__init__(
            message or "The object store is temporarily unavailable.",
            code="object_store_unavailable",
            retry_after_seconds=retry_after_seconds,
        )


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without reading it.

    Attributes:
        key: Its name.
        size_bytes: Its length.
        etag: Opaque, without quotes; changes whenever the object is replaced, so it serves as a strong HTTP ETag.
        modified_at: When it was put, aware UTC.
        sha256: Hex digest; only known to the call that put the bytes through, None elsewhere.
        content_type: What was said when it was put; the folder store forgets it.
    """

    key: str
    size_bytes: int
    etag: str
    modified_at: datetime
    sha256: str | None = None
    content_type: str | None = None


class ObjectBody(Protocol):
    """The open bytes of one object, or of a range of it. Iterate once."""

    @property
    def info(self) -> ObjectInfo:
        """The object the bytes belong to; it does not change while the body is open."""
        ...

    @property
    def start(self) -> int:
        """First byte served, from 0."""
        ...

    @property
    def length_bytes(self) -> int:
        """How many bytes will come: the range asked for, cut at the object's end."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes in order, in blocks of at most 1 MiB, none empty."""
        ...


class ObjectStore(Protocol):
    """Keeps objects by key.

    All methods may raise ``InvalidKey`` (an ``Invalid``) for a bad key and ``ObjectStoreUnavailable`` when the
    backend is away; idempotent steps were then tried again a few times with jitter already. Safe to call from many
    tasks of one event loop; several processes may use the same backend at once. Of two concurrent puts of a key,
    one wins whole.
    """

    async def prepare(self) -> None:
        """Make the folder or bucket when it is not there yet, and clear what died puts left behind. Idempotent."""
        ...

    async def check(self) -> None:
        """Return when the store can be used now; one cheap round trip, for readiness checks."""
        ...

    async def aclose(self) -> None:
        """Let go of threads and connections. Idempotent; no other call may follow."""
        ...

    async def put_stream(self, key: str, blocks: AsyncIterable[bytes], *, content_type: str | None = None) -> ObjectInfo:
        """Store the bytes of ``blocks`` as one object, replacing any.

        The object appears after the last block was taken. When iterating raises, or the caller is cancelled,
        nothing is stored, a previous object stays, and the error goes on to the caller. Memory is bounded by tens of
        MiB whatever the length. Not tried again as a whole: the blocks can be read only once.

        Returns:
            The new object, with ``sha256``.
        """
        ...

    async def put_bytes(self, key: str, data: bytes, *, content_type: str | None = None) -> ObjectInfo:
        """Store ``data``, replacing any object; as atomic as ``put_stream``. Idempotent. ``sha256`` is known."""
        ...

    async def put_file(self, key: str, path: Path, *, move: bool = False, content_type: str | None = None) -> ObjectInfo:
        """Store the file at ``path``, replacing any object; ``sha256`` stays unknown.

        Args:
            key: Name of the object.
            path: A finished regular file; nobody may write to it any more.
            move: Take the file away; on the folder store's own file system that is one rename, without copying.
            content_type: MIME type to keep where the store can.

        Raises:
            FileNotFoundError: There is no such file.
        """
        ...

    async def get_bytes(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return the bytes from ``start``, at most ``length`` of them, to the end when None.

        A range past the end is cut, possibly to nothing. One read; the result is held in memory, so use
        ``open_range`` for what may be large.

        Raises:
            ObjectMissing: There is none.
            ValueError: ``start`` or ``length`` is negative.
        """
        ...

    def open_range(self, key: str, start: int = 0, length: int | None = None) -> AbstractAsyncContextManager[ObjectBody]:
        """Open the object, or a range of it as in ``get_bytes``, for streaming.

        Entering fails, before any byte, with the errors of ``get_bytes``. The bytes are of one version even when the
        object is replaced or deleted meanwhile; where a store cannot keep that promise, iterating raises
        ``ObjectChanged`` instead.
        """
        ...

    async def stat(self, key: str) -> ObjectInfo:
        """Describe the object.

        Raises:
            ObjectMissing: There is none.
        """
        ...

    async def exists(self, key: str) -> bool:
        """Say if there is such an object."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the object; that there is none is no error. Idempotent."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Remove all objects whose key starts with ``prefix`` and return how many there were.

        Idempotent. Objects put meanwhile may stay. Ending the prefix on ``/`` is faster in a folder.

        Raises:
            ValueError: The prefix is empty.
        """
        ...

    def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """Yield the objects whose key starts with ``prefix``, by ascending key (Unicode code points).

        The prefix is plain text, it need not end on ``/``. Bounded memory. What is put or deleted meanwhile may or
        may not be seen.
        """
        ...

    async def compose(self, dest: str, sources: Sequence[str], *, content_type: str | None = None) -> ObjectInfo:
        """Store at ``dest`` the bytes of all ``sources`` in order, then remove the sources.

        Nothing may read or write the sources meanwhile. Until ``dest`` is there a failed or interrupted call can
        be made again with the same arguments; afterwards, leftovers of the sources may remain after a crash, so a
        caller coming back looks for ``dest`` first. ``dest`` may not be one of the sources. ``sha256`` is unknown.
        Cost: no copy of the first source in a folder; on S3 the server copies, except that sources under 5 MiB
        (other than the last) make all bytes pass through here.

        Raises:
            ObjectMissing: A source is missing; nothing was changed.
            ValueError: No sources, a source twice, or ``dest`` among them.
        """
        ...

    async def copy(self, source: str, dest: str) -> ObjectInfo:
        """Store a copy of ``source`` at ``dest``, inside the store; atomic and idempotent. ``sha256`` is unknown.

        Raises:
            ObjectMissing: There is no ``source``.
        """
        ...

    async def presign_get(
        self, key: str, ttl_seconds: int, filename: str, *, content_type: str = "application/octet-stream"
    ) -> str | None:
        """Return a URL that lets its holder download the object, or None where the store has no address of its own.

        The answer carries ``Content-Disposition: attachment`` with ``filename`` and exactly ``content_type``. It is
        not checked that the object exists. No I/O.

        Args:
            key: Name of the object.
            ttl_seconds: 1 to 604800; how long the URL works.
            filename: What the browser is to call the file; any text.
            content_type: MIME type of the answer.
        """
        ...

    def location(self, key: str) -> "ObjectLocation":
        """Return what a worker process needs to read the object by itself, see ``open_object``. No I/O."""
        ...
