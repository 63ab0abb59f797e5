"""PDF documents as frames: one JPEG per page."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Final

from limner_media.core.errors import MediaError

if TYPE_CHECKING:
    import pypdfium2

_POINTS_PER_INCH: Final = 72
_QUALITY: Final = 95


def page_name(pdf_name: str, page: int) -> str:
    """Frame name of a page: ``doc.pdf``, 0 → ``doc000000000.jpeg`` (nine digits, from 0), in the document's folder."""
    path = PurePosixPath(pdf_name)
    return str(path.with_name(f"{path.stem}{page:09d}.jpeg"))


def count_pages(source: str | Path | bytes | IO[bytes], *, file: str) -> int:
    """Number of pages.

    Raises:
        MediaError: It is no PDF, is damaged, or needs a password.
    """
    document = _open(source, file)
    try:
        return len(document)
    finally:
        document.close()


def render_pages(
    source: str | Path | bytes | IO[bytes],
    *,
    file: str,
    max_pages: int | None = None,
    dots_per_inch: int = 200,
    max_pixels: int = 50_000_000,
) -> Iterator[tuple[str, bytes]]:
    """Render pages one by one, in page order.

    Args:
        source: Path, bytes, or seekable binary file.
        file: Name of the document, for frame names and messages.
        max_pages: Stop after this many pages.
        dots_per_inch: Resolution; lowered for pages that would exceed ``max_pixels``.
        max_pixels: Most pixels of one page.

    Yields:
        Frame name and JPEG bytes.

    Raises:
        MediaError: It is no PDF, is damaged, needs a password, or has no pages.
    """
    document = _open(source, file)
    try:
        count = len(document)
        if count == 0:
            raise MediaError("the PDF has no pages", file=file)
        for number in range(count if max_pages is None else min(count, max_pages)):
            yield page_name(file, number), _render(document, number, file, dots_per_inch, max_pixels)
    finally:
        document.close()


def _open(source: str | Path | bytes | IO[bytes], file: str) -> "pypdfium2.PdfDocument":
    import pypdfium2

    if not isinstance(source, str | Path | bytes):
        source.seek(0)
    try:
        return pypdfium2.PdfDocument(source)
    except (pypdfium2.PdfiumError, OSError) as error:
        what = "the PDF needs a password" if "password" in str(error).lower() else "this is not a PDF that can be read"
        raise MediaError(what, file=file) from error


def _render(document: "pypdfium2.PdfDocument", number: int, file: str, dots_per_inch: int, max_pixels: int) -> bytes:
    import pypdfium2

    from limner_media.core.images import encode_jpeg

    try:
        page = document[number]
    except pypdfium2.PdfiumError as error:
        raise MediaError(f"page {number + 1} of the PDF is damaged", file=file) from error
    try:
        width, height = page.get_size()
        scale = dots_per_inch / _POINTS_PER_INCH
        scale = min(scale, (max_pixels / max(1.0, width * height)) ** 0.5)
        bitmap = page.render(scale=scale)
        try:
            return encode_jpeg(bitmap.to_pil().convert("RGB"), _QUALITY)
        finally:
            bitmap.close()
    finally:
        page.close()
