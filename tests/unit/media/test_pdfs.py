import io

import numpy as np
import pytest
from PIL import Image

from limner_media.core.errors import MediaError
from limner_media.core.pdfs import count_pages, page_name, render_pages

from .samples import difference, picture, pixels


@pytest.fixture(scope="module")
def document() -> bytes:
    out = io.BytesIO()
    pages = [picture(72, 144, seed) for seed in range(3)]
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=72)
    return out.getvalue()


def test_each_page_is_a_frame(document: bytes) -> None:
    pages = dict(render_pages(document, file="d/doc.pdf", dots_per_inch=72))
    assert list(pages) == ["d/doc000000000.jpeg", "d/doc000000001.jpeg", "d/doc000000002.jpeg"]
    for seed, data in enumerate(pages.values()):
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (72, 144)
        assert difference(pixels(data), np.asarray(picture(72, 144, seed))) < 8


def test_pages_stop_at_the_limit(document: bytes) -> None:
    assert len(list(render_pages(io.BytesIO(document), file="x.pdf", max_pages=2))) == 2
    assert count_pages(document, file="x.pdf") == 3


def test_large_pages_are_rendered_smaller(document: bytes) -> None:
    _, data = next(iter(render_pages(document, file="x.pdf", dots_per_inch=6000, max_pixels=20_000)))
    with Image.open(io.BytesIO(data)) as image:
        assert image.width * image.height <= 21_000


def test_names_keep_dots() -> None:
    assert page_name("a.b.pdf", 12) == "a.b000000012.jpeg"


@pytest.mark.parametrize("data", [b"", b"text", b"%PDF-1.7\ngarbage"])
def test_what_is_no_pdf_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError, match="not a PDF") as caught:
        list(render_pages(data, file="x.pdf"))
    assert caught.value.file == "x.pdf"
