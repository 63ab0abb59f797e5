"""Writer of PASCAL VOC 1.1: an XML per frame with boxes, lists of tags, and colour maps of masks.

Source: FORMATS.md §7.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from limner_exports.formats.base import ExportContext, ExportFrame, Report
from limner_exports.formats.color_maps import encode_color_map
from limner_exports.formats.generic import TrackNumbers, object_attributes, round_points
from limner_exports.formats.geometry import frame_mask
from limner_exports.formats.label_table import LabelTable
from limner_exports.formats.naming import frame_extension, free_stem
from limner_exports.formats.pictures import copy_picture
from limner_exports.formats.scope import context_subsets
from limner_exports.formats.sink import Spool, ZipSink
from limner_exports.formats.xml_text import XMLTree, escape_text, render_tree
from limner_model.annotations import ShapeType
from limner_model.colors import voc_color
from limner_model.frames import FrameShape
from limner_model.rle import CroppedMask

BACKGROUND = "background"
LABEL_MAP_NAME = "labelmap.txt"
LABEL_MAP_HEAD = "# label:color_rgb:parts:actions\n"
_OWN_ATTRIBUTES = frozenset({"pose", "truncated", "occluded", "difficult"})


@dataclass(slots=True)
class _SubsetLists:
    """Ids of a subset: all frames, those with masks, and those with tags with the numbers of their classes."""

    all: Spool
    segmented: Spool
    tagged: Spool


class VOCWriter:
    """Writes PASCAL VOC 1.1: boxes, tags, masks and ellipses (as masks). Other shapes have no place."""

    def begin(self, context: ExportContext, sink: ZipSink, report: Report) -> None:
        """Write the label map and open the lists of each subset."""
        self._sink = sink
        self._report = report
        self._labels = LabelTable(context.labels)
        self._tracks = TrackNumbers()
        names = [info.name for info in self._labels.all]
        self._classes = names if BACKGROUND in names else [BACKGROUND, *names]
        self._class_of = {info.spec.id: self._classes.index(info.name) for info in self._labels.all}
        lines = [f"{name}:{','.join(map(str, voc_color(index)))}::\n" for index, name in enumerate(self._classes)]
        sink.add_text(LABEL_MAP_NAME, LABEL_MAP_HEAD + "".join(lines))
        self._lists = {subset: self._open(subset) for subset in context_subsets(context)}

    def frame(self, frame: ExportFrame) -> None:
        """Write the XML, the colour maps where there are masks, and the lines of the lists."""
        stem = free_stem(frame, lambda name: self._sink.contains(f"Annotations/{name}.xml"))
        lists = self._lists[frame.subset]
        lists.all.write(f"{stem}\n".encode())
        boxes, masks = self._sort_shapes(frame)
        if masks:
            lists.segmented.write(f"{stem}\n".encode())
            self._write_maps(stem, frame, masks)
        tags = sorted({self._class_of[tag.label_id] for tag in frame.annotations.tags})
        if tags:
            lists.tagged.write(f"{','.join(map(str, tags))} {stem}\n".encode())
        self._report.objects += len(boxes) + len(masks) + len(frame.annotations.tags)
        picture = stem + frame_extension(frame)
        self._sink.add_text(f"Annotations/{stem}.xml", self._document(frame, picture, boxes, bool(masks)))
        copy_picture(frame, f"JPEGImages/{picture}", self._sink, self._report)

    def end(self) -> None:
        """Write the lists."""
        for subset, lists in sorted(self._lists.items()):
            self._sink.add_spool(lists.all)
            if lists.segmented.size_bytes:
                self._sink.add_spool(lists.segmented)
            if lists.tagged.size_bytes:
                for index, name in enumerate(self._classes):
                    path = f"ImageSets/Main/{name.replace('/', '_')}_{subset}.txt"
                    if not self._sink.contains(path):
                        self._sink.add_stream(path, _presence_lines(lists.tagged, index))

    def _open(self, subset: str) -> _SubsetLists:
        return _SubsetLists(
            self._sink.spool(f"ImageSets/Main/{subset}.txt"),
            self._sink.spool(f"ImageSets/Segmentation/{subset}.txt"),
            self._sink.spool(f"tagged {subset}"),
        )

    def _sort_shapes(self, frame: ExportFrame) -> tuple[list[FrameShape], list[tuple[int, CroppedMask]]]:
        boxes: list[FrameShape] = []
        masks: list[tuple[int, CroppedMask]] = []
        for shape in frame.annotations.shapes:
            if shape.type is ShapeType.RECTANGLE:
                boxes.append(shape)
                continue
            problem, mask = f"the format has no shapes of type {shape.type.value}", None
            if shape.type in (ShapeType.MASK, ShapeType.ELLIPSE):
                problem, mask = (
                    "no pixel of the shape is inside the image",
                    frame_mask(shape, width=frame.width, height=frame.height),
                )
            if mask is not None:
                masks.append((self._class_of[shape.label_id], mask))
            else:
                self._report.drop(problem, shape.type.value, f"{frame.name} shape {shape.id}")
        return boxes, masks

    def _write_maps(self, stem: str, frame: ExportFrame, masks: list[tuple[int, CroppedMask]]) -> None:
        instances = [(index, mask) for index, (_, mask) in enumerate(masks, 1)]
        for folder, painted in (("SegmentationClass", masks), ("SegmentationObject", instances)):
            png = encode_color_map(painted, voc_color, width=frame.width, height=frame.height)
            self._sink.add_media(f"{folder}/{stem}.png", [png])

    def _document(self, frame: ExportFrame, picture: str, boxes: list[FrameShape], is_segmented: bool) -> str:
        source: list[XMLTree] = [(name, "Unknown") for name in ("database", "annotation", "image")]
        size: list[XMLTree] = [("width", str(frame.width)), ("height", str(frame.height)), ("depth", "")]
        head: list[XMLTree] = [
            ("folder", picture.partition("_")[0] if "_" in picture else ""),
            ("filename", picture),
            ("source", source),
            ("size", size),
            ("segmented", str(int(is_segmented))),
        ]
        objects = "".join([self._object(shape, frame) for shape in boxes])
        return f"<annotation>\n{''.join(render_tree(tree, '  ') for tree in head)}{objects}</annotation>\n"

    def _object(self, shape: FrameShape, frame: ExportFrame) -> str:
        values = object_attributes(shape, self._labels, self._tracks, frame.task_id)
        x0, y0, x1, y1 = round_points(shape.points)
        pose = f"    <pose>{escape_text(str(values['pose']))}</pose>\n" if "pose" in values else ""
        others = "".join(
            f"      <attribute>\n        <name>{escape_text(name)}</name>\n"
            f"        <value>{escape_text(str(value))}</value>\n      </attribute>\n"
            for name, value in values.items()
            if name not in _OWN_ATTRIBUTES
        )
        return (
            f"  <object>\n    <name>{escape_text(self._labels.by_id[shape.label_id].name)}</name>\n{pose}"
            f"    <truncated>{int(values.get('truncated') is True)}</truncated>\n"
            f"    <occluded>{int(shape.occluded)}</occluded>\n"
            f"    <difficult>{int(values.get('difficult') is True)}</difficult>\n"
            f"    <bndbox>\n      <xmin>{x0}</xmin>\n      <ymin>{y0}</ymin>\n"
            f"      <xmax>{x1}</xmax>\n      <ymax>{y1}</ymax>\n    </bndbox>\n"
            f"    <attributes>\n{others}    </attributes>\n  </object>\n"
        )


def _presence_lines(tagged: Spool, class_index: int) -> Iterator[bytes]:
    """Lines ``id  1`` or ``id -1`` of one class, in pieces."""
    rest = b""
    wanted = str(class_index).encode()
    for chunk in tagged.chunks():
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        out = []
        for line in lines:
            classes, _, stem = line.partition(b" ")
            out.append(stem + (b"  1\n" if wanted in classes.split(b",") else b" -1\n"))
        yield b"".join(out)
