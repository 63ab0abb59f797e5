"""Readers of Ultralytics YOLO Detection 1.0 and Segmentation 1.0.

Source: FORMATS.md §9.
"""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import yaml

from limner_exports.formats.archive import SafeArchive, decode_text
from limner_exports.formats.base import FormatError
from limner_exports.formats.items import ImportItem, ImportMedia, ImportShape, ReadContext
from limner_exports.formats.matching import strip_extension
from limner_exports.formats.yolo_read import fractions_box, label_at, numbers
from limner_model.annotations import ShapeType

_OWN_KEYS = frozenset({"path", "names", "nc", "kpt_shape", "flip_idx", "backup", "classes", "download", "roboflow"})
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".jfif"})
_MAX_SETTINGS_BYTES = 1 << 22
_LineReader = Callable[[list[str], str], tuple[ShapeType, list[float], str | None]]


class UltralyticsReader:
    """Reads ``data.yaml`` and one text file per picture; the pictures themselves are not needed."""

    def __init__(self, archive: SafeArchive, read_line: _LineReader) -> None:
        self._archive = archive
        self._read_line = read_line
        self._file = _settings_file(archive)
        self._root = self._file.rpartition("/")[0] + "/" if "/" in self._file else ""
        settings = _settings(archive, self._file)
        self._names = _names(settings.get("names"), self._file)
        self._subsets = {
            str(key): value for key, value in settings.items() if str(key) not in _OWN_KEYS and isinstance(value, str | list)
        }

    def items(self) -> Iterator[ImportItem]:
        """Yield one item per picture that has a text file."""
        for subset, picture in self._pictures():
            text = strip_extension(_labels_path(picture)) + ".txt"
            if self._archive.contains(text):
                yield self._item(subset, picture, text)

    def media(self) -> Iterator[ImportMedia]:
        """Yield the pictures that are in the archive."""
        for subset, picture in self._pictures():
            if self._archive.contains(picture):
                yield ImportMedia(subset, self._name(subset, picture), picture)

    def _pictures(self) -> Iterator[tuple[str, str]]:
        for subset, value in self._subsets.items():
            entries = value if isinstance(value, list) else [value]
            for entry in entries:
                if not isinstance(entry, str):
                    raise FormatError(f"the subset '{subset}' must be a path or a list of paths", self._file)
                for picture in self._expand(entry):
                    yield subset, picture

    def _expand(self, entry: str) -> Iterator[str]:
        """Pictures of an entry: those of a list file, the picture itself, or those of a folder."""
        place = self._place(entry)
        if entry.endswith(".txt"):
            for _, line in self._archive.lines(place):
                if line.strip():
                    yield self._place(line.strip())
        elif PurePosixPath(entry).suffix.lower() in _PICTURES:
            yield place
        else:
            yield from self._folder(place)

    def _folder(self, folder: str) -> Iterator[str]:
        """Pictures of a folder; those without a picture in the archive are known by their text files."""
        inside = folder.rstrip("/") + "/"
        labels = _labels_path(inside + "x").removesuffix("x")
        seen: set[str] = set()
        for name in self._archive.names():
            if name.startswith(inside) and PurePosixPath(name).suffix.lower() in _PICTURES:
                seen.add(strip_extension(name))
                yield name
        for name in self._archive.names():
            picture = inside + strip_extension(name.removeprefix(labels))
            if name.startswith(labels) and name.endswith(".txt") and picture not in seen:
                yield picture + ".jpg"

    def _place(self, path: str) -> str:
        """Place of a path of the dataset in the archive, below the folder of ``data.yaml``."""
        plain = path.replace("\\", "/")
        while plain.startswith(("./", "../")):
            plain = plain.partition("/")[2]
        if not self._archive.contains(self._root + plain) and plain.startswith("data/"):
            return self._root + plain.removeprefix("data/")
        return self._root + plain

    def _name(self, subset: str, picture: str) -> str:
        """Name of a picture: its path below ``images/<subset>`` or ``<subset>/images``."""
        parts = list(PurePosixPath(picture.removeprefix(self._root)).parts)
        for part in ("images", subset):
            if part in parts[:2] and len(parts) > 1:
                parts.remove(part)
        return "/".join(parts)

    def _item(self, subset: str, picture: str, text: str) -> ImportItem:
        item = ImportItem(
            name=self._name(subset, picture), subset=subset, has_extension=True, is_normalized=True, where=text
        )
        shapes: list[ImportShape] = []
        errors: list[FormatError] = []
        for number, line in self._archive.lines(text):
            if not line.strip():
                continue
            try:
                shapes.append(self._shape(line.split(), f"{text}: line {number}"))
            except FormatError as error:
                errors.append(error)
        item.shapes, item.errors = shapes, errors
        return item

    def _shape(self, fields: list[str], where: str) -> ImportShape:
        label = label_at(self._names, fields[0], where)
        kind, points, track_id = self._read_line(fields[1:], where)
        return ImportShape(
            type=kind,
            label=label,
            points=points,
            track_id=track_id,
            keyframe=None if track_id is None else True,
            where=where,
        )


