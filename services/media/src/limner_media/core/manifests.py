"""Dataset manifests: reading, writing, and checking them against the media they come with.

Source: domain/MEDIA.md §3. One JSON value per line: version, type, then properties and key frames of a video, or the images
in order.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, TypeVar

import msgspec

from limner_media.core.errors import MediaError, TooFewKeyFramesError
from limner_media.core.names import normalize_name
from limner_media.core.selection import SortingMethod
from limner_media.core.video_index import VideoIndex

MANIFEST_NAME: Final = "manifest.jsonl"
MAX_MANIFEST_BYTES: Final = 512 << 20
VERSION: Final = "1.1"
EXIT_UNUSABLE: Final = 1
EXIT_TOO_FEW_KEY_FRAMES: Final = 2
_READABLE_VERSIONS: Final = frozenset({"1.0", "1.1"})
_LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class ImageItem:
    """One image (or point cloud) of a manifest.

    Attributes:
        name: Path relative to the data root, with extension, forward slashes.
        width: Width in pixels once upright; None for point clouds.
        height: Height in pixels once upright; None for point clouds.
        related: Paths of its context images relative to the data root.
        checksum: MD5 of the decoded pixels as hex digits, when it was computed.
    """

    name: str
    width: int | None = None
    height: int | None = None
    related: tuple[str, ...] = ()
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """The images of a data set by source frame; None where the frame is not part of the task."""

    items: tuple[ImageItem | None, ...]

    @property
    def images(self) -> list[ImageItem]:
        """The items that are there."""
        return [item for item in self.items if item is not None]


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A usable key frame: number from 0, pts in the stream's time base, MD5 of its RGB pixels before rotation."""

    number: int
    pts: int
    checksum: str


@dataclass(frozen=True, slots=True)
class VideoManifest:
    """A video and the frames from which it can be decoded.

    Attributes:
        name: File name.
        width: Width in pixels, rotation metadata applied.
        height: Height in pixels.
        length: Number of frames.
        key_frames: In ascending order.
    """

    name: str
    width: int
    height: int
    length: int
    key_frames: tuple[KeyFrame, ...]


_Line = TypeVar("_Line", bound=msgspec.Struct)


class _Meta(msgspec.Struct):
    related_images: list[str] = []


_Size = Annotated[int, msgspec.Meta(ge=0)]


class _ImageLine(msgspec.Struct):
    name: str | None = None
    extension: str = ""
    width: _Size | None = None
    height: _Size | None = None
    meta: _Meta | None = None
    checksum: str | None = None


class _KeyFrameLine(msgspec.Struct):
    number: _Size
    pts: int
    checksum: str = ""


class _Properties(msgspec.Struct):
    name: str
    resolution: tuple[_Size, _Size]
    length: _Size


class _PropertiesLine(msgspec.Struct):
    properties: _Properties


class _VersionLine(msgspec.Struct):
    version: str


class _TypeLine(msgspec.Struct):
    type: str


