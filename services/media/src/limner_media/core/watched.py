"""Telling a source that cannot be read from a file that is damaged.

Decoders answer both with the same errors, or swallow them. A store that does not answer must not be reported to the user as
a broken upload, so the first failure of the source is kept here and raised in place of whatever the decoder made of it.
"""

from typing import IO


class WatchedFile:
    """A seekable binary file that remembers the first error of the file under it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._failure: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, all that is left when negative."""
        try:
            return self._source.read(size)
        except Exception as error:
            self._failure = self._failure or error
            raise

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position."""
        try:
            return self._source.seek(offset, whence)
        except Exception as error:
            # Decoders try impossible positions of damaged files; that says nothing about the source.
            if not isinstance(error, ValueError | OSError):
                self._failure = self._failure or error
            raise

    def tell(self) -> int:
        """The position in bytes."""
        return self._source.tell()

    def seekable(self) -> bool:
        """Always: what is watched can seek."""
        return True

    def raise_failure(self) -> None:
        """Raise the first error of the file under this one, if there was any."""
        if self._failure is not None:
            raise self._failure
