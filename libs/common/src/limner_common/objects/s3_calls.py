"""Blocking calls to S3 and MinIO, and what their answers mean here.

Every request that may be repeated is repeated by the HTTP pool: a few times, with growing waits and jitter, and only
for methods that are idempotent. Reading a body that breaks off goes on where it stopped.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Final

from limner_common.objects.locations import S3Bucket
from limner_common.objects.port import BLOCK_BYTES, ObjectChanged, ObjectInfo, ObjectMissing, ObjectStoreUnavailable

if TYPE_CHECKING:
    from minio import Minio
    from urllib3 import BaseHTTPResponse, PoolManager

#: With the 10,000 parts S3 allows, an object of unknown length can have 156 GiB; one part is held in memory.
PART_BYTES: Final = 16 << 20
#: S3 refuses smaller parts, except the last of an object.
MIN_PART_BYTES: Final = 5 << 20

_CONNECT_TIMEOUT_SECONDS: Final = 5.0
#: Completing a large multipart upload takes the server its time.
_READ_TIMEOUT_SECONDS: Final = 60.0
_RETRIES: Final = 3
_MISSING: Final = frozenset({"NoSuchKey", "NoSuchObject", "ResourceNotFound"})
_REFUSED: Final = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"})


def make_pool(max_connections: int = 8) -> "PoolManager":
    """Make a pool of connections, with our timeouts and retries; opens none yet."""
    import certifi
    import urllib3

    return urllib3.PoolManager(
        maxsize=max_connections,
        timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT_SECONDS, read=_READ_TIMEOUT_SECONDS),
        retries=urllib3.Retry(
            total=_RETRIES,
            backoff_factor=0.2,
            backoff_jitter=0.2,
            backoff_max=3.0,
            status_forcelist=[500, 502, 503, 504],
            # The server may ask for any time; callers wait for us.
            respect_retry_after_header=False,
        ),
        ca_certs=certifi.where(),
    )


def connect(bucket: S3Bucket, pool: "PoolManager") -> "Minio":
    """Make a client of the bucket's server; asks nothing yet."""
    from minio import Minio

    return Minio(
        bucket.endpoint,
        access_key=bucket.credentials.access_key,
        secret_key=bucket.credentials.secret_key,
        session_token=bucket.credentials.session_token,
        secure=bucket.is_secure,
        region=bucket.region,
        http_client=pool,
    )


@lru_cache(maxsize=16)
def shared_client(bucket: S3Bucket) -> "Minio":
    """Return this process's client of the bucket, for workers that open one object after another."""
    return connect(bucket, make_pool())


@contextmanager
def calling(key: str = "") -> Iterator[None]:
    """Turn what the server or the network says about ``key`` into our errors."""
    from minio.error import MinioException, S3Error
    from urllib3.exceptions import HTTPError

    try:
        yield
    except S3Error as error:
        if error.code in _MISSING:
            raise ObjectMissing(key) from None
        if error.code == "PreconditionFailed":
            raise ObjectChanged(key) from None
        if error.code in _REFUSED:
            raise ObjectStoreUnavailable("The object store refused the credentials.") from error
        if error.code == "NoSuchBucket":
            raise ObjectStoreUnavailable("The bucket of the object store does not exist.") from error
        raise ObjectStoreUnavailable from error
    except (MinioException, HTTPError, OSError) as error:
        raise ObjectStoreUnavailable from error


def put(
    client: "Minio", bucket: S3Bucket, key: str, data: BinaryIO, size_bytes: int, content_type: str | None
) -> ObjectInfo:
    """Store what ``data`` yields: ``size_bytes`` of it, or until it ends when that is -1.

    Returns:
        The new object; its time is ours, not the server's.
    """
    with calling(key):
        result = client.put_object(
            bucket.name,
            key,
            data,
            size_bytes,
            content_type=content_type or "application/octet-stream",
            part_size=PART_BYTES,
            # More than one starts threads inside the client that are never ended when reading ``data`` fails.
            num_parallel_uploads=1,
        )
    return ObjectInfo(key, size_bytes, _bare(result.etag), datetime.now(UTC), content_type=content_type)


def stat(client: "Minio", bucket: S3Bucket, key: str) -> ObjectInfo:
    """Describe an object."""
    with calling(key):
        found = client.stat_object(bucket.name, key)
    return ObjectInfo(key, found.size, _bare(found.etag), found.last_modified, content_type=found.content_type)


def find(client: "Minio", bucket: S3Bucket, prefix: str) -> Iterator[ObjectInfo]:
    """Yield the objects whose key starts with ``prefix``; a request for each thousand. Folder markers are left out."""
    with calling():
        for found in client.list_objects(bucket.name, prefix=prefix, recursive=True):
            if not found.is_dir:
                yield ObjectInfo(found.object_name, found.size, _bare(found.etag), found.last_modified)


def remove_all(client: "Minio", bucket: S3Bucket, prefix: str) -> int:
    """Remove the objects whose key starts with ``prefix``, a thousand at a time; return how many."""
    from minio.deleteobjects import DeleteObject

    keys = [info.key for info in find(client, bucket, prefix)]
    with calling():
        errors = list(client.remove_objects(bucket.name, map(DeleteObject, keys)))
    if errors:
        raise ObjectStoreUnavailable
    return len(keys)


