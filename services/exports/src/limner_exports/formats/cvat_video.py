"""Writer of CVAT for video 1.1: one ``<track>`` per track with its rows, then shapes as tracks of one keyframe.

Source: FORMATS.md §4.3.
"""

from collections.abc import Iterable

import msgspec

from limner_exports.formats.base import ExportContext, ExportFrame, ExportTrack, Report, TaskInfo
from limner_exports.formats.checks import shape_problem
from limner_exports.formats.cvat_elements import ELEMENT_NAMES, geometry_attributes
from limner_exports.formats.cvat_xml import CVATDocument
from limner_exports.formats.label_table import LabelTable
from limner_exports.formats.sink import ZipSink
from limner_exports.formats.xml_text import quote_attribute
from limner_model.annotations import ShapeType
from limner_model.attributes import AttributeDefaults
from limner_model.frames import FrameElement, FrameShape
from limner_model.interpolation import InvalidTrack, track_rows


class CVATVideoWriter:
    """Writes CVAT for video 1.1. Tags have no place in it."""

    _document: CVATDocument

    def begin(self, context: ExportContext, sink: ZipSink, report: Report) -> None:
        """Write the head and the meta block."""
        self._report = report
        self._document = CVATDocument(context, sink, report)
        self._labels: LabelTable = self._document.labels
        self._tasks = {task.id: task for task in context.tasks}
        self._stops = {task.id: task.size for task in context.tasks}
        if context.job is not None:
            self._stops[context.tasks[0].id] = context.job.stop + 1
        self._defaults = AttributeDefaults(context.labels)
        self._next_index = 0

    def tracks(self, tracks: Iterable[ExportTrack]) -> None:
        """Write the tracks in the given order; a track that cannot be interpolated is left out as a whole."""
        for item in tracks:
            where = f"task {item.task.id} track {item.track.id}"
            try:
                rows = self._rows(item, where)
            except InvalidTrack as error:
                self._report.drop(f"the track is damaged: {error}", "track", where)
                continue
            if rows:
                first = item.track
                self._write_track(item.task, item.subset, first.label_id, first.source, first.group or 0, rows)

    def frame(self, frame: ExportFrame) -> None:
        """Write the shapes of a frame, each as a track; shapes that belong to tracks were written with them."""
        self._document.add_media(frame)
        task = self._tasks[frame.task_id]
        for tag in frame.annotations.tags:
            self._report.drop("the format has no tags", "tag", f"{frame.name} tag {tag.id}")
        for shape in frame.annotations.shapes:
            if shape.track_id is not None:
                continue
            rows = [self._row(frame.number, shape)]
            if frame.frame + 1 < self._stops[task.id]:
                rows.append(self._row(frame.number + task.step, _outside(shape)))
            self._write_track(task, frame.subset, shape.label_id, shape.source, shape.group, rows)

    def end(self) -> None:
        """Finish the document."""
        self._document.finish()

    def _rows(self, item: ExportTrack, where: str) -> list[str]:
        task = item.task
        found = track_rows(item.track, end_frame=item.stop, deleted_frames=task.deleted_frames, defaults=self._defaults)
        rows = []
        for frame, shape in found:
            problem = shape_problem(shape, self._labels)
            if problem is None:
                rows.append(self._row(task.start_frame + frame * task.step + item.offset, shape))
            else:
                self._report.drop(problem, shape.type.value, f"{where} frame {frame}")
        return rows

    def _write_track(self, task: TaskInfo, subset: str, label_id: int, source: str, group: int, rows: list[str]) -> None:
        scope = f' task_id="{task.id}" subset={quote_attribute(subset)}' if self._document.is_project else ""
        label = self._labels.by_id[label_id].xml_name
        group_id = f' group_id="{group}"' if group else ""
        head = f'  <track id="{self._next_index}" label={label} source={quote_attribute(source)}{scope}{group_id}>\n'
        self._document.write(head + "".join(rows) + "  </track>\n")
        self._next_index += 1
        self._report.objects += len(rows)

    def _row(self, number: int, shape: FrameShape) -> str:
        info = self._labels.by_id[shape.label_id]
        name = ELEMENT_NAMES[shape.type]
        is_skeleton = shape.type is ShapeType.SKELETON
        state = "" if is_skeleton else f' outside="{shape.outside:d}" occluded="{shape.occluded:d}"'
        geometry = geometry_attributes(shape.type, shape.points, shape.rotation)
        elements = "".join([self._element(element) for element in shape.elements]) if is_skeleton else ""
        attributes = self._labels.xml_attributes(info, shape.attributes, "      ")
        return (
            f'    <{name} frame="{number}" keyframe="{shape.keyframe:d}"{state}{geometry} z_order="{shape.z_order}">\n'
            f"{elements}{attributes}    </{name}>\n"
        )

    def _element(self, element: FrameElement) -> str:
        info = self._labels.by_id[element.label_id]
        name = ELEMENT_NAMES[element.type]
        geometry = geometry_attributes(element.type, element.points, element.rotation)
        attributes = self._labels.xml_attributes(info, element.attributes, "        ")
        return (
            f'      <{name} label={info.xml_name} keyframe="{element.keyframe:d}" outside="{element.outside:d}"'
            f' occluded="{element.occluded:d}"{geometry}>\n{attributes}      </{name}>\n'
        )


def _outside(shape: FrameShape) -> FrameShape:
    elements = [msgspec.structs.replace(element, outside=True) for element in shape.elements]
    return msgspec.structs.replace(shape, outside=True, elements=elements)