def detection_reader(archive: SafeArchive, context: ReadContext) -> UltralyticsReader:
    """Make the reader of boxes."""
    del context
    return UltralyticsReader(archive, _read_box)


def segmentation_reader(archive: SafeArchive, context: ReadContext) -> UltralyticsReader:
    """Make the reader of polygons."""
    del context
    return UltralyticsReader(archive, _read_polygon)


def _read_box(fields: list[str], where: str) -> tuple[ShapeType, list[float], str | None]:
    if len(fields) not in (4, 5):
        raise FormatError(f"expected a class and 4 numbers, found {len(fields)} numbers", where)
    cx, cy, width, height = numbers(fields[:4], where)
    return ShapeType.RECTANGLE, fractions_box(cx, cy, width, height), _track_id(fields[4:], where)


def _read_polygon(fields: list[str], where: str) -> tuple[ShapeType, list[float], str | None]:
    if len(fields) < 6:
        raise FormatError("a polygon needs three points or more", where)
    count = len(fields) - len(fields) % 2
    return ShapeType.POLYGON, numbers(fields[:count], where), _track_id(fields[count:], where)


def _track_id(fields: list[str], where: str) -> str | None:
    if not fields:
        return None
    if not (fields[0].isascii() and fields[0].removeprefix("-").isdecimal()):
        raise FormatError(f"'{fields[0]}' is no track id", where)
    return fields[0]


def _labels_path(picture: str) -> str:
    """Path of a picture with its last folder ``images`` replaced by ``labels``."""
    head, found, tail = f"/{picture}".rpartition("/images/")
    return f"{head}/labels/{tail}".removeprefix("/") if found else picture


def _settings_file(archive: SafeArchive) -> str:
    names = [name for name in archive.names() if name.endswith((".yaml", ".yml"))]
    found = [name for name in names if name.rpartition("/")[2] in ("data.yaml", "data.yml")] or names
    if len(found) != 1:
        raise FormatError("the archive must have exactly one file 'data.yaml'")
    return found[0]


def _settings(archive: SafeArchive, member: str) -> dict[object, object]:
    text = decode_text(archive.read(member, _MAX_SETTINGS_BYTES), member)
    try:
        settings = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise FormatError("not valid YAML", member) from error
    if not isinstance(settings, dict):
        raise FormatError("expected keys and values", member)
    return settings


def _names(value: object, member: str) -> list[str]:
    """Class names of a list, or of numbered keys in their order."""
    if isinstance(value, list):
        return [str(name) for name in value]
    if isinstance(value, dict) and all(isinstance(key, int) for key in value):
        if sorted(value) != list(range(len(value))):
            raise FormatError("the classes must be numbered from 0", member)
        return [str(value[key]) for key in sorted(value)]
    raise FormatError("'names' must list the classes", member)
