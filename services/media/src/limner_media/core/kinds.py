"""Which kinds of media exist, how a file's kind is told, and which files may come together.

Kinds are told by the extension alone: the table is ours, so the answer does not depend on the machine's MIME files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from limner_media.core.errors import MediaError


class MediaKind(StrEnum):
    """What a file or folder of a task is."""

    IMAGE = "image"
    DIRECTORY = "directory"
    ZIP = "zip"
    ARCHIVE = "archive"
    PDF = "pdf"
    VIDEO = "video"

    @property
    def is_alone(self) -> bool:
        """True when a task takes exactly one file of this kind and nothing else."""
        return self not in (MediaKind.IMAGE, MediaKind.DIRECTORY)


class TaskMode(StrEnum):
    """How a task's frames belong together: separate images or one video."""

    ANNOTATION = "annotation"
    INTERPOLATION = "interpolation"


POINT_CLOUD_EXTENSIONS: Final = frozenset({"pcd", "bin"})

_IMAGES = (
    "apng avif avifs blp bmp bufr cur dcx dds dib eps fit fits ftc ftu gif grib h5 heic heif hif icb icns ico iim j2c"
    " j2k jfif jp2 jpc jpe jpeg jpf jpg jpx jxl mpo msp palm pbm pcx pfm pgm png pnm ppm psd pxr qoi ras rgb rgba sgi"
    " tga tif tiff vda vst webp wmf xbm xpm"
    " 3fr arw cr2 cr3 dng erf kdc mrw nef nrw orf pef raf raw rw2 sr2 srf x3f"
)
_VIDEOS = (
    "3g2 3gp asf avi divx dv f4v flv h261 h263 h264 h265 hevc ivf m1v m2ts m2v m4v mjpeg mjpg mkv mov mp4 mpa mpe mpeg"
    " mpg mpv mts mxf nut ogv qt rm rmvb ts vob webm wmv y4m"
)
_ARCHIVES = "rar tar tgz tbz tbz2 txz 7z cpio gz bz2 xz"

_KINDS: Final[dict[str, MediaKind]] = {
    **dict.fromkeys(_IMAGES.split(), MediaKind.IMAGE),
    **dict.fromkeys(POINT_CLOUD_EXTENSIONS, MediaKind.IMAGE),
    **dict.fromkeys(_VIDEOS.split(), MediaKind.VIDEO),
    **dict.fromkeys(_ARCHIVES.split(), MediaKind.ARCHIVE),
    "zip": MediaKind.ZIP,
    "pdf": MediaKind.PDF,
}


@dataclass(frozen=True, slots=True)
class MediaSet:
    """The files of a task sorted by what they are for.

    Attributes:
        kind: Kind of the media; a folder among images makes it ``IMAGE`` still, folders alone ``DIRECTORY``.
        mode: Task mode that follows from the kind.
        media: Names of the media files and folders, in the order given.
        manifests: Names ending in ``.jsonl``.
        skipped: Names of no known kind; say so to the user, use none of them.
    """

    kind: MediaKind
    mode: TaskMode
    media: tuple[str, ...]
    manifests: tuple[str, ...]
    skipped: tuple[str, ...]


def extension_of(name: str) -> str:
    """Lower-case extension without the dot; empty when there is none."""
    base = name.rsplit("/", 1)[-1]
    stem, dot, extension = base.rpartition(".")
    return extension.lower() if dot and stem else ""


def kind_of(name: str) -> MediaKind | None:
    """Kind of a file by its name, None for an unknown kind; a trailing slash means a folder. SVG has no kind."""
    if name.endswith("/"):
        return MediaKind.DIRECTORY
    return _KINDS.get(extension_of(name))


def is_image(name: str) -> bool:
    """Whether a name is that of a 2D image (point clouds are not)."""
    return kind_of(name) is MediaKind.IMAGE and not is_point_cloud(name)


def is_point_cloud(name: str) -> bool:
    """Whether a name is that of a point cloud, ``.pcd`` or ``.bin``."""
    return extension_of(name) in POINT_CLOUD_EXTENSIONS


def is_manifest(name: str) -> bool:
    """Whether a name may be a dataset manifest."""
    return extension_of(name) == "jsonl"


def sort_media(names: Sequence[str], *, directories: Iterable[str] = ()) -> MediaSet:
    """Tell media from manifests and unknown files, and check that the media may come together.

    Args:
        names: Files of the task in the order given; a trailing slash marks a folder.
        directories: Names that are folders although they carry no slash.

    Raises:
        MediaError: There is no media, or files that must come alone have company.

    Source: domain/MEDIA.md §1.
    """
    folders = frozenset(directories)
    kinds = {name: MediaKind.DIRECTORY if name in folders else kind_of(name) for name in names}
    media = tuple(name for name in names if kinds[name] is not None)
    manifests = tuple(name for name in names if is_manifest(name))
    skipped = tuple(name for name in names if kinds[name] is None and not is_manifest(name))
    if not media:
        raise _no_media(skipped)
    kind = _common_kind({name: found for name, found in kinds.items() if found is not None}, media)
    mode = TaskMode.INTERPOLATION if kind is MediaKind.VIDEO else TaskMode.ANNOTATION
    return MediaSet(kind, mode, media, manifests, skipped)


def _common_kind(kinds: dict[str, MediaKind], media: Sequence[str]) -> MediaKind:
    alone = [name for name in media if kinds[name].is_alone]
    if not alone:
        found = set(kinds.values())
        return MediaKind.DIRECTORY if found == {MediaKind.DIRECTORY} else MediaKind.IMAGE
    if len(media) > 1:
        other = next(name for name in media if name != alone[0])
        raise MediaError(
            f"{_ARTICLES[kinds[alone[0]]]} must be the only file of a task, but {other} was given too", file=alone[0]
        )
    return kinds[alone[0]]


_ARTICLES: Final[dict[MediaKind, str]] = {
    MediaKind.ZIP: "a zip archive",
    MediaKind.ARCHIVE: "an archive",
    MediaKind.PDF: "a PDF",
    MediaKind.VIDEO: "a video",
}


def _no_media(skipped: Sequence[str]) -> MediaError:
    if not skipped:
        return MediaError("no media data found: no files were given")
    svg = next((name for name in skipped if extension_of(name) == "svg"), None)
    if svg is not None:
        return MediaError("no media data found: SVG drawings are not supported", file=svg)
    more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
    return MediaError(f"no media data found: this kind of file is not supported{more}", file=skipped[0])
