"""Reader of PASCAL VOC 1.1: boxes of XML files, tags of class lists, and colour maps of instances.

Source: FORMATS.md §7.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from limner_exports.formats.archive import SafeArchive
from limner_exports.formats.base import FormatError
from limner_exports.formats.generic import lift_special
from limner_exports.formats.items import AttributeInput, ImportItem, ImportMedia, ImportShape, ImportTag, ReadContext
from limner_exports.formats.matching import strip_extension
from limner_exports.formats.voc import BACKGROUND, LABEL_MAP_NAME
from limner_exports.formats.voc_maps import instance_masks
from limner_exports.formats.xml_stream import iter_elements
from limner_model.annotations import ShapeType
from limner_model.colors import voc_color

if TYPE_CHECKING:
    from lxml import etree

_FLAGS = ("truncated", "difficult")
_PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".JPG", ".JPEG", ".PNG")


class VOCReader:
    """Reads the ids of ``ImageSets``, or all XML files of a flat archive (subset ``train``).

    Memory is that of the ids of a subset and of one picture of masks.
    """

    def __init__(self, archive: SafeArchive, context: ReadContext) -> None:
        self._archive = archive
        self._root = _root(archive)
        self._colors, self._labels = self._label_map(context)

    def items(self) -> Iterator[ImportItem]:
        """Yield one item per id."""
        for subset, stems, tags in self._subsets():
            for stem in stems:
                yield self._item(subset, stem, tags.get(stem, []))

    def media(self) -> Iterator[ImportMedia]:
        """Yield the pictures in ``JPEGImages``."""
        for subset, stems, _ in self._subsets():
            for stem in stems:
                places = [f"{self._root}JPEGImages/{stem}{extension}" for extension in _PICTURES]
                found = next((place for place in places if self._archive.contains(place)), None)
                if found is not None:
                    yield ImportMedia(subset, found.removeprefix(f"{self._root}JPEGImages/"), found)

    def _subsets(self) -> Iterator[tuple[str, list[str], dict[str, list[str]]]]:
        lists = self._lists("Main")
        segmented = self._lists("Segmentation")
        if not lists and not segmented:
            yield "train", self._all_stems(), {}
            return
        class_lists = self._class_lists(lists)
        plain = set(lists) - {name for names in class_lists.values() for name, _ in names}
        for subset in sorted(plain | set(segmented)):
            stems = dict.fromkeys(self._ids(lists[subset]) if subset in lists else [])
            stems.update(dict.fromkeys(self._ids(segmented[subset]) if subset in segmented else []))
            tags: dict[str, list[str]] = {}
            for name, label in class_lists.get(subset, []):
                for stem in self._present(lists[name]):
                    tags.setdefault(stem, []).append(label)
            yield subset, list(stems), tags

    def _lists(self, kind: str) -> dict[str, str]:
        folder = f"{self._root}ImageSets/{kind}/"
        names = [name for name in self._archive.names() if name.startswith(folder) and name.endswith(".txt")]
        return {name.removeprefix(folder).removesuffix(".txt"): name for name in names}

    def _class_lists(self, lists: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
        """Lists ``<label>_<subset>`` by subset, with the label; a list counts as one when its subset has a list itself."""
        found: dict[str, list[tuple[str, str]]] = {}
        for label in self._labels:
            prefix = label.replace("/", "_") + "_"
            for name in lists:
                subset = name.removeprefix(prefix)
                if subset != name and subset in lists:
                    found.setdefault(subset, []).append((name, label))
        return found

    def _ids(self, member: str) -> Iterator[str]:
        for _, line in self._archive.lines(member):
            text = line.strip().strip('"')
            if text:
                # An id may end in " 1" itself.
                is_id = self._document_of(text) is not None
                yield text if is_id else _without_presence(line)[0]

    def _present(self, member: str) -> Iterator[str]:
        for _, line in self._archive.lines(member):
            stem, presence = _without_presence(line)
            if stem and presence == "1":
                yield stem

    def _all_stems(self) -> list[str]:
        names = [name for name in self._archive.names() if name.endswith(".xml")]
        folder = self._root + "Annotations/"
        if not names:
            raise FormatError("the archive has neither 'ImageSets' nor XML files")
        return [name.removesuffix(".xml").removeprefix(folder) for name in names]

    def _item(self, subset: str, stem: str, labels: list[str]) -> ImportItem:
        item = ImportItem(name=stem, subset=subset, where=f"item '{stem}'", keeps_groups=True)
        item.tags = [ImportTag(label=label, where=f"item '{stem}'") for label in labels]
        shapes: list[ImportShape] = []
        errors: list[FormatError] = []
        member = self._document_of(stem)
        if member is not None:
            item.where = member
            for index, element in enumerate(iter_elements(self._archive, member, ("object", "filename"))):
                if element.tag == "filename":
                    self._take_filename(item, element)
                    continue
                try:
                    shapes.append(_object(element, f"{member}: object {index}"))
                except FormatError as error:
                    errors.append(error)
        try:
            shapes += instance_masks(self._archive, self._root, stem, self._colors)
        except FormatError as error:
            errors.append(error)
        item.shapes, item.errors = shapes, errors
        return item

    def _take_filename(self, item: ImportItem, element: "etree._Element") -> None:
        """Use the file's name where it only adds folders or an extension to the id."""
        name = (element.text or "").strip()
        if name and (name == item.name or strip_extension(name) == item.name):
            item.name, item.has_extension = name, name != item.name

    def _document_of(self, stem: str) -> str | None:
        places = (f"{self._root}Annotations/{stem}.xml", f"{stem}.xml")
        return next((place for place in places if self._archive.contains(place)), None)

    def _label_map(self, context: ReadContext) -> tuple[dict[int, str], list[str]]:
        """Labels by colour (``r << 16 | g << 8 | b``, black left out) and all label names."""
        member = self._root + LABEL_MAP_NAME
        if not self._archive.contains(member):
            names = [label.name for label in context.labels.labels]
            return {_packed(voc_color(index)): name for index, name in enumerate(names, 1)}, [BACKGROUND, *names]
        colors: dict[int, str] = {}
        labels: list[str] = []
        for number, line in self._archive.lines(member):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            fields = line.rsplit(":", 3)
            if len(fields) != 4:
                raise FormatError("expected 'label:r,g,b:parts:actions'", f"{member}: line {number}")
            name = fields[0].strip()
            color = _color(fields[1], len(labels), f"{member}: line {number}")
            labels.append(name)
            if _packed(color):
                colors[_packed(color)] = name
        return colors, labels


