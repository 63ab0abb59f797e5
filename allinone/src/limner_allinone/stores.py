"""The stores of objects and of built things that the settings describe."""

from limner_allinone.configuration import Misconfigured
from limner_common.cache import Cache, FolderCache, HotCache, ReplicaLock
from limner_common.cache.redis import RedisCache
from limner_common.cache.redis_lock import RedisReplicaLock
from limner_common.objects import FolderObjectStore, ObjectStore, S3Bucket, S3Credentials
from limner_common.redis_server import RedisServer
from limner_common.settings import ServiceSettings

#: What is in memory may have left the disk for so long. Keys hold the token of data, so nobody is shown what was replaced.
_FRESH_SECONDS = 1.0


def object_store_from(settings: ServiceSettings) -> ObjectStore:
    """Return the object store that the settings describe.

    Raises:
        Misconfigured: There is none, or it cannot be used.
    """
    if settings.objects_folder is not None:
        return FolderObjectStore(settings.objects_folder)
    if settings.objects_s3_url is None:
        raise Misconfigured("Set LIMNER_OBJECTS_FOLDER or LIMNER_OBJECTS_S3_URL: there is nowhere to keep objects.")
    from limner_common.objects.s3 import S3ObjectStore

    bucket = _bucket(settings)
    public = settings.objects_s3_public_url
    try:
        return S3ObjectStore(bucket, public=None if public is None else bucket.moved_to(public))
    except ValueError as error:
        raise Misconfigured(f"LIMNER_OBJECTS_S3_PUBLIC_URL cannot be used: {error}.") from error


def _bucket(settings: ServiceSettings) -> S3Bucket:
    if settings.objects_s3_access_key is None or settings.objects_s3_secret_key is None:
        raise Misconfigured("Set LIMNER_OBJECTS_S3_ACCESS_KEY and LIMNER_OBJECTS_S3_SECRET_KEY.")
    ca_file = settings.objects_s3_ca_file
    if ca_file is not None and not ca_file.is_file():
        raise Misconfigured(f"LIMNER_OBJECTS_S3_CA_FILE: there is no file {ca_file}.")
    bucket = S3Bucket(
        endpoint="",
        name=settings.objects_s3_bucket,
        credentials=S3Credentials(
            settings.objects_s3_access_key.get_secret_value(), settings.objects_s3_secret_key.get_secret_value()
        ),
        region=settings.objects_s3_region or "us-east-1",
        addressing=settings.objects_s3_addressing,
        ca_file=ca_file,
        timeout_seconds=settings.objects_s3_timeout_seconds,
    )
    try:
        return bucket.moved_to(settings.objects_s3_url or "")
    except ValueError as error:
        raise Misconfigured(f"LIMNER_OBJECTS_S3_URL cannot be used: {error}.") from error


def redis_from(settings: ServiceSettings) -> RedisServer | None:
    """Return the Redis that the settings describe; None when there is none. Opens nothing.

    Raises:
        Misconfigured: It cannot be used.
    """
    if settings.redis_url is None:
        return None
    ca_file = settings.redis_ca_file
    if ca_file is not None and not ca_file.is_file():
        raise Misconfigured(f"LIMNER_REDIS_CA_FILE: there is no file {ca_file}.")
    try:
        return RedisServer(settings.redis_url.get_secret_value(), prefix=settings.redis_prefix, ca_file=ca_file)
    except ValueError as error:
        raise Misconfigured(f"LIMNER_REDIS_URL cannot be used: {error}.") from error


def cache_from(settings: ServiceSettings, redis: RedisServer | None = None) -> Cache:
    """Return the cache that the settings describe: the folder where one is named, else Redis.

    Raises:
        Misconfigured: There is none.
    """
    folder = folder_cache_from(settings)
    if folder is not None:
        return HotCache(folder, max_bytes=settings.cache_memory_bytes, fresh_seconds=_FRESH_SECONDS)
    if redis is None:
        raise Misconfigured("Set LIMNER_CACHE_FOLDER or LIMNER_REDIS_URL: there is nowhere to keep the cache.")
    return RedisCache(redis, max_item_bytes=settings.redis_max_item_bytes)


def folder_cache_from(settings: ServiceSettings) -> FolderCache | None:
    """Return the cache on the disk, without what a process keeps in memory of it; None where the settings name none."""
    if settings.cache_folder is None:
        return None
    return FolderCache(settings.cache_folder, max_bytes=settings.cache_max_bytes)


def replica_lock_from(settings: ServiceSettings, redis: RedisServer | None) -> ReplicaLock | None:
    """Return what keeps replicas from building the same; None where each has a cache of its own and would not find it."""
    return None if redis is None or settings.cache_folder is not None else RedisReplicaLock(redis)
