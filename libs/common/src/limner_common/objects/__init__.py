"""Stores of objects: one port, a folder and S3 behind it, and synchronous readers for worker processes.

``S3ObjectStore`` loads its client library when it is made, not when this package is imported.
"""

from limner_common.objects.folder import FolderObjectStore
from limner_common.objects.keys import InvalidKey, check_key, check_prefix
from limner_common.objects.locations import FolderLocation, ObjectLocation, S3Addressing, S3Bucket, S3Credentials, S3Location
from limner_common.objects.port import (
    BLOCK_BYTES,
    ObjectBody,
    ObjectChanged,
    ObjectInfo,
    ObjectMissing,
    ObjectStore,
    ObjectStoreUnavailable,
)
from limner_common.objects.readers import local_path, open_object
from limner_common.objects.s3 import S3ObjectStore

__all__ = [
    "BLOCK_BYTES",
    "FolderLocation",
    "FolderObjectStore",
    "InvalidKey",
    "ObjectBody",
    "ObjectChanged",
    "ObjectInfo",
    "ObjectLocation",
    "ObjectMissing",
    "ObjectStore",
    "ObjectStoreUnavailable",
    "S3Addressing",
    "S3Bucket",
    "S3Credentials",
    "S3Location",
    "S3ObjectStore",
    "check_key",
    "check_prefix",
    "local_path",
    "open_object",
]
