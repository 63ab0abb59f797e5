"""The façade of the dataset formats: write one archive, look into one, read one.

All calls are synchronous and use one core; run them in a worker thread or process.
"""

from collections.abc import Iterable, Iterator

from limner_exports.formats.archive import SafeArchive
from limner_exports.formats.base import (
    REPORT_NAME,
    ExportContext,
    ExportFrame,
    FormatError,
    Report,
    TrackSource,
)
from limner_exports.formats.checks import writable
from limner_exports.formats.importing import import_items
from limner_exports.formats.items import DatasetSummary, ImportBatch, ReadContext, ReadOptions
from limner_exports.formats.label_table import LabelTable
from limner_exports.formats.matching import TargetFrames
from limner_exports.formats.sink import ByteOutput, ZipSink
from limner_exports.formats.specs import FormatSpec, Reader, TrackWriter
from limner_exports.formats.summaries import summarise_labels
from limner_model.labels import LabelSchema


def write_dataset(
    spec: FormatSpec,
    context: ExportContext,
    frames: Iterable[ExportFrame],
    tracks_provider: TrackSource | None,
    out_file: ByteOutput,
) -> Report:
    """Write an archive of a scope; memory does not depend on the number of frames.

    Args:
        spec: A format that can be exported.
        context: The scope; ``save_images`` says whether ``frame.media`` is copied.
        frames: Frames in (task, frame) order, deleted ones left out; iterated once.
        tracks_provider: Called once, before the first frame, by formats with ``spec.uses_tracks``; others ignore it.
        out_file: Takes the bytes; need not be seekable. Left open. Its content is of no use after an error.

    Returns:
        What was written and what the format could not hold. The archive holds the same as ``export-report.json`` when
        something was left out.

    Raises:
        FormatError: The format cannot be exported.
    """
    if spec.make_writer is None:
        raise FormatError("this format cannot be exported", spec.display_name)
    report = Report()
    writer = spec.make_writer()
    labels = LabelTable(context.labels)
    with ZipSink(out_file) as sink:
        writer.begin(context, sink, report)
        if spec.uses_tracks:
            _write_tracks(writer, tracks_provider)  # type: ignore[arg-type]
        for frame in frames:
            report.frames += 1
            writer.frame(writable(frame, labels, report))
        writer.end()
        if report.dropped:
            sink.add_json(REPORT_NAME, report.as_document())
    return report


def _write_tracks(writer: TrackWriter, provider: TrackSource | None) -> None:
    writer.tracks(provider() if provider is not None else ())


def open_reader(spec: FormatSpec, archive: SafeArchive, labels: LabelSchema) -> Reader:
    """Make the reader of a format; nothing is read yet.

    Raises:
        FormatError: The format cannot be imported.
    """
    if spec.make_reader is None:
        raise FormatError("this format cannot be imported", spec.display_name)
    return spec.make_reader(archive, ReadContext(labels))


def read_dataset(
    spec: FormatSpec,
    archive: SafeArchive,
    target_frames: TargetFrames,
    labels: LabelSchema,
    options: ReadOptions | None = None,
) -> Iterator[ImportBatch]:
    """Read the annotations of an archive into batches ready to store.

    The caller stores all batches in one transaction: an error may come after batches were yielded.

    Tracks of a file may reach beyond ``target_frames.included``; the caller slices them.

    Args:
        spec: A format that can be imported.
        archive: The opened archive or bare file; stays open.
        target_frames: The frames of the task or job that receive the annotations.
        labels: The labels of the target; names are resolved against them.
        options: How to import; defaults are those of the public API.

    Yields:
        Portions of about ``options.batch_size`` objects; tracks that are rebuilt from frames come last.

    Raises:
        ImportErrors: Items do not match a frame, or labels or values are wrong.
        FormatError: The archive cannot be understood.
    """
    chosen = options or ReadOptions()
    reader = open_reader(spec, archive, labels)
    converts = spec.converts_masks and chosen.conv_mask_to_poly
    return import_items(reader.items(), target_frames, labels, chosen, converts_masks=converts)


def scan_dataset(spec: FormatSpec, archive: SafeArchive, labels: LabelSchema) -> DatasetSummary:
    """List the pictures, labels and attributes of an archive, before tasks are made for it (project imports).

    Cost: reads all annotations once; memory grows with the number of pictures.

    Raises:
        FormatError: The archive cannot be understood.
    """
    summary = summarise_labels(open_reader(spec, archive, labels).items())
    for picture in open_reader(spec, archive, labels).media():
        summary.media.setdefault(picture.subset, []).append(picture)
    return summary
