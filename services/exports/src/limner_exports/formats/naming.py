"""Names of members: stems of pictures that stay unique where a format puts everything into one folder."""

import re
from collections.abc import Callable

from limner_exports.formats.base import ExportFrame
from limner_exports.formats.matching import strip_extension

_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\\]|^/|//|(?:^|/)\.{1,2}(?:/|$)|^$|/$")


def frame_extension(frame: ExportFrame) -> str:
    """Extension with its dot of a frame's picture: that of its name, else that of its media, else ``.jpg``."""
    own = frame.name[len(strip_extension(frame.name)) :]
    if own:
        return own
    return frame.media.extension if frame.media is not None and frame.media.extension else ".jpg"


def free_stem(frame: ExportFrame, is_taken: Callable[[str], bool]) -> str:
    """Name of a frame without extension that is not taken yet.

    Frames whose names differ only in the extension, or that are equal in two subsets, get ``<subset>/`` in front, then
    ``_1``, ``_2``, … at the end.
    """
    stem = strip_extension(frame.name)
    if not is_taken(stem):
        return stem
    candidate = f"{frame.subset}/{stem}"
    number = 0
    while is_taken(candidate):
        number += 1
        candidate = f"{stem}_{number}"
    return candidate


def safe_member_name(name: str) -> str:
    """Make a picture's name fit for an archive: relative, with forward slashes, without ``..`` and control characters."""
    if not _UNSAFE.search(name):
        return name
    plain = _CONTROL.sub("", name.replace("\\", "/"))
    parts = [part for part in plain.split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "unnamed"
