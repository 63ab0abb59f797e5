"""Writers of Ultralytics YOLO Detection 1.0 and Segmentation 1.0.

Source: FORMATS.md §9.
"""

from collections.abc import Iterable
from typing import Protocol

import yaml

from limner_exports.formats.base import DEFAULT_SUBSET, ExportContext, ExportFrame, FormatError, Report
from limner_exports.formats.geometry import frame_mask
from limner_exports.formats.label_table import LabelTable
from limner_exports.formats.naming import frame_extension, free_stem
from limner_exports.formats.pictures import copy_picture
from limner_exports.formats.scope import context_subsets
from limner_exports.formats.sink import Spool, ZipSink
from limner_exports.formats.yolo import NO_ROTATED, RESERVED_SUBSETS, box_fractions, is_rotated
from limner_model.annotations import ShapeType
from limner_model.conversions import outlines_from_mask
from limner_model.frames import FrameShape

RESERVED_KEYS = RESERVED_SUBSETS | {"path", "kpt_shape", "flip_idx"}
DATA_NAME = "data.yaml"


class UnwritableShape(Exception):
    """A shape has no place in the format; the message is the reason for the report."""


class LineMaker(Protocol):
    """Makes the text after the class number, one per line of a shape."""

    def __call__(self, shape: FrameShape, frame: ExportFrame) -> Iterable[str]:
        """Return the lines of a shape; numbers are fractions of the frame with six decimals.

        Raises:
            UnwritableShape: The format cannot hold the shape.
        """
        ...


class UltralyticsWriter:
    """Writes ``data.yaml``, a list per subset and a text file per frame that has lines; classes are the top-level labels."""

    def __init__(self, make_lines: LineMaker) -> None:
        self._make_lines = make_lines

    def begin(self, context: ExportContext, sink: ZipSink, report: Report) -> None:
        """Open the list of each subset.

        Raises:
            FormatError: A subset has a name that ``data.yaml`` uses itself.
        """
        self._sink = sink
        self._report = report
        self._labels = LabelTable(context.labels)
        self._lists: dict[str, Spool] = {}
        for subset in context_subsets(context):
            self._list_of(_file_subset(subset))
        # Without lines there is no text file whose name could show that a stem is taken; hashes are enough to tell.
        self._stems: set[int] = set()

    def frame(self, frame: ExportFrame) -> None:
        """Write ``labels/<subset>/<id>.txt`` when the frame has something the format can hold."""
        subset = _file_subset(frame.subset)
        stem = free_stem(frame, lambda name: hash((subset, name)) in self._stems)
        self._stems.add(hash((subset, stem)))
        lines = [line for shape in frame.annotations.shapes for line in self._lines(shape, frame)]
        for tag in frame.annotations.tags:
            self._report.drop("the format has no tags", "tag", f"{frame.name} tag {tag.id}")
        if lines:
            self._sink.add_text(f"labels/{subset}/{stem}.txt", "".join(lines))
        picture = f"images/{subset}/{stem}{frame_extension(frame)}"
        self._list_of(subset).write(f"data/{picture}\n".encode())
        copy_picture(frame, picture, self._sink, self._report)

    def end(self) -> None:
        """Write the lists and ``data.yaml``."""
        document: dict[str, object] = {"path": ".", "names": dict(enumerate(info.name for info in self._labels.top))}
        for subset in sorted(self._lists):
            self._sink.add_spool(self._lists[subset])
            document[subset] = f"{subset}.txt"
        self._sink.add_text(DATA_NAME, yaml.safe_dump(document, sort_keys=False, allow_unicode=True))

    def _list_of(self, subset: str) -> Spool:
        if subset in RESERVED_KEYS:
            raise FormatError(f"the subset name '{subset}' is reserved in this format")
        if subset not in self._lists:
            self._lists[subset] = self._sink.spool(f"{subset}.txt")
        return self._lists[subset]

    def _lines(self, shape: FrameShape, frame: ExportFrame) -> list[str]:
        try:
            texts = list(self._make_lines(shape, frame))
        except UnwritableShape as error:
            self._report.drop(str(error), shape.type.value, f"{frame.name} shape {shape.id}")
            return []
        self._report.objects += 1
        label = self._labels.by_id[shape.label_id].top_index
        return [f"{label} {text}\n" for text in texts]


def detection_writer() -> UltralyticsWriter:
    """Make the writer of boxes that are not rotated."""
    return UltralyticsWriter(_box_lines)


def segmentation_writer() -> UltralyticsWriter:
    """Make the writer of polygons; masks become polygons along the edges of their pixels, one per part."""
    return UltralyticsWriter(_polygon_lines)


def _box_lines(shape: FrameShape, frame: ExportFrame) -> list[str]:
    if shape.type is not ShapeType.RECTANGLE:
        raise UnwritableShape("the format has only boxes")
    if is_rotated(shape):
        raise UnwritableShape(NO_ROTATED)
    return [box_fractions(shape.points, frame)]


def _polygon_lines(shape: FrameShape, frame: ExportFrame) -> list[str]:
    if shape.type is ShapeType.POLYGON:
        return [_point_fractions(shape.points, frame)]
    if shape.type is not ShapeType.MASK:
        raise UnwritableShape("the format has only polygons")
    mask = frame_mask(shape, width=frame.width, height=frame.height)
    if mask is None:
        raise UnwritableShape("no pixel of the shape is inside the image")
    return [_point_fractions(ring, frame) for ring in outlines_from_mask(mask)]


def _point_fractions(points: list[float], frame: ExportFrame) -> str:
    sizes = (frame.width, frame.height)
    return " ".join([f"{value / sizes[index % 2]:.6f}" for index, value in enumerate(points)])


def _file_subset(subset: str) -> str:
    return "train" if subset == DEFAULT_SUBSET else subset