def compose(client: "Minio", bucket: S3Bucket, dest: str, sources: tuple[str, ...], content_type: str | None) -> None:
    """Join objects on the server; all but the last have ``MIN_PART_BYTES`` or more."""
    from minio.commonconfig import ComposeSource

    with calling(sources[0]):
        client.compose_object(
            bucket.name,
            dest,
            [ComposeSource(bucket.name, source) for source in sources],
            metadata={"Content-Type": content_type} if content_type else None,
        )


def copy(client: "Minio", bucket: S3Bucket, source: str, dest: str) -> None:
    """Copy an object on the server."""
    from minio.commonconfig import CopySource

    with calling(source):
        client.copy_object(bucket.name, dest, CopySource(bucket.name, source))


def remove(client: "Minio", bucket: S3Bucket, key: str) -> None:
    """Remove an object; the server does not say if there was one."""
    with calling(key):
        client.remove_object(bucket.name, key)


def check(client: "Minio", bucket: S3Bucket) -> None:
    """Raise ``ObjectStoreUnavailable`` unless the bucket is there and answers us."""
    with calling():
        if not client.bucket_exists(bucket.name):
            raise ObjectStoreUnavailable("The bucket of the object store does not exist.")


def prepare(client: "Minio", bucket: S3Bucket) -> None:
    """Make the bucket when it is not there."""
    from minio.error import S3Error

    with calling():
        if client.bucket_exists(bucket.name):
            return
        try:
            client.make_bucket(bucket.name, location=bucket.region)
        except S3Error as error:
            # Another replica was faster.
            if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise


class RangeStream:
    """A range of an object, read from one answer of the server. Making one asks nothing; ``close`` it in the end.

    Args:
        client: Client of the bucket's server.
        bucket: The bucket.
        key: Name of the object.
        start: First byte, from 0.
        length: How many bytes, cut at the end of the object; all when None.
        known: The version of the object that is wanted; whatever is there when None.
    """

    def __init__(
        self,
        client: "Minio",
        bucket: S3Bucket,
        key: str,
        start: int,
        length: int | None,
        *,
        known: ObjectInfo | None = None,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._length = length
        self._position = start
        self._response: BaseHTTPResponse | None = None
        self._info = known
        self.start = start

    @property
    def info(self) -> ObjectInfo:
        """The object, known once the range is open."""
        assert self._info is not None
        return self._info

    @property
    def length_bytes(self) -> int:
        """Length of the range, cut at the end of the object."""
        available = max(0, self.info.size_bytes - self.start)
        return available if self._length is None else min(self._length, available)

    def open(self) -> bytes:
        """Ask for the range and return its first block, or nothing when it is empty.

        Raises:
            ObjectMissing: There is no such object.
        """
        self._ask()
        return self.read(BLOCK_BYTES)

    def read_all(self) -> bytes:
        """Ask for the range and return all of it."""
        self._ask()
        return self.read(self.length_bytes)

    def read(self, size_bytes: int) -> bytes:
        """Return the next bytes: ``size_bytes``, fewer only at the end of the range.

        Raises:
            ObjectChanged: The connection broke, and the object is another one now.
        """
        wanted = min(size_bytes, self.start + self.length_bytes - self._position)
        if wanted <= 0:
            return b""
        for attempt in range(_RETRIES + 1):
            block = self._read_once(wanted, is_last_try=attempt == _RETRIES)
            if len(block) == wanted:
                self._position += wanted
                return block
            self.close()
            time.sleep(random.uniform(0.0, 0.2 * 2**attempt))
        raise ObjectStoreUnavailable

    def _read_once(self, wanted: int, *, is_last_try: bool) -> bytes:
        from urllib3.exceptions import HTTPError

        try:
            if self._response is None:
                self._ask()
            return self._response.read(wanted, decode_content=False) if self._response else b""
        except (HTTPError, OSError) as error:
            if is_last_try:
                raise ObjectStoreUnavailable from error
            return b""

    def _ask(self) -> None:
        """Send the request for what was not read yet; once the object is known, for exactly that version."""
        if self._length == 0:
            self._info = stat(self._client, self._bucket, self._key)
            return
        from minio.error import S3Error

        end = 0 if self._length is None else self.start + self._length
        with calling(self._key):
            try:
                self._response = self._client.get_object(
                    self._bucket.name,
                    self._key,
                    offset=self._position,
                    length=end - self._position if end else 0,
                    request_headers={"If-Match": f'"{self._info.etag}"'} if self._info else None,
                )
            except S3Error as error:
                if error.code != "InvalidRange":
                    raise
                self._info = stat(self._client, self._bucket, self._key)
                return
        if self._info is None:
            self._info = _describe_answer(self._key, self._response)

    def close(self) -> None:
        """Give the connection back, or close it when bytes are left on it. Idempotent."""
        response, self._response = self._response, None
        if response is not None:
            # Only a connection whose answer was read to its end has gone back to the pool already.
            response.close()
            response.release_conn()


def _describe_answer(key: str, response: "BaseHTTPResponse") -> ObjectInfo:
    headers = response.headers
    total = headers.get("Content-Range", "").rpartition("/")[2] or headers["Content-Length"]
    return ObjectInfo(
        key=key,
        size_bytes=int(total),
        etag=_bare(headers["ETag"]),
        modified_at=parsedate_to_datetime(headers["Last-Modified"]).astimezone(UTC),
        content_type=headers.get("Content-Type"),
    )


def _bare(etag: str) -> str:
    return etag.strip('"')
