"""What a format is: the protocols of its writer and its reader, and how it is registered."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from limner_exports.formats.archive import SafeArchive
from limner_exports.formats.base import ExportContext, ExportFrame, ExportTrack, Report
from limner_exports.formats.items import ImportItem, ImportMedia, ImportTrack, ReadContext
from limner_exports.formats.sink import ZipSink


class Writer(Protocol):
    """Writes one export.

    The engine calls ``begin``, then ``tracks`` where the format wants them, ``frame`` per frame, ``end``.

    A writer never fails because of one bad object: it reports it to ``report`` and goes on. It holds no more than one
    frame of annotations; lists that end up in one file go through spools of the sink.
    """

    def begin(self, context: ExportContext, sink: ZipSink, report: Report) -> None:
        """Write what depends on the context alone."""
        ...

    def frame(self, frame: ExportFrame) -> None:
        """Write one frame; frames come in (task, frame) order."""
        ...

    def end(self) -> None:
        """Write what needed all frames. The engine closes the sink afterwards."""
        ...


class TrackWriter(Writer, Protocol):
    """A writer that lists tracks as they are stored, not per frame."""

    def tracks(self, tracks: Iterable[ExportTrack]) -> None:
        """Write all tracks; called once, after ``begin`` and before the first frame."""
        ...


class Reader(Protocol):
    """Reads one archive. Both methods are generators with bounded memory and may be called once each, in any order."""

    def items(self) -> Iterator[ImportItem | ImportTrack]:
        """Yield annotated items; raises ``FormatError`` where the archive as a whole cannot be understood."""
        ...

    def media(self) -> Iterator[ImportMedia]:
        """Yield the pictures that the archive holds for its items."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatSpec:
    """A registered format.

    Attributes:
        name: Name without version; the public name is ``display_name``.
        import_ext: Extensions shown for import, or None when the format cannot be imported.
        export_ext: Extension shown for export, or None when it cannot be exported.
        import_aliases: Other names that the import accepts.
        export_aliases: Other names that the export accepts.
        converts_masks: Whether the import honours ``conv_mask_to_poly``.
        uses_tracks: Whether the writer is a ``TrackWriter``.

    Source: FORMATS.md §0-1.
    """

    name: str
    version: str
    import_ext: str | None = None
    export_ext: str | None = None
    dimension: str = "2d"
    enabled: bool = True
    import_aliases: tuple[str, ...] = ()
    export_aliases: tuple[str, ...] = ()
    converts_masks: bool = False
    uses_tracks: bool = False
    make_writer: Callable[[], Writer] | None = None
    make_reader: Callable[[SafeArchive, ReadContext], Reader] | None = None

    @property
    def display_name(self) -> str:
        """The key of the public API: name and version."""
        return f"{self.name} {self.version}"