def _object(element: "etree._Element", where: str) -> ImportShape:
    box = element.find("bndbox")
    if box is None:
        raise FormatError("the object has no 'bndbox'", where)
    attributes: dict[str, AttributeInput] = {}
    for flag in _FLAGS:
        text = element.findtext(flag)
        if text is not None:
            attributes[flag] = text.strip() == "1"
    if element.findtext("pose") is not None:
        attributes["pose"] = element.findtext("pose") or ""
    for attribute in element.iterfind("attributes/attribute"):
        attributes[attribute.findtext("name") or ""] = attribute.findtext("value") or ""
    attributes["occluded"] = (element.findtext("occluded") or "0").strip() == "1"
    return lift_special(
        ImportShape(
            type=ShapeType.RECTANGLE,
            label=(element.findtext("name") or "").strip(),
            points=[_coordinate(box, name, where) for name in ("xmin", "ymin", "xmax", "ymax")],
            attributes=attributes,
            where=where,
        )
    )


def _coordinate(box: "etree._Element", name: str, where: str) -> float:
    text = box.findtext(name)
    try:
        return float(text or "")
    except ValueError as error:
        raise FormatError(f"'{name}' is not a number: '{text}'", where) from error


def _without_presence(line: str) -> tuple[str, str]:
    """Split a line into id and presence; ids may hold spaces, and be in double quotes."""
    text = line.strip()
    head, _, last = text.rpartition(" ")
    is_presence = bool(head) and last in ("1", "-1", "0")
    stem, presence = (head.rstrip(), last) if is_presence else (text, "")
    return stem.strip('"'), presence


def _color(text: str, index: int, where: str) -> tuple[int, int, int]:
    if not text.strip():
        return voc_color(index)
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and int(part) < 256 for part in parts):
        raise FormatError(f"'{text}' is no colour", where)
    return int(parts[0]), int(parts[1]), int(parts[2])


def _packed(color: tuple[int, int, int]) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]


def _root(archive: SafeArchive) -> str:
    """Folder that holds ``Annotations``, ``ImageSets`` or the label map, with a slash at the end, or an empty string."""
    for name in archive.names():
        for mark in ("ImageSets/", "Annotations/", LABEL_MAP_NAME):
            head, found, _ = f"/{name}".partition(f"/{mark}")
            if found:
                return head.removeprefix("/") + "/" if head else ""
    return ""
