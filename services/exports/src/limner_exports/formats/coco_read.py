"""Reader of COCO 1.0, as bare JSON files or in an archive.

Source: FORMATS.md §6.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from limner_exports.formats.archive import SafeArchive
from limner_exports.formats.base import DEFAULT_SUBSET, REPORT_NAME, FormatError
from limner_exports.formats.generic import box_from_xywh, lift_special
from limner_exports.formats.geometry import points_of_coco_rle
from limner_exports.formats.items import AttributeInput, ImportItem, ImportMedia, ImportShape, ReadContext
from limner_exports.formats.json_stream import (
    as_attributes,
    as_dict,
    as_float,
    as_floats,
    as_int,
    as_list,
    as_str,
    iter_json,
)
from limner_model.annotations import ShapeType

_INSTANCES = re.compile(r"instances_(.+)\.json$", re.IGNORECASE)
_OTHER_KINDS = ("person_keypoints_", "captions_", "image_info_", "labels_", "panoptic_", "stuff_")
_ID = int | str


class COCOReader:
    """Reads each file in three passes (categories, images, annotations), because their order in a file is free.

    Memory is that of the categories and of the names of all images of one file.
    """

    def __init__(self, archive: SafeArchive, context: ReadContext) -> None:
        del context
        self._archive = archive
        self._files = _annotation_files(archive)

    def items(self) -> Iterator[ImportItem]:
        """Yield the annotations of each image; an image whose annotations are scattered comes in several items."""
        for subset, member in self._files:
            yield from _FileReader(self._archive, member, subset).items()

    def media(self) -> Iterator[ImportMedia]:
        """Yield the pictures of the listed images that are in the archive."""
        for subset, member in self._files:
            for value in iter_json(self._archive, member, "images.item"):
                name = as_str(as_dict(value, member).get("file_name"), f"{member}: file_name")
                for place in (f"images/{subset}/{name}", f"images/{name}", f"{subset}/{name}", name):
                    if self._archive.contains(place):
                        yield ImportMedia(subset, name, place)
                        break


class _FileReader:
    def __init__(self, archive: SafeArchive, member: str, subset: str) -> None:
        self._archive = archive
        self._member = member
        self._subset = subset
        self._categories: dict[_ID, str] = {}
        self._images: dict[_ID, str] = {}
        self._groups: dict[_ID, int] = {}

    def items(self) -> Iterator[ImportItem]:
        self._index()
        annotations = (
            as_dict(value, f"{self._member}: annotation {index}")
            for index, value in enumerate(iter_json(self._archive, self._member, "annotations.item"))
        )
        for image_id, found in groupby(annotations, key=lambda annotation: _id(annotation.get("image_id"))):
            yield self._item(image_id, found)

    def _index(self) -> None:
        for kind, name_key, target in (
            ("categories", "name", self._categories),
            ("images", "file_name", self._images),
        ):
            for index, value in enumerate(iter_json(self._archive, self._member, f"{kind}.item")):
                where = f"{self._member}: {kind} {index}"
                document = as_dict(value, where)
                target[_id(document.get("id"))] = as_str(document.get(name_key), where)
        if not self._images and not self._categories:
            raise FormatError("the file has neither categories nor images", self._member)

    def _item(self, image_id: _ID, annotations: Iterator[dict[str, object]]) -> ImportItem:
        name = self._images.get(image_id)
        item = ImportItem(
            name=name or "",
            subset=self._subset,
            has_extension=True,
            keeps_groups=True,
            where=f"{self._member}: image '{name if name is not None else image_id}'",
        )
        shapes: list[ImportShape] = []
        errors: list[FormatError] = []
        for annotation in annotations:
            where = f"{item.where} annotation {annotation.get('id')}"
            try:
                if name is None:
                    raise FormatError(f"there is no image with id {image_id}", where)
                shapes += self._shapes(image_id, annotation, where)
            except FormatError as error:
                errors.append(error)
        item.shapes, item.errors = shapes, errors
        return item

    def _shapes(self, image_id: _ID, annotation: dict[str, object], where: str) -> list[ImportShape]:
        category = annotation.get("category_id")
        label = self._categories.get(_id(category))
        if label is None:
            raise FormatError(f"there is no category with id {category}", where)
        attributes = as_attributes(annotation.get("attributes"))
        attributes["is_crowd"] = bool(annotation.get("iscrowd"))
        geometries = _geometries(annotation, where)
        group = 0
        if len(geometries) > 1:
            group = self._groups[image_id] = self._groups.get(image_id, 0) + 1
        score = _score(annotation, attributes, where)
        return [
            lift_special(
                ImportShape(
                    type=kind,
                    label=label,
                    points=points,
                    group=group,
                    score=score,
                    attributes=attributes,
                    where=where,
                )
            )
            for kind, points in geometries
        ]


def _score(annotation: dict[str, object], attributes: dict[str, AttributeInput], where: str) -> float:
    if annotation.get("score") is None:
        return 1.0
    score = as_float(annotation["score"], where)
    attributes["score"] = score
    return min(max(score, 0.0), 1.0)


def _geometries(annotation: dict[str, object], where: str) -> list[tuple[ShapeType, list[float]]]:
    """Polygons of a list, the mask of run lengths, or the box of an annotation without segmentation."""
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        points = points_of_coco_rle(segmentation.get("counts"), segmentation.get("size"), where)
        return [(ShapeType.MASK, points)] if points else []
    parts = [as_floats(part, where) for part in as_list(segmentation or [], where)]
    if parts:
        for part in parts:
            if len(part) < 6 or len(part) % 2:
                raise FormatError("a polygon needs three points or more", where)
        return [(ShapeType.POLYGON, part) for part in parts]
    x, y, width, height = as_floats(annotation.get("bbox"), where, 4)
    return [(ShapeType.RECTANGLE, box_from_xywh(x, y, width, height))]


def _id(value: object) -> _ID:
    return value if isinstance(value, str) else as_int(value, "id")


def _annotation_files(archive: SafeArchive) -> list[tuple[str, str]]:
    names = [name for name in archive.names() if name.lower().endswith(".json") and name != REPORT_NAME]
    found = [(match[1], name) for name in names if (match := _INSTANCES.match(name.rpartition("/")[2]))]
    if not found:
        others = [name for name in names if not name.rpartition("/")[2].startswith(_OTHER_KINDS)]
        found = [(DEFAULT_SUBSET if len(others) == 1 else _stem(name), name) for name in others]
    if not found:
        raise FormatError("the archive has no file of instances ('annotations/instances_<subset>.json')")
    return sorted(found)


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]
