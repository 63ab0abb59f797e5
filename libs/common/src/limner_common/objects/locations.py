"""Where an object is: all a worker process needs to read it, see ``limner_common.objects.readers``."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class S3Credentials:
    """Keys of an account; ``repr`` does not show them."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


class S3Addressing(StrEnum):
    """Where the name of a bucket goes: into the path, into the host's name, or wherever that kind of server wants it."""

    AUTO = "auto"
    PATH = "path"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """A bucket and how to speak to its server.

    Attributes:
        endpoint: ``host`` or ``host:port``, without scheme.
        name: Name of the bucket.
        credentials: What to sign with.
        region: Region of the bucket; with it set, no call has to ask for it.
        is_secure: Whether to speak TLS.
        addressing: Where the bucket's name goes; by itself only hosts of AWS get it into theirs.
        ca_file: Certificates (PEM) of who may vouch for the server; the usual authorities when None.
        timeout_seconds: How long the server may keep silent; completing a large multipart upload takes it its time.
    """

    endpoint: str
    name: str
    credentials: S3Credentials
    region: str = "us-east-1"
    is_secure: bool = True
    addressing: S3Addressing = S3Addressing.AUTO
    ca_file: Path | None = None
    timeout_seconds: float = 60.0

    def moved_to(self, url: str) -> "S3Bucket":
        """Return the same bucket at another URL of its server, such as ``https://minio.example.org:9000``.

        Raises:
            ValueError: The URL is not http or https, or has more than host and port.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise ValueError("the address of an object store is http(s)://host[:port]")
        if parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ValueError("the address of an object store has no path")
        return replace(self, endpoint=parts.netloc, is_secure=parts.scheme == "https")


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
