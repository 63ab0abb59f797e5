"""Reader of Datumaro 1.0, all dialects seen: without version key, with one, and with the newer annotation types.

Source: FORMATS.md §5.
"""

from collections.abc import Callable, Iterator

from limner_exports.formats.archive import SafeArchive
from limner_exports.formats.base import DEFAULT_SUBSET, REPORT_NAME, FormatError
from limner_exports.formats.generic import box_from_xywh, lift_special
from limner_exports.formats.geometry import points_of_coco_rle
from limner_exports.formats.items import ImportItem, ImportMedia, ImportShape, ImportTag, ReadContext
from limner_exports.formats.json_stream import (
    as_attributes,
    as_dict,
    as_floats,
    as_int,
    as_list,
    as_str,
    iter_json,
)
from limner_model.annotations import ShapeType

_Document = dict[str, object]
_IGNORED = frozenset({"caption", "cuboid_3d"})


class DatumaroReader:
    """Reads one item at a time; the categories of a file are read first, because the order of keys is free."""

    def __init__(self, archive: SafeArchive, context: ReadContext) -> None:
        del context
        self._archive = archive
        names = [name for name in archive.names() if name.lower().endswith(".json") and name != REPORT_NAME]
        inside = [name for name in names if name.startswith("annotations/") or "/annotations/" in name]
        self._files = inside or names
        if not self._files:
            raise FormatError("the archive has no JSON file in 'annotations'")

    def items(self) -> Iterator[ImportItem]:
        """Yield every item that has annotations, and those without."""
        for member in self._files:
            subset = self._subset(member)
            labels = _Labels(self._archive, member)
            for index, value in enumerate(iter_json(self._archive, member, "items.item")):
                yield _item(as_dict(value, f"{member}: item {index}"), labels, member, subset)

    def media(self) -> Iterator[ImportMedia]:
        """Yield the pictures of the items that are in the archive."""
        for member in self._files:
            subset = self._subset(member)
            for index, value in enumerate(iter_json(self._archive, member, "items.item")):
                item = as_dict(value, f"{member}: item {index}")
                image = item.get("image")
                path = image.get("path") if isinstance(image, dict) else None
                name = path if isinstance(path, str) and path else f"{item.get('id')}.jpg"
                places = (f"images/{subset}/{name}", f"images/{subset}/{name.replace('/', '_')}", f"images/{name}")
                found = next((place for place in places if self._archive.contains(place)), None)
                if found is not None:
                    yield ImportMedia(subset, name, found)

    def _subset(self, member: str) -> str:
        return DEFAULT_SUBSET if self._archive.bare_name else member.rpartition("/")[2].rpartition(".")[0]


class _Labels:
    """Names of the labels of a file by number, and the points of its skeletons."""

    def __init__(self, archive: SafeArchive, member: str) -> None:
        self.names: list[str] = []
        self.points: dict[int, list[str]] = {}
        for value in iter_json(archive, member, "categories"):
            where = f"{member}: categories"
            categories = as_dict(value, where)
            label = as_dict(categories.get("label") or {}, where)
            for entry in as_list(label.get("labels") or [], where):
                self.names.append(as_str(as_dict(entry, where).get("name"), where))
            points = as_dict(categories.get("points") or {}, where)
            for entry in as_list(points.get("items") or [], where):
                item = as_dict(entry, where)
                names = [as_str(name, where) for name in as_list(item.get("labels") or [], where)]
                self.points[as_int(item.get("label_id"), where)] = names

    def name(self, value: object, where: str) -> tuple[int, str]:
        """Number and name of an annotation's label.

        Raises:
            FormatError: The file has no such label.
        """
        if value is None:
            raise FormatError("the annotation has no label", where)
        index = as_int(value, where)
        if not 0 <= index < len(self.names):
            raise FormatError(f"there is no label with number {index}", where)
        return index, self.names[index]


