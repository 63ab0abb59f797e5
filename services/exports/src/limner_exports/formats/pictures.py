"""Copying the pictures of frames into an archive."""

from limner_exports.formats.base import ExportFrame, Report
from limner_exports.formats.sink import ZipSink


def copy_picture(frame: ExportFrame, path: str, sink: ZipSink, report: Report) -> None:
    """Copy the picture of a frame, if it has one, to a path of the archive; a taken path is reported and left alone."""
    if frame.media is None:
        return
    if sink.contains(path):
        report.drop("a picture of this name is in the archive already", "picture", frame.name)
        return
    sink.add_media(path, frame.media.open())
