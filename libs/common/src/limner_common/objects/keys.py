"""Names of objects: what all stores accept, so that a key good in one is good in every other."""

from typing import Final

from limner_common.errors import Invalid

#: S3 allows 1024 bytes of UTF-8 for a key, common file systems 255 bytes for one name.
MAX_KEY_BYTES: Final = 1024
MAX_SEGMENT_BYTES: Final = 240

#: First segment the folder store keeps its unfinished files under; no key may start with it.
RESERVED_SEGMENT: Final = ".incoming"


class InvalidKey(Invalid):
    """The text cannot be the key of an object; the message says which rule it breaks."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The object name is not valid: {reason}.", code="invalid_object_key")


def check_key(key: str) -> str:
    """Return ``key`` when it is a relative slash-separated path that every store can hold.

    A key has 1 to 1024 bytes of UTF-8, its segments 1 to 240; no segment is ``.`` or ``..``; there is no backslash,
    no control character, no lone surrogate, and the first segment is not ``.incoming``. Pure; the check is textual.

    Raises:
        InvalidKey: It is not.
    """
    segments = _check_text(key).split("/")
    for segment in segments:
        _check_segment(segment)
    if segments[0] == RESERVED_SEGMENT:
        raise InvalidKey(f"'{RESERVED_SEGMENT}' is reserved")
    return key


def check_prefix(prefix: str) -> str:
    """Return ``prefix`` when some key can start with it; the empty text starts all keys.

    Raises:
        InvalidKey: No key can.
    """
    if prefix:
        *folders, last = _check_text(prefix).split("/")
        for segment in folders:
            _check_segment(segment)
        if last:
            _check_segment(last, is_partial=True)
        if folders and folders[0] == RESERVED_SEGMENT:
            raise InvalidKey(f"'{RESERVED_SEGMENT}' is reserved")
    return prefix


def _check_text(text: str) -> str:
    if not text:
        raise InvalidKey("it is empty")
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidKey("it is not Unicode text") from None
    if size_bytes > MAX_KEY_BYTES:
        raise InvalidKey(f"it is longer than {MAX_KEY_BYTES} bytes")
    if "\\" in text or any(character < " " or character == "\x7f" for character in text):
        raise InvalidKey("it holds a backslash or a control character")
    return text


def _check_segment(segment: str, *, is_partial: bool = False) -> None:
    if not segment:
        raise InvalidKey("it has an empty part")
    if segment in {".", ".."} and not is_partial:
        raise InvalidKey("it has a '.' or '..' part")
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        raise InvalidKey(f"a part is longer than {MAX_SEGMENT_BYTES} bytes")