def _item(document: _Document, labels: _Labels, member: str, subset: str) -> ImportItem:
    name = str(document.get("id", ""))
    where = f"{member}: item '{name}'"
    attr = document.get("attr")
    frame = attr.get("frame") if isinstance(attr, dict) else None
    item = ImportItem(
        name=name, subset=subset, frame=frame if type(frame) is int and abs(frame) < 1 << 31 else None, where=where
    )
    tags: list[ImportTag] = []
    shapes: list[ImportShape] = []
    errors: list[FormatError] = []
    for index, value in enumerate(as_list(document.get("annotations") or [], where)):
        place = f"{where} annotation {index}"
        try:
            found = _annotation(as_dict(value, place), labels, place)
        except FormatError as error:
            errors.append(error)
            continue
        if isinstance(found, ImportTag):
            tags.append(found)
        elif found is not None:
            shapes.append(found)
    item.tags, item.shapes, item.errors = tags, shapes, errors
    return item


def _annotation(document: _Document, labels: _Labels, where: str) -> ImportTag | ImportShape | None:
    kind = document.get("type")
    if kind in _IGNORED:
        return None
    index, label = labels.name(document.get("label_id"), where)
    group = as_int(document.get("group") or 0, where)
    attributes = as_attributes(document.get("attributes"))
    if kind == "label":
        return ImportTag(label=label, group=group, attributes=attributes, where=where)
    shape = ImportShape(type=ShapeType.POINTS, label=label, group=group, attributes=attributes, where=where)
    shape.z_order = as_int(document.get("z_order") or 0, where)
    if kind == "skeleton":
        shape.type = ShapeType.SKELETON
        shape.elements = _elements(document, labels.points.get(index, []), where)
    else:
        read = _GEOMETRIES.get(str(kind))
        if read is None:
            raise FormatError(f"annotations of type '{kind}' are not known", where)
        shape.type, shape.points = read(document, where)
        if not shape.points:
            return None
    return lift_special(shape)


def _elements(document: _Document, names: list[str], where: str) -> list[ImportShape]:
    points = as_floats(document.get("points"), where)
    if len(points) != 3 * len(names):
        raise FormatError(f"the skeleton should have {len(names)} points", where)
    attributes = as_list(document.get("points_attributes") or [], where)
    elements = []
    for index, name in enumerate(names):
        x, y, visibility = points[3 * index : 3 * index + 3]
        elements.append(
            ImportShape(
                type=ShapeType.POINTS,
                label=name,
                points=[x, y],
                outside=visibility == 0,
                occluded=visibility == 1,
                attributes=as_attributes(attributes[index]) if index < len(attributes) else {},
                where=where,
            )
        )
    return elements


def _bbox(document: _Document, where: str) -> tuple[ShapeType, list[float]]:
    x, y, width, height = as_floats(document.get("bbox"), where, 4)
    return ShapeType.RECTANGLE, box_from_xywh(x, y, width, height)


def _pairs(kind: ShapeType) -> "Callable[[_Document, str], tuple[ShapeType, list[float]]]":
    def read(document: _Document, where: str) -> tuple[ShapeType, list[float]]:
        return kind, as_floats(document.get("points"), where)

    return read


def _mask(document: _Document, where: str) -> tuple[ShapeType, list[float]]:
    rle = as_dict(document.get("rle"), where)
    return ShapeType.MASK, points_of_coco_rle(rle.get("counts"), rle.get("size"), where)


def _ellipse(document: _Document, where: str) -> tuple[ShapeType, list[float]]:
    """The newer dialect holds the corners of the box around the ellipse."""
    x0, y0, x1, y1 = as_floats(document.get("points"), where, 4)
    return ShapeType.ELLIPSE, [(x0 + x1) / 2, (y0 + y1) / 2, x1, y0]


def _cuboid_2d(document: _Document, where: str) -> tuple[ShapeType, list[float]]:
    vertices = as_list(document.get("vertices") or document.get("points"), where)
    flat = [number for vertex in vertices for number in as_floats(vertex, where, 2)]
    return ShapeType.CUBOID, flat


_GEOMETRIES: "dict[str, Callable[[_Document, str], tuple[ShapeType, list[float]]]]" = {
    "bbox": _bbox,
    "polygon": _pairs(ShapeType.POLYGON),
    "polyline": _pairs(ShapeType.POLYLINE),
    "points": _pairs(ShapeType.POINTS),
    "mask": _mask,
    "ellipse": _ellipse,
    "cuboid_2d": _cuboid_2d,
}
