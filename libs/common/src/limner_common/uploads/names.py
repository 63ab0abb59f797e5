"""Names of uploaded files: what remains of a path, and what to do when a name is taken."""

import posixpath
from collections.abc import Collection

from limner_common.errors import Invalid

_MAX_BYTES = 240


def base_name(name: str) -> str:
    """Return the last component of a path in either notation, as a plain file name.

    Raises:
        Invalid: Nothing is left of it, or it is ``..``, holds control characters, or is longer than 240 bytes.
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    is_text = not any(character < " " or character == "\x7f" for character in last)
    if last in ("", ".", "..") or not is_text or len(last.encode(errors="replace")) > _MAX_BYTES:
        raise Invalid("The file name is not allowed.", code="bad_file_name")
    return last


def free_name(name: str, taken: Collection[str]) -> str:
    """Return ``name``, or it with ``_1``, ``_2`` … before the extension when it is taken."""
    if name not in taken:
        return name
    stem, extension = posixpath.splitext(name)
    number = 1
    while (candidate := f"{stem}_{number}{extension}") in taken:
        number += 1
    return candidate


def object_extension(name: str) -> str:
    """Return the extension of a file for use in an object key: ``.`` and up to 8 letters or digits, or nothing."""
    extension = posixpath.splitext(name)[1][1:].lower()
    is_plain = extension.isascii() and extension.isalnum() and len(extension) <= 8
    return f".{extension}" if is_plain else ""
