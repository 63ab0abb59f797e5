"""Where an object is: all a worker process needs to read it, see ``limner_common.objects.readers``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class S3Credentials:
    """Keys of an account; ``repr`` does not show them."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """A bucket and how to speak to its server.

    Attributes:
        endpoint: ``host`` or ``host:port``, without scheme.
        name: Name of the bucket.
        credentials: What to sign with.
        region: Region of the bucket; with it set, no call has to ask for it.
        is_secure: Whether to speak TLS.
    """

    endpoint: str
    name: str
    credentials: S3Credentials
    region: str = "us-east-1"
    is_secure: bool = True


@dataclass(frozen=True, slots=True)
class FolderLocation:
    """An object that is a file.

    Attributes:
        key: Name of the object.
        path: Its file; read only, nobody but the store may write there.
    """

    key: str
    path: Path


@dataclass(frozen=True, slots=True)
class S3Location:
    """An object in a bucket. Carries the credentials: pass it to our own processes only, never store it."""

    key: str
    bucket: S3Bucket


#: Picklable value from ``ObjectStore.location``.
ObjectLocation: TypeAlias = FolderLocation | S3Location
