"""The cache of built things: bytes that can always be made again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

#: Bytes all metadata of an entry may take as JSON.
MAX_METADATA_BYTES: Final = 4096

#: Small texts stored beside a value, such as ``mime``, ``etag`` and ``built_at``. An ``etag`` names the value: two values of
#: a key never have the same one. The cache does not read the others.
Metadata = Mapping[str, str]


def encode_metadata(metadata: Metadata) -> bytes:
    """Return metadata as JSON.

    Raises:
        ValueError: They take too many bytes.
    """
    encoded = msgspec.json.encode(dict(metadata))
    if len(encoded) > MAX_METADATA_BYTES:
        raise ValueError(f"the metadata of a cache entry must not take more than {MAX_METADATA_BYTES} bytes")
    return encoded


@dataclass(frozen=True, slots=True)
class Entry:
    """A cached value and what was said of it when it was put."""

    value: bytes
    metadata: Metadata = field(default_factory=dict)


class Cache(Protocol):
    """Keeps as many entries as fit, and forgets those used least.

    Any entry may vanish at any time; a caller builds it again. So nothing here raises because of the backend: what
    cannot be read is a miss, what cannot be written is not kept. Values are whole or missing, never torn. Keys are
    slash-separated paths as in ``limner_common.objects.keys``.

    Raises of all methods: ``InvalidKey`` for a bad key.
    """

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None; counts as a use."""
        ...

    async def get_entry(self, key: str) -> Entry | None:
        """Return value and metadata, or None; counts as a use and costs what ``get`` costs."""
        ...

    async def get_metadata(self, key: str) -> Metadata | None:
        """Return the metadata without reading the value, or None; counts as a use.

        For answering a conditional request. The value may still be missing when asked for next.
        """
        ...

    async def put(self, key: str, value: bytes, metadata: Metadata | None = None) -> None:
        """Keep ``value``, replacing any; returns when it can be read back.

        A value above the cache's item limit is refused quietly, and a previous value is forgotten.

        Raises:
            ValueError: The metadata takes more than 4096 bytes.
        """
        ...

    async def delete(self, key: str) -> None:
        """Forget the entry, if any. Idempotent."""
        ...

    async def delete_prefix(self, prefix: str) -> None:
        """Forget all entries below a folder of keys. Idempotent.

        Entries put meanwhile may stay.

        Args:
            prefix: Ends on ``/``; the empty text forgets everything.

        Raises:
            ValueError: It ends on something else.
        """
        ...

    async def aclose(self) -> None:
        """Let go of threads and connections; entries stay where the cache is durable. Idempotent."""
        ...
