"""Writer of YOLO 1.1 (Darknet): a text file per frame with class and normalised box.

Source: FORMATS.md §9.
"""

from limner_exports.formats.base import DEFAULT_SUBSET, ExportContext, ExportFrame, FormatError, Report
from limner_exports.formats.label_table import LabelTable
from limner_exports.formats.naming import frame_extension, free_stem
from limner_exports.formats.pictures import copy_picture
from limner_exports.formats.scope import context_subsets
from limner_exports.formats.sink import Spool, ZipSink
from limner_model.annotations import ShapeType
from limner_model.frames import FrameShape

RESERVED_SUBSETS = frozenset({"backup", "classes", "names"})
ROTATION_TOLERANCE_DEGREES = 1e-5
NO_ROTATED = "the format has no rotated boxes"


class YOLOWriter:
    """Writes YOLO 1.1; only boxes that are not rotated, classes are the top-level labels."""

    def begin(self, context: ExportContext, sink: ZipSink, report: Report) -> None:
        """Open the list of each subset.

        Raises:
            FormatError: A subset has a name that ``obj.data`` uses itself.
        """
        self._sink = sink
        self._report = report
        self._labels = LabelTable(context.labels)
        self._lists: dict[str, Spool] = {}
        for subset in context_subsets(context):
            self._list_of(_file_subset(subset))

    def frame(self, frame: ExportFrame) -> None:
        """Write ``<id>.txt``, also for a frame without boxes."""
        subset = _file_subset(frame.subset)
        folder = f"obj_{subset}_data/"
        stem = free_stem(frame, lambda name: self._sink.contains(f"{folder}{name}.txt"))
        lines = [line for shape in frame.annotations.shapes if (line := self._line(shape, frame)) is not None]
        for tag in frame.annotations.tags:
            self._report.drop("the format has no tags", "tag", f"{frame.name} tag {tag.id}")
        self._report.objects += len(lines)
        self._sink.add_text(f"{folder}{stem}.txt", "".join(lines))
        picture = f"{folder}{stem}{frame_extension(frame)}"
        self._list_of(subset).write(f"data/{picture}\n".encode())
        copy_picture(frame, picture, self._sink, self._report)

    def end(self) -> None:
        """Write the lists, ``obj.names`` and ``obj.data``."""
        subsets = sorted(self._lists)
        for subset in subsets:
            self._sink.add_spool(self._lists[subset])
        self._sink.add_text("obj.names", "".join(f"{info.name}\n" for info in self._labels.top))
        lists = "".join(f"{subset} = data/{subset}.txt\n" for subset in subsets)
        head, tail = f"classes = {len(self._labels.top)}\n", "names = data/obj.names\nbackup = backup/\n"
        self._sink.add_text("obj.data", head + lists + tail)

    def _list_of(self, subset: str) -> Spool:
        if subset in RESERVED_SUBSETS:
            raise FormatError(f"the subset name '{subset}' is reserved in this format")
        if subset not in self._lists:
            self._lists[subset] = self._sink.spool(f"{subset}.txt")
        return self._lists[subset]

    def _line(self, shape: FrameShape, frame: ExportFrame) -> str | None:
        problem = None
        if shape.type is not ShapeType.RECTANGLE:
            problem = "the format has only boxes"
        elif is_rotated(shape):
            problem = NO_ROTATED
        if problem is not None:
            self._report.drop(problem, shape.type.value, f"{frame.name} shape {shape.id}")
            return None
        return f"{self._labels.by_id[shape.label_id].top_index} {box_fractions(shape.points, frame)}\n"


def is_rotated(shape: FrameShape) -> bool:
    """Whether a box is turned by more than rounding."""
    angle = shape.rotation % 360
    return ROTATION_TOLERANCE_DEGREES < angle < 360 - ROTATION_TOLERANCE_DEGREES


def box_fractions(points: list[float], frame: ExportFrame) -> str:
    """Render ``cx cy w h`` of a box as fractions of the frame with six decimals; not clamped to 0…1."""
    x0, y0, x1, y1 = points
    width, height = frame.width, frame.height
    return f"{(x0 + x1) / 2 / width:.6f} {(y0 + y1) / 2 / height:.6f} {(x1 - x0) / width:.6f} {(y1 - y0) / height:.6f}"


def _file_subset(subset: str) -> str:
    return "train" if subset == DEFAULT_SUBSET else subset
