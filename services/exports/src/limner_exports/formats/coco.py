"""Writer of COCO 1.0: instances with boxes, polygons and run-length masks, one JSON per subset.

Source: FORMATS.md §6.
"""

from dataclasses import dataclass

import orjson

from limner_exports.formats.base import ExportContext, ExportFrame, Report
from limner_exports.formats.coco_instances import Instance, Part, part_of, segment
from limner_exports.formats.generic import TrackNumbers, object_attributes
from limner_exports.formats.label_table import LabelTable
from limner_exports.formats.naming import frame_extension, free_stem
from limner_exports.formats.pictures import copy_picture
from limner_exports.formats.scope import context_subsets
from limner_exports.formats.sink import Spool, ZipSink
from limner_model.annotations import ShapeType
from limner_model.frames import FrameShape

_KINDS = frozenset({ShapeType.RECTANGLE, ShapeType.POLYGON, ShapeType.MASK, ShapeType.ELLIPSE})
_LICENSES = [{"name": "", "id": 0, "url": ""}]
_INFO = {"contributor": "", "date_created": "", "description": "", "url": "", "version": "", "year": ""}


@dataclass(slots=True)
class _SubsetFile:
    """The lists of one subset; ``annotations`` is the number written so far."""

    image_list: Spool
    annotation_list: Spool
    images: int = 0
    annotations: int = 0


class COCOWriter:
    """Writes COCO 1.0: each group of shapes is one instance.

    Tags, points, polylines, cuboids and skeletons have no place.
    """

    def begin(self, context: ExportContext, sink: ZipSink, report: Report) -> None:
        """Open the lists of each subset."""
        self._sink = sink
        self._report = report
        self._labels = LabelTable(context.labels)
        self._tracks = TrackNumbers()
        self._files = {subset: self._open(subset) for subset in context_subsets(context)}
        self._image_id = 0
        # One folder holds the pictures of all subsets, so names must be told apart over all of them.
        self._names: set[str] | None = set() if len(self._files) > 1 else None

    def frame(self, frame: ExportFrame) -> None:
        """Write the image and its instances."""
        self._image_id += 1
        file_name = self._file_name(frame)
        file = self._files.get(frame.subset) or self._files.setdefault(frame.subset, self._open(frame.subset))
        comma = b",\n" if file.images else b"\n"
        file.image_list.write(comma + orjson.dumps(_image(self._image_id, frame, file_name)))
        file.images += 1
        self._write_instances(file, frame)
        copy_picture(frame, f"images/{file_name}", self._sink, self._report)

    def end(self) -> None:
        """Put the JSON files together."""
        for subset, file in sorted(self._files.items()):
            file.annotation_list.write(b"\n]}\n")
            path = f"annotations/instances_{subset}.json"
            self._sink.add_spools(file.image_list, file.annotation_list, path=path)

    def _open(self, subset: str) -> _SubsetFile:
        path = f"annotations/instances_{subset}.json"
        file = _SubsetFile(self._sink.spool(path), self._sink.spool(path))
        categories = [{"id": info.index + 1, "name": info.name, "supercategory": info.parent} for info in self._labels.all]
        head = orjson.dumps({"licenses": _LICENSES, "info": _INFO, "categories": categories})
        file.image_list.write(head[:-1] + b',"images":[')
        file.annotation_list.write(b'\n],"annotations":[')
        return file

    def _file_name(self, frame: ExportFrame) -> str:
        if self._names is None:
            return frame.name
        name = free_stem(frame, self._names.__contains__) + frame_extension(frame)
        self._names.add(name.removesuffix(frame_extension(frame)))
        return name

    def _write_instances(self, file: _SubsetFile, frame: ExportFrame) -> None:
        for tag in frame.annotations.tags:
            self._report.drop("the format has no tags", "tag", f"{frame.name} tag {tag.id}")
        texts = []
        for group in self._groups(frame):
            instance = segment(group, width=frame.width, height=frame.height)
            file.annotations += 1
            texts.append(orjson.dumps(self._annotation(file.annotations, instance, frame)))
        if texts:
            comma = b",\n" if file.annotations > len(texts) else b"\n"
            file.annotation_list.write(comma + b",\n".join(texts))

    def _groups(self, frame: ExportFrame) -> list[list[Part]]:
        groups: list[list[Part]] = []
        by_group: dict[int, list[Part]] = {}
        for shape in frame.annotations.shapes:
            part = self._part(shape, frame)
            if part is None:
                continue
            self._report.objects += 1
            if shape.group in by_group:
                by_group[shape.group].append(part)
                continue
            groups.append([part])
            if shape.group:
                by_group[shape.group] = groups[-1]
        return groups

    def _part(self, shape: FrameShape, frame: ExportFrame) -> Part | None:
        problem = None if shape.type in _KINDS else f"the format has no shapes of type {shape.type.value}"
        part = None
        if problem is None:
            attributes = object_attributes(shape, self._labels, self._tracks, frame.task_id)
            part = part_of(shape, attributes, width=frame.width, height=frame.height)
        if part is None:
            problem = problem or "no pixel of the shape is inside the image"
            self._report.drop(problem, shape.type.value, f"{frame.name} shape {shape.id}")
        return part

    def _annotation(self, number: int, instance: Instance, frame: ExportFrame) -> dict[str, object]:
        attributes = dict(instance.leader.attributes)
        attributes.pop("is_crowd", None)
        score = attributes.pop("score", None)
        document: dict[str, object] = {
            "id": number,
            "image_id": self._image_id,
            "category_id": self._labels.by_id[instance.leader.label_id].index + 1,
            "segmentation": instance.segmentation,
            "area": instance.area,
            "bbox": instance.box_xywh,
            "iscrowd": int(instance.is_crowd),
        }
        if score is not None:
            document["score"] = score
        document["attributes"] = attributes
        return document


def _image(number: int, frame: ExportFrame, file_name: str) -> dict[str, object]:
    return {
        "id": number,
        "width": frame.width,
        "height": frame.height,
        "file_name": file_name,
        "license": 0,
        "flickr_url": "",
        "coco_url": "",
        "date_captured": 0,
    }
