"""Reader of CVAT XML 1.1, for images and for video, as a bare file or in an archive.

Source: FORMATS.md §4.4.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from limner_exports.formats.archive import SafeArchive
from limner_exports.formats.base import DEFAULT_SUBSET, FormatError
from limner_exports.formats.cvat_elements import CUBOID_CORNERS, ELEMENT_NAMES
from limner_exports.formats.items import ImportItem, ImportMedia, ImportShape, ImportTag, ImportTrack, ReadContext
from limner_exports.formats.xml_stream import iter_elements
from limner_model.annotations import ShapeType

if TYPE_CHECKING:
    from lxml import etree

_SOURCE = "file"
_TYPES = {name: kind for kind, name in ELEMENT_NAMES.items()}


class CVATReader:
    """Reads every ``*.xml`` of an archive. The source of all objects becomes ``file``."""

    def __init__(self, archive: SafeArchive, context: ReadContext) -> None:
        del context
        self._archive = archive
        self._members = [name for name in archive.names() if name.lower().endswith(".xml")]
        if not self._members:
            raise FormatError("the archive has no XML file")

    def items(self) -> Iterator[ImportItem | ImportTrack]:
        """Yield an item per ``<image>`` and a track per ``<track>``."""
        for member in self._members:
            for element in iter_elements(self._archive, member, ("image", "track", "meta")):
                if element.tag == "image":
                    yield _image(element, member)
                elif element.tag == "track":
                    yield _track_or_error(element, member)

    def media(self) -> Iterator[ImportMedia]:
        """Yield the pictures of the listed images; for videos, all pictures below ``images/``."""
        used: set[str] = set()
        subsets: set[str] = set()
        for member in self._members:
            for element in iter_elements(self._archive, member, ("image", "track", "meta")):
                subset = element.get("subset") or DEFAULT_SUBSET
                if element.tag == "image":
                    found = self._picture(subset, element.get("name", ""))
                    if found is not None:
                        used.add(found)
                        yield ImportMedia(subset, element.get("name", ""), found)
                elif element.tag == "track":
                    subsets.add(subset)
        if subsets:
            yield from self._video_pictures(subsets, used)

    def _picture(self, subset: str, name: str) -> str | None:
        places = (f"images/{subset}/{name}", f"images/{name}", f"{subset}/{name}", name)
        return next((place for place in places if self._archive.contains(place)), None)

    def _video_pictures(self, subsets: set[str], used: set[str]) -> Iterator[ImportMedia]:
        for name in self._archive.names():
            if not name.startswith("images/") or name in used:
                continue
            inner = name.removeprefix("images/")
            first, _, rest = inner.partition("/")
            is_in_subset = bool(rest) and first in subsets
            yield ImportMedia(first if is_in_subset else DEFAULT_SUBSET, rest if is_in_subset else inner, name)


def _image(element: "etree._Element", member: str) -> ImportItem:
    name = element.get("name", "")
    where = f"{member}: image '{name or element.get('id')}'"
    number = element.get("id", "")
    item = ImportItem(
        name=name,
        subset=element.get("subset") or DEFAULT_SUBSET,
        has_extension=True,
        frame=int(number) if number.isdecimal() else None,
        keeps_groups=True,
        where=where,
    )
    tags: list[ImportTag] = []
    shapes: list[ImportShape] = []
    errors: list[FormatError] = []
    for index, child in enumerate(element):
        place = f"{where} object {index + 1}"
        try:
            if child.tag == "tag":
                tags.append(_tag(child, place))
            elif child.tag in _TYPES:
                shapes.append(_shape(child, place))
        except FormatError as error:
            errors.append(error)
    item.tags, item.shapes, item.errors = tags, shapes, errors
    return item


def _track_or_error(element: "etree._Element", member: str) -> ImportItem | ImportTrack:
    try:
        return _track(element, member)
    except FormatError as error:
        return ImportItem(name="", errors=[error])


def _track(element: "etree._Element", member: str) -> ImportTrack:
    where = f"{member}: track '{element.get('id')}'"
    shapes: list[ImportShape] = []
    parts: dict[str, ImportTrack] = {}
    for child in element:
        if child.tag not in _TYPES:
            continue
        place = f"{where} frame {child.get('frame')}"
        frame = _integer(child, "frame", place)
        shape = _shape(child, place)
        shape.frame = frame
        for part, part_element in zip(shape.elements, child.iterchildren(*_TYPES), strict=True):
            part.frame = frame
            if part_element.get("keyframe") != "0":
                label = part.label
                parts.setdefault(label, ImportTrack(label=label, where=where)).shapes.append(part)
        if shape.elements:
            shape.outside = all(part.outside for part in shape.elements)
            shape.elements = []
        if child.get("keyframe") != "0":
            shapes.append(shape)
    return ImportTrack(
        label=element.get("label", ""),
        subset=element.get("subset") or DEFAULT_SUBSET,
        group=_integer(element, "group_id", where, default=0),
        source=_SOURCE,
        shapes=shapes,
        elements=list(parts.values()),
        where=where,
    )


def _tag(element: "etree._Element", where: str) -> ImportTag:
    return ImportTag(
        label=element.get("label", ""),
        group=_integer(element, "group_id", where, default=0),
        source=_SOURCE,
        attributes=_attributes(element),
        where=where,
    )


def _shape(element: "etree._Element", where: str) -> ImportShape:
    kind = _TYPES[str(element.tag)]
    elements = []
    if kind is ShapeType.SKELETON:
        elements = [_shape(child, where) for child in element.iterchildren(*_TYPES)]
    return ImportShape(
        type=kind,
        label=element.get("label", ""),
        points=_points(kind, element, where),
        occluded=element.get("occluded") == "1",
        outside=element.get("outside") == "1",
        z_order=_integer(element, "z_order", where, default=0),
        rotation=_number(element, "rotation", where) if element.get("rotation") else 0.0,
        group=_integer(element, "group_id", where, default=0),
        source=_SOURCE,
        attributes=_attributes(element),
        elements=elements,
        where=where,
    )


def _attributes(element: "etree._Element") -> dict[str, str | bool | int | float]:
    return {child.get("name", ""): child.text or "" for child in element.iterchildren("attribute")}


def _points(kind: ShapeType, element: "etree._Element", where: str) -> list[float]:
    match kind:
        case ShapeType.RECTANGLE:
            return [_number(element, name, where) for name in ("xtl", "ytl", "xbr", "ybr")]
        case ShapeType.ELLIPSE:
            cx, cy, rx, ry = (_number(element, name, where) for name in ("cx", "cy", "rx", "ry"))
            return [cx, cy, round(cx + rx, 2), round(cy - ry, 2)]
        case ShapeType.CUBOID:
            return [_number(element, axis + corner, where) for corner in CUBOID_CORNERS for axis in "xy"]
        case ShapeType.MASK:
            return _mask(element, where)
        case ShapeType.SKELETON:
            return []
        case _:
            return _pairs(element, where)


def _pairs(element: "etree._Element", where: str) -> list[float]:
    text = element.get("points", "")
    try:
        points = [float(value) for pair in text.split(";") for value in pair.split(",")]
    except ValueError as error:
        raise FormatError(f"the points are not 'x,y;x,y;…' ({error})", where) from error
    return points


def _mask(element: "etree._Element", where: str) -> list[float]:
    left, top, width, height = (_integer(element, name, where) for name in ("left", "top", "width", "height"))
    try:
        runs = [float(run) for run in element.get("rle", "").split(",")]
    except ValueError as error:
        raise FormatError(f"the run lengths are not numbers ({error})", where) from error
    return [*runs, float(left), float(top), float(left + width - 1), float(top + height - 1)]


def _number(element: "etree._Element", name: str, where: str) -> float:
    text = element.get(name)
    if text is None:
        raise FormatError(f"'{name}' is missing", where)
    try:
        return float(text)
    except ValueError as error:
        raise FormatError(f"'{name}' is not a number: '{text}'", where) from error


def _integer(element: "etree._Element", name: str, where: str, default: int | None = None) -> int:
    if default is not None and element.get(name) is None:
        return default
    number = _number(element, name, where)
    if not number.is_integer():
        raise FormatError(f"'{name}' is not a whole number", where)
    return int(number)
