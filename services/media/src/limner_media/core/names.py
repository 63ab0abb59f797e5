"""Names from outside (uploads, shares, archives, manifests) made safe, in one place."""

import re
from enum import StrEnum

from limner_media.core.errors import MediaError

MAX_NAME_BYTES = 1024
MAX_PART_BYTES = 255

_DRIVE = re.compile(r"^[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Folders and files that macOS and Windows add to archives and shares.
_JUNK_PARTS = frozenset({"__MACOSX", "__MSOSX", ".DS_Store", "._.DS_Store", "Thumbs.db", "desktop.ini"})


class AbsolutePaths(StrEnum):
    """What to do with an absolute name."""

    BASE_NAME = "base_name"
    """Keep the last component: clients send the absolute local path of an uploaded file."""
    STRIP = "strip"
    """Drop leading slashes: paths of a share are written with and without one."""
    REFUSE = "refuse"
    """An error: archives and manifests must hold relative names."""


def normalize_name(name: str, *, absolute: AbsolutePaths = AbsolutePaths.REFUSE) -> str:
    """Turn an untrusted name into a relative path that stays inside its folder.

    Backslashes count as separators, ``.`` and empty components are dropped, sub-directories are kept. Idempotent.

    Args:
        name: A file name or path as received.
        absolute: What to do with a leading slash or drive letter; drive letters are only accepted by ``BASE_NAME``.

    Returns:
        Components joined by forward slashes, without leading or trailing slash, never empty; at most 1024 bytes of
        UTF-8, each component at most 255 bytes.

    Raises:
        MediaError: The name holds ``..``, control characters or a drive letter, is empty, too long, not Unicode
            text, or absolute where that is refused.
    """
    _check_characters(name)
    path = name.replace("\\", "/")
    is_absolute = path.startswith("/") or _DRIVE.match(path) is not None
    if is_absolute:
        path = _relative(path, name, absolute)
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts:
        raise MediaError("the file name is empty", file=_shown(name))
    if ".." in parts:
        raise MediaError("the path leaves its folder ('..' is not allowed)", file=_shown(name))
    if _DRIVE.match(parts[0]):
        raise MediaError("the path starts with a drive letter", file=_shown(name))
    _check_length(parts, name)
    return "/".join(parts)


def is_junk(name: str) -> bool:
    """Whether a path is something that file managers leave behind (``__MACOSX/``, ``.DS_Store``, ``._x`` …)."""
    parts = name.replace("\\", "/").split("/")
    return not _JUNK_PARTS.isdisjoint(parts) or parts[-1].startswith("._")


def _relative(path: str, name: str, absolute: AbsolutePaths) -> str:
    match absolute:
        case AbsolutePaths.BASE_NAME:
            return _DRIVE.sub("", path).rstrip("/").rsplit("/", 1)[-1]
        case AbsolutePaths.STRIP:
            return path.lstrip("/")
        case AbsolutePaths.REFUSE:
            raise MediaError("the path is absolute; only relative paths are allowed", file=_shown(name))


def _check_characters(name: str) -> None:
    if _CONTROL.search(name):
        raise MediaError("the file name holds control characters", file=_shown(name))
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise MediaError("the file name is not valid Unicode text", file=_shown(name)) from None


def _check_length(parts: list[str], name: str) -> None:
    lengths = [len(part.encode()) for part in parts]
    if max(lengths) > MAX_PART_BYTES or sum(lengths) + len(lengths) - 1 > MAX_NAME_BYTES:
        raise MediaError("the file name is too long", file=_shown(name))


def _shown(name: str) -> str:
    """A printable form of a bad name for messages."""
    text = _CONTROL.sub("?", name).encode("utf-8", "replace").decode()
    return text if len(text) <= 120 else f"{text[:117]}…"
