"""The HTTP side of S3: connections, timeouts, trust, and which requests are made again."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from limner_common.objects.locations import S3Addressing, S3Bucket

if TYPE_CHECKING:
    from minio import Minio
    from urllib3 import PoolManager, Retry

RETRIES: Final = 3

_CONNECT_TIMEOUT_SECONDS: Final = 5.0
_REFUSED_STATUS: Final = 503


def make_pool(bucket: S3Bucket, max_connections: int = 8) -> "PoolManager":
    """Make a pool of connections, with our timeouts and retries; opens none yet.

    Raises:
        ValueError: The file of certificates is missing or holds none.
    """
    import certifi
    import urllib3

    return urllib3.PoolManager(
        maxsize=max_connections,
        timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT_SECONDS, read=bucket.timeout_seconds),
        retries=_retries(),
        ca_certs=certifi.where() if bucket.ca_file is None else str(bucket.ca_file),
    )


def _retries() -> "Retry":
    """Return what is made again: a few times, with growing waits and jitter, and only what is safe to repeat."""
    from urllib3 import Retry

    class Retries(Retry):
        def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
            # With this status the server says that it did nothing, so any request may follow it.
            return status_code == _REFUSED_STATUS or super().is_retry(method, status_code, has_retry_after)

        def increment(self, method: str | None = None, url: str | None = None, *args: Any, **options: Any) -> "Retries":
            # Removing many objects at once is a POST, and as idempotent as removing one.
            if method == "POST" and url is not None and url.partition("?")[2].startswith("delete"):
                method = "DELETE"
            return super().increment(method, url, *args, **options)

    return Retries(
        total=RETRIES,
        backoff_factor=0.2,
        backoff_jitter=0.2,
        backoff_max=3.0,
        status_forcelist=[500, 502, _REFUSED_STATUS, 504],
        # The server may ask for any time; callers wait for us.
        respect_retry_after_header=False,
    )


def connect(bucket: S3Bucket, pool: "PoolManager") -> "Minio":
    """Make a client of the bucket's server; asks nothing yet."""
    from minio import Minio

    client = Minio(
        bucket.endpoint,
        access_key=bucket.credentials.access_key,
        secret_key=bucket.credentials.secret_key,
        session_token=bucket.credentials.session_token,
        secure=bucket.is_secure,
        region=bucket.region,
        http_client=pool,
    )
    if bucket.addressing is S3Addressing.VIRTUAL:
        client.enable_virtual_style_endpoint()
    elif bucket.addressing is S3Addressing.PATH:
        client.disable_virtual_style_endpoint()
    return client


@lru_cache(maxsize=16)
def shared_client(bucket: S3Bucket) -> "Minio":
    """Return this process's client of the bucket, for workers that open one object after another."""
    return connect(bucket, make_pool(bucket))