def read_manifest(data: bytes, *, file: str = MANIFEST_NAME) -> ImageManifest | VideoManifest:
    """Read a manifest; blank lines are ignored, unknown keys too.

    Raises:
        MediaError: A line is malformed (told by its number), the version or type is unknown, a path leaves the data root,
            or the file is larger than allowed.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise MediaError(f"the manifest is larger than {MAX_MANIFEST_BYTES} bytes", file=file)
    lines = _Lines(data, file)
    version = lines.take(_VersionLine).version
    if version not in _READABLE_VERSIONS:
        raise MediaError(f"manifest version {version!r} is not known", file=file)
    match lines.take(_TypeLine).type:
        case "video":
            return _read_video(lines)
        case "images":
            return ImageManifest(tuple(_image_item(line, file) for line in lines.rest(_ImageLine)))
        case other:
            raise MediaError(f"manifest type {other!r} is not known", file=file)


def write_manifest(manifest: ImageManifest | VideoManifest) -> bytes:
    """Write a manifest as version 1.1; reading it gives an equal value."""
    return b"".join(manifest_lines(manifest))


def manifest_lines(manifest: ImageManifest | VideoManifest) -> Iterator[bytes]:
    """The lines of a manifest, each with its line end."""
    yield _line({"version": VERSION})
    if isinstance(manifest, ImageManifest):
        yield _line({"type": "images"})
        yield from (_line({} if item is None else _item_fields(item)) for item in manifest.items)
        return
    resolution = [manifest.width, manifest.height]
    yield _line({"type": "video"})
    yield _line({"properties": {"name": manifest.name, "resolution": resolution, "length": manifest.length}})
    for key in manifest.key_frames:
        yield _line({"number": key.number, "pts": key.pts, "checksum": key.checksum})


def refuse_wrong_video(manifest: VideoManifest, index: VideoIndex, *, file: str = MANIFEST_NAME) -> None:
    """Check an uploaded manifest against the packets of its video; whoever gets the error makes an own manifest instead.

    Raises:
        MediaError: Length or size differ, a key frame's number and time do not fit, or numbers do not ascend.
    """
    if manifest.length != index.frame_count or (manifest.width, manifest.height) != (index.width, index.height):
        raise MediaError("the manifest is about another video: its length or size differs", file=file)
    last = -1
    for key in manifest.key_frames:
        if not last < key.number < index.frame_count:
            raise MediaError(f"the key frame numbers do not ascend at {key.number}", file=file)
        if int(index.times[key.number]) != key.pts:
            raise MediaError(f"key frame {key.number} is not at time {key.pts} in the video", file=file)
        last = key.number


def match_images(manifest: ImageManifest, names: Sequence[str], *, file: str = MANIFEST_NAME) -> None:
    """Check that the k-th image of a manifest is the k-th file: the file's path ends with the manifest's name.

    Raises:
        MediaError: Numbers or names differ; the first differing pair is named.
    """
    images = manifest.images
    if len(images) != len(names):
        raise MediaError(f"the manifest lists {len(images)} images, but there are {len(names)}", file=file)
    for item, name in zip(images, names, strict=True):
        if name != item.name and not name.endswith("/" + item.name):
            raise MediaError(f"incorrect mapping: {item.name} in the manifest does not match {name}", file=file)


def order_by_manifest(manifest: ImageManifest, names: Sequence[str], *, file: str = MANIFEST_NAME) -> list[str]:
    """Put files into the order of a manifest (predefined sorting).

    Raises:
        MediaError: The files are not exactly those of the manifest; up to five of the differences are listed.
    """
    order = [item.name for item in manifest.images]
    difference = sorted(set(order) ^ set(names))
    if difference or len(order) != len(names):
        shown = ", ".join(difference[:_LISTED]) or "a name comes twice"
        raise MediaError(f"the files do not match the manifest: {shown}", file=file)
    return order


def create_manifest(
    source: str | Path, *, output_dir: Path, sorting: str = SortingMethod.LEXICOGRAPHICAL, force: bool = False
) -> int:
    """Write ``manifest.jsonl`` for a video, a folder, an image or a pattern: the work of the command line tool.

    Args:
        source: See `limner_media.core.manifest_making.make_manifest`.
        output_dir: Where to write; made when missing. An existing manifest is replaced.
        sorting: Order of images.
        force: Write it although a video has too few key frames.

    Returns:
        Exit status: 0, 1 for media that cannot be used, 2 for too few key frames; what is wrong goes to standard error.

    Source: domain/MEDIA.md §3.5.
    """
    # Brings in the video library, which readers of manifests do without.
    from limner_media.core.manifest_making import make_manifest

    try:
        manifest = make_manifest(source, sorting=SortingMethod(sorting), force=force)
    except TooFewKeyFramesError as error:
        sys.stderr.write(f"{error}. Use --force to write the manifest all the same.\n")
        return EXIT_TOO_FEW_KEY_FRAMES
    except MediaError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_UNUSABLE
    output_dir.mkdir(parents=True, exist_ok=True)
    with (output_dir / MANIFEST_NAME).open("wb") as file:
        file.writelines(manifest_lines(manifest))
    return 0


class _Lines:
    """The lines of a manifest that are not blank, decoded one by one."""

    def __init__(self, data: bytes, file: str) -> None:
        numbered = ((number, line.strip()) for number, line in enumerate(data.split(b"\n"), 1))
        self._lines = ((number, line) for number, line in numbered if line)
        self._file = file

    def take(self, kind: type[_Line]) -> _Line:
        """The next line; an empty one at the end, which fails to decode."""
        return self._decode(next(self._lines, (0, b"")), msgspec.json.Decoder(kind))

    def rest(self, kind: type[_Line]) -> Iterator[_Line]:
        """All further lines."""
        decoder = msgspec.json.Decoder(kind)
        return (self._decode(line, decoder) for line in self._lines)

    def _decode(self, line: tuple[int, bytes], decoder: "msgspec.json.Decoder[_Line]") -> _Line:
        try:
            return decoder.decode(line[1])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            where = f"line {line[0]} of the manifest is wrong" if line[0] else "the manifest ends too early"
            raise MediaError(f"{where}: {error}", file=self._file) from error


def _read_video(lines: _Lines) -> VideoManifest:
    properties = lines.take(_PropertiesLine).properties
    keys = (KeyFrame(line.number, line.pts, line.checksum) for line in lines.rest(_KeyFrameLine))
    return VideoManifest(properties.name, *properties.resolution, properties.length, tuple(keys))


def _image_item(line: _ImageLine, file: str) -> ImageItem | None:
    if line.name is None:
        return None
    try:
        name = normalize_name(line.name + line.extension)
        related = tuple(normalize_name(path) for path in (line.meta.related_images if line.meta else ()))
    except MediaError as error:
        raise MediaError(f"{error} in the manifest", file=file) from error
    return ImageItem(name, line.width, line.height, related, line.checksum)


def _item_fields(item: ImageItem) -> dict[str, object]:
    path = PurePosixPath(item.name)
    fields: dict[str, object] = {"name": str(path.with_suffix("")), "extension": path.suffix}
    if item.width is not None and item.height is not None:
        fields |= {"width": item.width, "height": item.height}
    fields["meta"] = {"related_images": list(item.related)}
    if item.checksum is not None:
        fields["checksum"] = item.checksum
    return fields


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
