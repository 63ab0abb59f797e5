"""The installation's file share: what is in one of its folders. Pure file system work; run it in a thread."""

import os
from pathlib import Path
from typing import Any

from limner_common.errors import Invalid, TooLarge

#: Entries of one answer; a folder with more has to be searched.
ENTRIES_MAX = 20_000

_MIME_TYPES = {
    "image": "bmp dib gif ico jfif jp2 jpe jpeg jpg pbm pgm png ppm tga tif tiff webp avif heic",
    "video": "3gp avi flv m2ts m4v mkv mov mp4 mpeg mpg mts ogv ts webm wmv",
    "archive": "7z bz2 gz rar tar tgz xz zip",
    "pdf": "pdf",
    "point_cloud": "bin pcd",
    "audio": "aac flac m4a mp3 oga ogg wav",
}
_MIME_BY_SUFFIX = {f".{suffix}": kind for kind, suffixes in _MIME_TYPES.items() for suffix in suffixes.split()}


def list_share(root: Path | None, directory: str, search: str) -> list[dict[str, Any]]:
    """Return the entries of a folder of the share, folders first, then files, each by name.

    Args:
        root: The share; None when there is none, which looks like an empty one.
        directory: Path of the folder below the share, with or without slashes around it.
        search: Entries' names must contain this, in any case of letters.

    Raises:
        Invalid: There is no such folder, or it lies outside the share.
        TooLarge: The folder has too many entries.
    """
    relative = directory.strip("/")
    if root is None:
        if relative:
            raise _no_folder(relative)
        return []
    folder = _folder(root, relative)
    wanted = search.casefold()
    entries: list[dict[str, Any]] = []
    with os.scandir(folder) as scan:
        for entry in scan:
            if wanted not in entry.name.casefold() or not _is_inside(root, entry):
                continue
            if len(entries) == ENTRIES_MAX:
                raise TooLarge(f"The folder has more than {ENTRIES_MAX} entries; search for a part of the name.")
            entries.append(_render(entry))
    return sorted(entries, key=lambda entry: (entry["type"], entry["name"]))


def _folder(root: Path, relative: str) -> Path:
    if "\x00" in relative:
        raise _no_folder(relative)
    try:
        folder = (root / relative).resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise _no_folder(relative) from error
    if not folder.is_relative_to(root.resolve()) or not folder.is_dir():
        raise _no_folder(relative)
    return folder


def _is_inside(root: Path, entry: "os.DirEntry[str]") -> bool:
    """Hide links that lead out of the share or nowhere."""
    if not entry.is_symlink():
        return True
    target = Path(entry.path).resolve()
    return target.exists() and target.is_relative_to(root.resolve())


def _render(entry: "os.DirEntry[str]") -> dict[str, Any]:
    # Names that are not UTF-8 cannot be sent; the replacement shows that there is something.
    name = entry.name.encode("utf-8", "replace").decode()
    if entry.is_dir():
        return {"name": name, "type": "DIR", "mime_type": "DIR"}
    return {"name": name, "type": "REG", "mime_type": _MIME_BY_SUFFIX.get(Path(entry.name).suffix.lower(), "unknown")}


def _no_folder(relative: str) -> Invalid:
    return Invalid(f"{relative.encode('utf-8', 'replace').decode()} is an invalid directory", code="share_folder_invalid")
