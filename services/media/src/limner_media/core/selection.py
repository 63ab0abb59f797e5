"""Which files become which frames: order, exclusion, start, stop and step, explicit jobs, chunk size.

Source: domain/MEDIA.md §2, §4, §5; domain/ANNOTATIONS.md §8.1.
"""

import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from random import Random
from typing import Final

from limner_media.core.errors import MediaError
from limner_media.core.names import AbsolutePaths, normalize_name
from limner_model.numbering import FrameNumbering, number_frames, parse_frame_step

VIDEO_CHUNK_SIZE: Final = 36
MIN_IMAGE_CHUNK_SIZE: Final = 2
MAX_IMAGE_CHUNK_SIZE: Final = 72
_CHUNK_PIXELS: Final = 36 * 1920 * 1080
_RUNS: Final = re.compile(r"\d+|\D+")
_LISTED: Final = 5


class SortingMethod(StrEnum):
    """Order of the images of a task."""

    LEXICOGRAPHICAL = "lexicographical"
    """By code points of the whole relative path."""
    NATURAL = "natural"
    """As file managers do: numbers by value."""
    PREDEFINED = "predefined"
    """As given by the upload order, a manifest, or a mapping of files to jobs."""
    RANDOM = "random"
    """Shuffled once when the task is created."""


def sort_names(names: Iterable[str], method: SortingMethod, *, seed: int | None = None) -> list[str]:
    """Order names; ``seed`` fixes the random order."""
    match method:
        case SortingMethod.LEXICOGRAPHICAL:
            return sorted(names)
        case SortingMethod.NATURAL:
            return sorted(names, key=natural_key)
        case SortingMethod.PREDEFINED:
            return list(names)
        case SortingMethod.RANDOM:
            shuffled = sorted(names)
            Random(seed).shuffle(shuffled)
            return shuffled


def natural_key(name: str) -> tuple[list[list[tuple[int, int, str]]], str]:
    """Sort key of file managers: folder by folder, numbers by value and before text, case ignored, extension last.

    The same on every machine: no locale is asked.
    """
    *folders, base = name.split("/")
    stem, dot, extension = base.rpartition(".")
    parts = [*folders, *((stem, dot + extension) if stem else (base,))]
    return [[_number_or_text(run) for run in _RUNS.findall(part)] for part in parts], name


def _number_or_text(run: str) -> tuple[int, int, str]:
    return (0, int(run), "") if run.isdecimal() else (1, 0, run.casefold())


def order_as_given(names: Sequence[str], order: Sequence[str]) -> list[str]:
    """Put files into the order the client sent, ``[]`` meaning the order they came in.

    Raises:
        MediaError: The two are not the same set of names; up to five of the differences are listed.
    """
    if not order:
        return list(names)
    difference = sorted(set(names) ^ set(order))
    if difference or len(order) != len(names):
        raise MediaError(f"the given file order does not match the files: {_listed(difference or _repeated(order))}")
    return list(order)


def parse_step(frame_filter: str | None) -> int:
    """Read ``step=N``; 1 when there is no filter.

    Raises:
        MediaError: It is anything else, or N is 0.
    """
    try:
        return parse_frame_step(frame_filter or "")
    except ValueError as error:
        raise MediaError(str(error)) from error


def select_frames(total: int, *, start: int = 0, stop: int | None = None, step: int = 1) -> FrameNumbering:
    """Choose the frames of a task among those of its source.

    Args:
        total: Number of frames of the source.
        start: First source frame.
        stop: Last source frame allowed, inclusive; None for the last there is. Larger values are cut.
        step: Distance of used frames, from 1.

    Raises:
        MediaError: Start is after stop, or no frame is left.
    """
    if stop is not None and start > stop:
        raise MediaError(f"the start frame {start} comes after the stop frame {stop}")
    numbering = number_frames(total, start_frame=start, stop_frame=stop, step=step)
    if start < 0 or numbering.size == 0:
        raise MediaError(f"no frames are left: the source has {total} frames and the start frame is {start}")
    return numbering


def chunk_size_for(*, is_video: bool, width: int, height: int) -> int:
    """Frames per chunk when the client gives none.

    Args:
        is_video: Whether the compressed chunks are videos.
        width: Width of the first frame in pixels (WIDTH of a point cloud).
        height: Height of the first frame in pixels (HEIGHT of a point cloud).
    """
    if is_video:
        return VIDEO_CHUNK_SIZE
    fitting = _CHUNK_PIXELS // max(1, width * height)
    return max(MIN_IMAGE_CHUNK_SIZE, min(MAX_IMAGE_CHUNK_SIZE, fitting))


def filter_by_pattern(names: Iterable[str], pattern: str) -> list[str]:
    """Names that match a shell pattern; ``*`` matches slashes too."""
    return [name for name in names if fnmatch.fnmatchcase(name, pattern)]


def exclude_files(names: Iterable[str], excluded: Iterable[str]) -> list[str]:
    """Names without the excluded files (exact names) and folders (names ending with a slash).

    Raises:
        MediaError: An excluded name is not a safe relative path.
    """
    files: set[str] = set()
    folders: list[str] = []
    for name in excluded:
        path = normalize_name(name, absolute=AbsolutePaths.STRIP)
        if name.endswith("/"):
            folders.append(path + "/")
        else:
            files.add(path)
    prefixes = tuple(folders)
    return [name for name in names if name not in files and not (prefixes and name.startswith(prefixes))]


def expand_folders(requested: Iterable[str], available: Iterable[str]) -> list[str]:
    """Replace requested folders (ending with a slash) by all files below them, files kept, each name once.

    Args:
        requested: Files and folders, relative.
        available: All files of the share or bucket.

    Raises:
        MediaError: A file is not there, or a folder holds nothing.
    """
    known = dict.fromkeys(available)
    found: dict[str, None] = {}
    for name in requested:
        path = normalize_name(name, absolute=AbsolutePaths.STRIP) if name.strip("/") else ""
        if not name.endswith("/"):
            matches = [path] if path in known else []
        else:
            matches = [file for file in known if not path or file.startswith(path + "/")]
        if not matches:
            raise MediaError("no such file or folder", file=name)
        found.update(dict.fromkeys(matches))
    return list(found)


def frames_of_mapping(mapping: Sequence[Sequence[str]], available: Iterable[str]) -> list[str]:
    """Frame order of a task whose jobs are given as lists of files: the lists one after the other.

    Raises:
        MediaError: A list is empty, a file comes twice, or a file is not there.
    """
    if not mapping or any(not files for files in mapping):
        raise MediaError("each job of the job file mapping needs at least one file")
    order = [file for files in mapping for file in files]
    if repeated := _repeated(order):
        raise MediaError(f"the job file mapping names files twice: {_listed(repeated)}")
    known = set(available)
    if missing := [file for file in order if file not in known]:
        raise MediaError(f"the job file mapping names files that are not there: {_listed(missing)}")
    return order


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
