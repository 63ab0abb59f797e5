"""Reader of YOLO 1.1 (Darknet).

Source: FORMATS.md §9.
"""

from collections.abc import Iterator

from limner_exports.formats.archive import SafeArchive
from limner_exports.formats.base import FormatError
from limner_exports.formats.items import ImportItem, ImportMedia, ImportShape, ReadContext
from limner_exports.formats.matching import strip_extension
from limner_model.annotations import ShapeType

_OWN_KEYS = frozenset({"classes", "names", "backup"})


class YOLOReader:
    """Reads ``obj.data``, its lists and one text file per picture; the pictures themselves are not needed."""

    def __init__(self, archive: SafeArchive, context: ReadContext) -> None:
        self._archive = archive
        self._root, settings = self._settings()
        self._lists = {key: value for key, value in settings.items() if key not in _OWN_KEYS}
        self._names = self._labels(settings.get("names", "obj.names"))

    def items(self) -> Iterator[ImportItem]:
        """Yield one item per listed picture that has a text file."""
        for subset, path, where in self._pictures():
            text = strip_extension(path) + ".txt"
            if self._archive.contains(text):
                yield self._item(subset, path, text, where)

    def media(self) -> Iterator[ImportMedia]:
        """Yield the listed pictures that are in the archive."""
        for subset, path, _ in self._pictures():
            if self._archive.contains(path):
                yield ImportMedia(subset, self._name(path), path)

    def _settings(self) -> tuple[str, dict[str, str]]:
        found = [name for name in self._archive.names() if name.rpartition("/")[2] == "obj.data"]
        if len(found) != 1:
            raise FormatError("the archive must have exactly one file 'obj.data'")
        settings = {}
        for number, line in self._archive.lines(found[0]):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            key, equals, value = line.partition("=")
            if not equals:
                raise FormatError("expected 'key = value'", f"{found[0]}: line {number}")
            settings[key.strip()] = value.strip()
        return found[0].removesuffix("obj.data"), settings

    def _labels(self, path: str) -> list[str]:
        member = self._member(path)
        return [line.strip() for _, line in self._archive.lines(member) if line.strip()]

    def _member(self, path: str) -> str:
        """Place of a path of the dataset in the archive: below its root, with or without ``data/`` in front."""
        plain = path.removeprefix("./")
        given = self._root + plain
        return given if self._archive.contains(given) else self._root + plain.removeprefix("data/")

    def _pictures(self) -> Iterator[tuple[str, str, str]]:
        for subset, list_path in self._lists.items():
            member = self._member(list_path)
            for number, line in self._archive.lines(member):
                if line.strip():
                    plain = line.strip().removeprefix("./")
                    is_given = self._archive.contains(self._root + strip_extension(plain) + ".txt")
                    path = plain if is_given else plain.removeprefix("data/")
                    yield subset, self._root + path, f"{member}: line {number}"

    def _name(self, path: str) -> str:
        """Name of a picture: its path without the folder of the subset."""
        inner = path.removeprefix(self._root)
        return inner.partition("/")[2] or inner

    def _item(self, subset: str, path: str, text: str, where: str) -> ImportItem:
        item = ImportItem(name=self._name(path), subset=subset, has_extension=True, is_normalized=True, where=where)
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
        if len(fields) != 5:
            raise FormatError(f"expected 5 fields, found {len(fields)}", where)
        label = label_at(self._names, fields[0], where)
        cx, cy, width, height = numbers(fields[1:], where)
        return ImportShape(type=ShapeType.RECTANGLE, label=label, points=fractions_box(cx, cy, width, height), where=where)


def fractions_box(cx: float, cy: float, width: float, height: float) -> list[float]:
    """Corners of a box given by centre and size."""
    return [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2]


def label_at(names: list[str], index: str, where: str) -> str:
    """Label of a class number.

    Raises:
        FormatError: Not a number of the list.
    """
    if not (index.isascii() and index.isdecimal() and int(index) < len(names)):
        raise FormatError(f"there is no class '{index}'", where)
    return names[int(index)]


def numbers(fields: list[str], where: str) -> list[float]:
    """Read numbers.

    Raises:
        FormatError: A field is not a number.
    """
    try:
        return [float(field) for field in fields]
    except ValueError as error:
        raise FormatError(f"not a number: {error}", where) from error
