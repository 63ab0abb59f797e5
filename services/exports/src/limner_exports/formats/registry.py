"""The formats of this server by name.

Source: FORMATS.md §0-1; names are keys of the public API and must not change.
"""

from limner_exports.formats.base import UnknownFormat
from limner_exports.formats.coco import COCOWriter
from limner_exports.formats.coco_read import COCOReader
from limner_exports.formats.cvat_video import CVATVideoWriter
from limner_exports.formats.cvat_xml import CVATImagesWriter
from limner_exports.formats.cvat_xml_read import CVATReader
from limner_exports.formats.datumaro import DatumaroWriter
from limner_exports.formats.datumaro_read import DatumaroReader
from limner_exports.formats.specs import FormatSpec
from limner_exports.formats.ultralytics import detection_writer, segmentation_writer
from limner_exports.formats.ultralytics_read import detection_reader, segmentation_reader
from limner_exports.formats.voc import VOCWriter
from limner_exports.formats.voc_read import VOCReader
from limner_exports.formats.yolo import YOLOWriter
from limner_exports.formats.yolo_read import YOLOReader

FORMATS: tuple[FormatSpec, ...] = (
    FormatSpec(
        name="CVAT",
        version="1.1",
        import_ext="XML, ZIP",
        import_aliases=("CVAT for images 1.1", "CVAT for video 1.1"),
        make_reader=CVATReader,
    ),
    FormatSpec(name="CVAT for images", version="1.1", export_ext="ZIP", make_writer=CVATImagesWriter),
    FormatSpec(name="CVAT for video", version="1.1", export_ext="ZIP", uses_tracks=True, make_writer=CVATVideoWriter),
    FormatSpec(
        name="COCO",
        version="1.0",
        import_ext="JSON, ZIP",
        export_ext="ZIP",
        import_aliases=("COCO 1.1",),
        make_writer=COCOWriter,
        make_reader=COCOReader,
    ),
    FormatSpec(
        name="Datumaro",
        version="1.0",
        import_ext="JSON, ZIP",
        export_ext="ZIP",
        make_writer=DatumaroWriter,
        make_reader=DatumaroReader,
    ),
    FormatSpec(
        name="PASCAL VOC",
        version="1.1",
        import_ext="ZIP",
        export_ext="ZIP",
        import_aliases=("Pascal VOC ZIP 1.1",),
        converts_masks=True,
        make_writer=VOCWriter,
        make_reader=VOCReader,
    ),
    FormatSpec(
        name="YOLO",
        version="1.1",
        import_ext="ZIP",
        export_ext="ZIP",
        import_aliases=("YOLO ZIP 1.0",),
        make_writer=YOLOWriter,
        make_reader=YOLOReader,
    ),
    FormatSpec(
        name="Ultralytics YOLO Detection",
        version="1.0",
        import_ext="ZIP",
        export_ext="ZIP",
        import_aliases=("YOLOv8 Detection 1.0",),
        export_aliases=("YOLOv8 Detection 1.0",),
        make_writer=detection_writer,
        make_reader=detection_reader,
    ),
    FormatSpec(
        name="Ultralytics YOLO Segmentation",
        version="1.0",
        import_ext="ZIP",
        export_ext="ZIP",
        import_aliases=("YOLOv8 Segmentation 1.0",),
        export_aliases=("YOLOv8 Segmentation 1.0",),
        make_writer=segmentation_writer,
        make_reader=segmentation_reader,
    ),
)

_EXPORTERS = {name: spec for spec in FORMATS if spec.export_ext for name in (spec.display_name, *spec.export_aliases)}
_IMPORTERS = {name: spec for spec in FORMATS if spec.import_ext for name in (spec.display_name, *spec.import_aliases)}


def find_exporter(name: str) -> FormatSpec:
    """Find the format of an export by its display name or an alias.

    Raises:
        UnknownFormat: There is none.
    """
    return _find(_EXPORTERS, name)


def find_importer(name: str) -> FormatSpec:
    """Find the format of an import by its display name or an alias.

    Raises:
        UnknownFormat: There is none.
    """
    return _find(_IMPORTERS, name)


def format_list() -> dict[str, list[dict[str, str | bool]]]:
    """The answer of ``GET server/annotation/formats``, without aliases, sorted by name."""
    specs = sorted(FORMATS, key=lambda spec: spec.display_name)
    return {
        "importers": [_row(spec, spec.import_ext) for spec in specs if spec.import_ext],
        "exporters": [_row(spec, spec.export_ext) for spec in specs if spec.export_ext],
    }


def _find(specs: dict[str, FormatSpec], name: str) -> FormatSpec:
    spec = specs.get(name)
    if spec is None:
        raise UnknownFormat(f"there is no format '{name}'")
    return spec


def _row(spec: FormatSpec, ext: str) -> dict[str, str | bool]:
    return {
        "name": spec.display_name,
        "ext": ext,
        "version": spec.version,
        "enabled": spec.enabled,
        "dimension": spec.dimension,
    }
