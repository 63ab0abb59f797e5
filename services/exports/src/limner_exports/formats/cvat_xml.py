"""Writer of CVAT for images 1.1: one ``<image>`` per frame with its shapes and tags.

Source: FORMATS.md §4.1-4.2.
"""

from limner_exports.formats.base import ExportContext, ExportFrame, Report, ScopeKind
from limner_exports.formats.cvat_elements import ELEMENT_NAMES, geometry_attributes
from limner_exports.formats.cvat_meta import render_meta
from limner_exports.formats.label_table import LabelTable
from limner_exports.formats.matching import strip_extension
from limner_exports.formats.pictures import copy_picture
from limner_exports.formats.sink import Spool, ZipSink
from limner_exports.formats.xml_text import quote_attribute
from limner_model.annotations import ShapeType, Tag
from limner_model.frames import FrameElement, FrameShape

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
TAIL = "</annotations>\n"
ANNOTATIONS_NAME = "annotations.xml"


class CVATDocument:
    """What both CVAT writers share: the spooled document and the place of pictures."""

    def __init__(self, context: ExportContext, sink: ZipSink, report: Report) -> None:
        self.labels = LabelTable(context.labels)
        self.is_project = context.kind is ScopeKind.PROJECT
        self._sink = sink
        self._report = report
        self._spool: Spool = sink.spool(ANNOTATIONS_NAME)
        self.write(HEAD + render_meta(context, self.labels))

    def write(self, text: str) -> None:
        """Append to the document."""
        self._spool.write(text.encode())

    def add_media(self, frame: ExportFrame) -> None:
        """Copy the picture of a frame, if there is one, below ``images/``, in projects below the subset."""
        folder = f"images/{frame.subset}/" if self.is_project else "images/"
        copy_picture(frame, folder + frame.name, self._sink, self._report)

    def finish(self) -> None:
        """Close the document and put it into the archive."""
        self.write(TAIL)
        self._sink.add_spool(self._spool)


class CVATImagesWriter:
    """Writes CVAT for images 1.1; every type of shape has a place in it."""

    _document: CVATDocument

    def begin(self, context: ExportContext, sink: ZipSink, report: Report) -> None:
        """Write the head and the meta block."""
        self._report = report
        self._document = CVATDocument(context, sink, report)
        self._labels = self._document.labels
        self._videos = {task.id for task in context.tasks if task.is_video}

    def frame(self, frame: ExportFrame) -> None:
        """Write one ``<image>``: shapes in the order of the frame, then tags; frames of videos lose their extension."""
        self._document.add_media(frame)
        scope = f' subset={quote_attribute(frame.subset)} task_id="{frame.task_id}"' if self._document.is_project else ""
        is_video = frame.task_id in self._videos
        name = quote_attribute(strip_extension(frame.name) if is_video else frame.name)
        parts = [f'  <image id="{frame.number}" name={name}{scope} width="{frame.width}" height="{frame.height}">\n']
        parts += [self._shape(shape) for shape in frame.annotations.shapes]
        parts += [self._tag(tag) for tag in frame.annotations.tags]
        parts.append("  </image>\n")
        self._report.objects += len(parts) - 2
        self._document.write("".join(parts))

    def end(self) -> None:
        """Finish the document."""
        self._document.finish()

    def _shape(self, shape: FrameShape) -> str:
        info = self._labels.by_id[shape.label_id]
        name = ELEMENT_NAMES[shape.type]
        occluded = "" if shape.type is ShapeType.SKELETON else f' occluded="{shape.occluded:d}"'
        geometry = geometry_attributes(shape.type, shape.points, shape.rotation)
        group = f' group_id="{shape.group}"' if shape.group else ""
        source = quote_attribute(shape.source)
        elements = "".join([self._element(element) for element in shape.elements]) if shape.elements else ""
        attributes = self._labels.xml_attributes(info, shape.attributes, "      ")
        return (
            f'    <{name} label={info.xml_name} source={source}{occluded}{geometry} z_order="{shape.z_order}"{group}>\n'
            f"{elements}{attributes}    </{name}>\n"
        )

    def _element(self, element: FrameElement) -> str:
        info = self._labels.by_id[element.label_id]
        name = ELEMENT_NAMES[element.type]
        geometry = geometry_attributes(element.type, element.points, element.rotation)
        attributes = self._labels.xml_attributes(info, element.attributes, "        ")
        return (
            f"      <{name} label={info.xml_name} source={quote_attribute(element.source)}"
            f' outside="{element.outside:d}" occluded="{element.occluded:d}"{geometry}>\n{attributes}      </{name}>\n'
        )

    def _tag(self, tag: Tag) -> str:
        info = self._labels.by_id[tag.label_id]
        group = f' group_id="{tag.group}"' if tag.group else ""
        attributes = self._labels.xml_attributes(info, tag.attributes, "      ")
        return f"    <tag label={info.xml_name} source={quote_attribute(tag.source)}{group}>\n{attributes}    </tag>\n"
