"""Writer of Datumaro 1.0: one JSON of items per subset, nearly everything kept.

Source: FORMATS.md §5 (the dialect without version key).
"""

import re

import orjson

from limner_exports.formats.base import ExportContext, ExportFrame, Report
from limner_exports.formats.generic import TrackNumbers, object_attributes, round_points
from limner_exports.formats.geometry import frame_mask
from limner_exports.formats.label_table import LabelInfo, LabelTable
from limner_exports.formats.matching import strip_extension
from limner_exports.formats.naming import frame_extension
from limner_exports.formats.pictures import copy_picture
from limner_exports.formats.scope import context_subsets
from limner_exports.formats.sink import Spool, ZipSink
from limner_model.annotations import ShapeType, Tag
from limner_model.frames import FrameShape
from limner_model.labels import LabelSpec
from limner_model.rle import coco_rle_from_mask

_EDGE = re.compile(r"<line\b[^>]*>")
_NODE = re.compile(r"<circle\b[^>]*>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_Document = dict[str, object]


class DatumaroWriter:
    """Writes Datumaro 1.0. Ellipses become masks; 2D cuboids have no place."""

    def begin(self, context: ExportContext, sink: ZipSink, report: Report) -> None:
        """Open the file of each subset and write the categories."""
        self._sink = sink
        self._report = report
        self._labels = LabelTable(context.labels)
        self._tracks = TrackNumbers()
        self._counts = dict.fromkeys(context_subsets(context), 0)
        self._spools = {subset: self._open(subset) for subset in self._counts}

    def frame(self, frame: ExportFrame) -> None:
        """Write one item: tags, then shapes in the order of the frame."""
        annotations = [self._tag(tag) for tag in frame.annotations.tags]
        for shape in frame.annotations.shapes:
            document = self._shape(shape, frame)
            if document is None:
                is_cuboid = shape.type is ShapeType.CUBOID
                problem = "the format has no 2D cuboids" if is_cuboid else "no pixel of the shape is inside the image"
                self._report.drop(problem, shape.type.value, f"{frame.name} shape {shape.id}")
            else:
                annotations.append(document)
        self._report.objects += len(annotations)
        stem = strip_extension(frame.name)
        path = stem + frame_extension(frame)
        item = {
            "id": stem,
            "annotations": annotations,
            "attr": {"frame": frame.number},
            "image": {"path": path, "size": [frame.height, frame.width]},
        }
        comma = b",\n" if self._counts[frame.subset] else b"\n"
        self._counts[frame.subset] += 1
        self._spools[frame.subset].write(comma + orjson.dumps(item))
        copy_picture(frame, f"images/{frame.subset}/{path}", self._sink, self._report)

    def end(self) -> None:
        """Finish the JSON files."""
        for _, spool in sorted(self._spools.items()):
            spool.write(b"\n]}\n")
            self._sink.add_spool(spool)

    def _open(self, subset: str) -> Spool:
        spool = self._sink.spool(f"annotations/{subset}.json")
        head = orjson.dumps({"info": {}, "categories": _categories(self._labels)})
        spool.write(head[:-1] + b',"items":[')
        return spool

    def _tag(self, tag: Tag) -> _Document:
        info = self._labels.by_id[tag.label_id]
        return {
            "id": 0,
            "type": "label",
            "attributes": self._labels.values(info, tag.attributes),
            "group": tag.group or 0,
            "label_id": info.index,
        }

    def _shape(self, shape: FrameShape, frame: ExportFrame) -> _Document | None:
        geometry = self._geometry(shape, frame)
        if geometry is None:
            return None
        attributes = object_attributes(shape, self._labels, self._tracks, frame.task_id)
        if shape.type is ShapeType.SKELETON:
            # A skeleton is a keyframe when any of its points is one.
            attributes["keyframe"] = any(element.keyframe for element in shape.elements)
        kind, fields = geometry
        document: _Document = {
            "id": 0,
            "type": kind,
            "attributes": attributes,
            "group": shape.group,
            "label_id": self._labels.by_id[shape.label_id].index,
            "z_order": shape.z_order,
        }
        return document | fields

    def _geometry(self, shape: FrameShape, frame: ExportFrame) -> tuple[str, _Document] | None:
        match shape.type:
            case ShapeType.RECTANGLE:
                x0, y0, x1, y1 = round_points(shape.points)
                return "bbox", {"bbox": [x0, y0, round(x1 - x0, 2), round(y1 - y0, 2)]}
            case ShapeType.POLYGON | ShapeType.POLYLINE:
                return shape.type.value, {"points": round_points(shape.points)}
            case ShapeType.POINTS:
                return "points", {"points": round_points(shape.points), "visibility": [2] * (len(shape.points) // 2)}
            case ShapeType.MASK | ShapeType.ELLIPSE:
                mask = frame_mask(shape, width=frame.width, height=frame.height)
                if mask is None:
                    return None
                return "mask", {"rle": coco_rle_from_mask(mask, width=frame.width, height=frame.height)}
            case ShapeType.SKELETON:
                return "skeleton", self._skeleton(shape)
            case _:
                return None

    def _skeleton(self, shape: FrameShape) -> _Document:
        by_label = {element.label_id: element for element in shape.elements}
        points: list[float] = []
        attributes: list[dict[str, object]] = []
        for sub in self._labels.by_id[shape.label_id].spec.sublabels:
            element = by_label.get(sub.id)
            if element is None or element.outside or len(element.points) != 2:
                points += [0.0, 0.0, 0]
            else:
                points += [*round_points(element.points), 1 if element.occluded else 2]
            values = self._labels.values(self._labels.by_id[sub.id], element.attributes if element else [])
            attributes.append(dict(values))
        return {"points": points, "points_attributes": attributes}


def _categories(labels: LabelTable) -> _Document:
    names = {spec.name for info in labels.all for spec in info.attributes} | {"occluded"}
    return {
        "label": {
            "labels": [{"name": info.name, "parent": info.parent, "attributes": []} for info in labels.all],
            "attributes": sorted(names),
        },
        "points": {"items": [_skeleton_category(info) for info in labels.top if info.spec.sublabels]},
    }


def _skeleton_category(info: LabelInfo) -> _Document:
    return {
        "label_id": info.index,
        "labels": [sub.name for sub in info.spec.sublabels],
        "joints": skeleton_joints(info.spec),
    }


def skeleton_joints(label: LabelSpec) -> list[list[int]]:
    """Edges of a skeleton's drawing as pairs of positions in its list of sublabels, from 1, sorted."""
    positions = {sub.id: index for index, sub in enumerate(label.sublabels, 1)}
    nodes: dict[str, int] = {}
    for node in _NODE.findall(label.svg):
        attributes = dict(_ATTRIBUTE.findall(node))
        label_id = attributes.get("data-label-id", "")
        if label_id.isdecimal() and int(label_id) in positions:
            nodes[attributes.get("data-node-id", "")] = positions[int(label_id)]
    joints = []
    for edge in _EDGE.findall(label.svg):
        attributes = dict(_ATTRIBUTE.findall(edge))
        ends = [nodes.get(attributes.get(f"data-node-{end}", "")) for end in ("from", "to")]
        if None not in ends:
            joints.append([end for end in ends if end is not None])
    return sorted(joints)
