"""From the core's one error to domain errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from limner_common.errors import Invalid
from limner_media.core.errors import MediaError


class UnusableMedia(Invalid):
    """Media that were sent, or are stored, cannot be used; the message names the file."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="unusable_media")


@contextmanager
def media_errors() -> Iterator[None]:
    """Turn the core's errors into ``UnusableMedia`` with the name of the file in front.

    Raises:
        UnusableMedia: The block raised a ``MediaError``.
    """
    try:
        yield
    except MediaError as error:
        text = str(error)
        raise UnusableMedia(text[:1].upper() + text[1:] if error.file is None else text) from error
