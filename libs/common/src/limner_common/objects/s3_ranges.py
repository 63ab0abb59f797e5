"""Reading ranges from S3: what breaks off is taken up where it broke, of the same version, or fails; never cut or mixed."""

import random
import re
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from limner_common.objects.locations import S3Bucket
from limner_common.objects.port import BLOCK_BYTES, ObjectChanged, ObjectInfo, ObjectStoreUnavailable
from limner_common.objects.s3_calls import bare_etag, calling, stat
from limner_common.objects.s3_pool import RETRIES

if TYPE_CHECKING:
    from minio import Minio
    from urllib3 import BaseHTTPResponse

_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_OTHER_RANGE: Final = "The object store does not answer range reads correctly."


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
            ObjectStoreUnavailable: It broke several times without a whole block between.
        """
        left = min(size_bytes, self.start + self.length_bytes - self._position)
        blocks = []
        while left > 0:
            block = self._read_block(min(left, BLOCK_BYTES))
            blocks.append(block)
            left -= len(block)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def _read_block(self, wanted: int) -> bytes:
        for attempt in range(RETRIES + 1):
            block = self._read_once(wanted, is_last_try=attempt == RETRIES)
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
            self._learn(stat(self._client, self._bucket, self._key))
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
                self._learn(stat(self._client, self._bucket, self._key))
                return
        try:
            self._check(self._response, is_range=bool(self._position or end))
        except BaseException:
            self.close()
            raise

    def _check(self, response: "BaseHTTPResponse", *, is_range: bool) -> None:
        """Believe nothing of an answer: what stands between us and the store may have made it of another question.

        Raises:
            ObjectChanged: It is of another version than the one that is known.
            ObjectStoreUnavailable: It is not what was asked for.
        """
        span = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        first = int(span[1]) if span else 0
        if first != self._position or (is_range and span is None):
            raise ObjectStoreUnavailable(_OTHER_RANGE, retry_after_seconds=None)
        try:
            info = _describe(self._key, response, int(span[3] if span else response.headers["Content-Length"]))
        except (KeyError, ValueError, TypeError) as error:
            raise ObjectStoreUnavailable(_OTHER_RANGE, retry_after_seconds=None) from error
        self._learn(info)

    def _learn(self, info: ObjectInfo) -> None:
        if self._info is None:
            self._info = info
        elif (info.etag, info.size_bytes) != (self._info.etag, self._info.size_bytes):
            raise ObjectChanged(self._key)

    def close(self) -> None:
        """Give the connection back, or close it when bytes are left on it. Idempotent."""
        response, self._response = self._response, None
        if response is not None:
            # Only a connection whose answer was read to its end has gone back to the pool already.
            response.close()
            response.release_conn()


def _describe(key: str, response: "BaseHTTPResponse", size_bytes: int) -> ObjectInfo:
    headers = response.headers
    etag = bare_etag(headers["ETag"])
    if not etag:
        raise ValueError("an answer without a version could not be taken up again")
    return ObjectInfo(
        key=key,
        size_bytes=size_bytes,
        etag=etag,
        modified_at=parsedate_to_datetime(headers["Last-Modified"]).astimezone(UTC),
        content_type=headers.get("Content-Type"),
    )
