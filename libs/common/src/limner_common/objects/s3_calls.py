"""Blocking calls to S3 and MinIO, and what their answers mean here.

Every request that may be repeated is repeated by the HTTP pool, see ``s3_pool``. Reading is in ``s3_ranges``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Final

from limner_common.objects.locations import S3Bucket
from limner_common.objects.port import ObjectChanged, ObjectInfo, ObjectMissing, ObjectStoreUnavailable

if TYPE_CHECKING:
    from minio import Minio

#: With the 10,000 parts S3 allows, an object of unknown length can have 156 GiB; one part is held in memory.
PART_BYTES: Final = 16 << 20
#: S3 refuses smaller parts, except the last of an object.
MIN_PART_BYTES: Final = 5 << 20

_MISSING: Final = frozenset({"NoSuchKey", "NoSuchObject", "ResourceNotFound"})
#: What the server's codes mean to people; of all others it is enough that the store is not there for us.
_SENTENCES: Final = {
    **dict.fromkeys(
        ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"),
        "The object store refused the credentials.",
    ),
    **dict.fromkeys(("XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"), "The object store is full."),
    "NoSuchBucket": "The bucket of the object store does not exist.",
    "RequestTimeTooSkewed": "The clocks of this machine and of the object store differ too much.",
}
_UNTRUSTED: Final = "The certificate of the object store is not trusted."


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
        raise ObjectStoreUnavailable(_SENTENCES.get(error.code)) from error
    except (MinioException, HTTPError, OSError) as error:
        raise ObjectStoreUnavailable(_UNTRUSTED if _is_distrust(error) else None) from error


def _is_distrust(error: Exception) -> bool:
    from urllib3.exceptions import MaxRetryError, SSLError

    return isinstance(error.reason if isinstance(error, MaxRetryError) else error, SSLError)


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
    if result.etag is None:
        # Joining the parts can fail after the server has already answered 200.
        raise ObjectStoreUnavailable
    return ObjectInfo(key, size_bytes, bare_etag(result.etag), datetime.now(UTC), content_type=content_type)


def stat(client: "Minio", bucket: S3Bucket, key: str) -> ObjectInfo:
    """Describe an object."""
    with calling(key):
        found = client.stat_object(bucket.name, key)
    return ObjectInfo(key, found.size, bare_etag(found.etag), found.last_modified, content_type=found.content_type)


def find(client: "Minio", bucket: S3Bucket, prefix: str) -> Iterator[ObjectInfo]:
    """Yield the objects whose key starts with ``prefix``; a request for each thousand. Folder markers are left out."""
    with calling():
        for found in client.list_objects(bucket.name, prefix=prefix, recursive=True):
            if not found.is_dir:
                yield ObjectInfo(found.object_name, found.size, bare_etag(found.etag), found.last_modified)


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


def bare_etag(etag: str) -> str:
    """Return an ETag without its quotes."""
    return etag.strip('"')
