import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from limner_media.core import images
from limner_media.core.errors import MediaError

from .samples import difference, encoded, jpeg, picture, pixels

FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM", "TGA", "PCX", "ICO"]


def upright(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


@pytest.mark.parametrize("format", FORMATS)
def test_headers_of_all_formats_give_the_size(format: str) -> None:
    header = images.read_header(
        encoded(picture(64, 48), format, **({"sizes": [(64, 48)]} if format == "ICO" else {})), file="x"
    )
    assert (header.width, header.height, header.format, header.orientation) == (64, 48, format, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_sizes_are_those_of_the_upright_picture(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = encoded(picture(60, 40), format, exif=exif)
    header = images.read_header(data, file="x")
    assert (header.width, header.height) == upright(data).size
    assert images.decode_rgb(data, file="x").tobytes() == upright(data).tobytes()


def test_the_header_is_read_without_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    for format in ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"):
        images.read_header(encoded(picture(), format), file="x")


def test_broken_exif_is_ignored() -> None:
    data = encoded(picture(), exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    assert images.read_header(data, file="x").orientation == 1


def _tiff_with_directory_at_the_end() -> bytes:
    pixel_bytes = bytes(1200 * 1000)
    tags = [(256, 1200), (257, 1000), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1000), (279, len(pixel_bytes))]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return struct.pack("<2sHI", b"II", 42, 8 + len(pixel_bytes)) + pixel_bytes + directory + bytes(4)


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        pytest.param(jpeg(1000, 700, orientation=6) + bytes(80_000), [64 << 10], id="short header"),
        pytest.param(jpeg(), [64 << 10], id="small file"),
        pytest.param(
            encoded(picture(), exif=b"Exif\0\0" + bytes(60_000), icc_profile=bytes(90_000)),
            [64 << 10, 1 << 20],
            id="long header",
        ),
        pytest.param(encoded(NOISE, "WEBP", lossless=True), [64 << 10, 1 << 20], id="needs the whole file"),
        pytest.param(_tiff_with_directory_at_the_end(), [64 << 10, 1 << 20, -1], id="directory at the end"),
    ],
)
def test_as_little_as_possible_is_read_for_a_header(data: bytes, asked: list[int]) -> None:
    sizes: list[int] = []

    def read_prefix(size: int) -> bytes:
        sizes.append(size)
        return data if size < 0 else data[:size]

    assert images.read_header_from_prefix(read_prefix, file="x") == images.read_header(data, file="x")
    assert sizes == asked


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(b"just text\n" * 50, "note.jpg", id="text named jpg"),
        pytest.param(b"", "empty.png", id="empty"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.svg", id="svg"),
        pytest.param(jpeg()[:30], "cut.jpg", id="cut in the header"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "x.eps", id="would start a program"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, name: str) -> None:
    for read in (
        lambda: images.read_header(data, file=name),
        lambda: images.decode_rgb(data, file=name),
        lambda: images.original_bytes(data, file=name),
        lambda: images.preview_jpeg(data, file=name),
        lambda: images.read_header_from_prefix(lambda size: data, file=name),
    ):
        with pytest.raises(MediaError) as caught:
            read()
        assert caught.value.file == name


def _png_of_size(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def test_huge_declared_images_are_refused_before_decoding() -> None:
    bomb = _png_of_size(100_000, 100_000) + bytes(100_000)
    with pytest.raises(MediaError, match="limit"):
        images.read_header(bomb, file="x")
    with pytest.raises(MediaError, match="limit"):
        images.read_header_from_prefix(lambda size: bomb[:size], file="x")
    with pytest.raises(MediaError, match="limit"):
        images.compressed_jpeg(bomb, 70, file="x")


def test_the_pixel_limit_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    images.set_pixel_limit(64 * 48)
    images.decode_rgb(jpeg(64, 48), file="x")
    with pytest.raises(MediaError, match="3072 pixels"):
        images.decode_rgb(jpeg(65, 48), file="x")


def test_truncated_images_are_loaded_as_far_as_they_go() -> None:
    data = jpeg(320, 240)
    shown = pixels(images.compressed_jpeg(data[: len(data) // 2], 90, file="x"))
    assert difference(shown[:60], pixels(data)[:60]) < 3


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "TIFF"])
def test_original_quality_keeps_the_bytes(format: str) -> None:
    data = encoded(picture(), format)
    assert images.original_bytes(data, file="x") is data


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_original_quality_turns_pictures_upright_in_their_format(format: str) -> None:
    exif = Image.Exif()
    exif[274] = 6
    data = encoded(picture(60, 40), format, exif=exif, icc_profile=b"profile")
    turned = images.original_bytes(data, file="x")
    with Image.open(io.BytesIO(turned)) as image:
        assert (image.format, image.size, image.getexif().get(274, 1)) == (format, (40, 60), 1)
        assert image.info["icc_profile"] == b"profile"
    assert difference(pixels(turned), np.asarray(upright(data))) < 3


@pytest.mark.parametrize("orientation", [1, 8])
def test_original_tiff_is_saved_anew_with_lzw(orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = encoded(picture(60, 40), "TIFF", exif=exif)
    with Image.open(io.BytesIO(images.original_bytes(data, file="x"))) as image:
        assert image.info["compression"] == "tiff_lzw"
        assert image.tobytes() == upright(data).tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "I;16", "F"])
def test_every_pixel_mode_becomes_an_rgb_jpeg(mode: str) -> None:
    image = Image.new(mode, (20, 10))
    data = encoded(image, "TIFF")
    with Image.open(io.BytesIO(images.compressed_jpeg(data, 70, file="x"))) as out:
        assert (out.format, out.mode, out.size) == ("JPEG", "RGB", (20, 10))


def test_transparent_gifs_show_their_first_frame() -> None:
    frames = [picture(30, 20, seed) for seed in range(3)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert images.decode_rgb(data, file="x").tobytes() == upright(data).tobytes()
    assert images.original_bytes(data, file="x") is data


def test_deep_greyscale_is_stretched_to_its_range() -> None:
    values = np.linspace(1000, 1400, 64 * 48).reshape(48, 64).astype(np.uint16)
    shown = np.asarray(images.decode_rgb(encoded(Image.fromarray(values), "PNG"), file="x"))
    assert (shown.min(), shown.max()) == (0, 255)
    assert np.all(np.diff(shown[:, 0, 0].astype(int)) >= 0)


def test_32_bit_greyscale_is_scaled_to_its_maximum() -> None:
    values = np.array([[0, 50_000, 100_000]], np.int32)
    assert np.asarray(images.decode_rgb(encoded(Image.fromarray(values), "TIFF"), file="x"))[0, :, 0].tolist() == [
        0,
        128,
        255,
    ]


def test_compressed_quality_is_what_a_plain_encoder_makes() -> None:
    data = jpeg(200, 100)
    assert images.compressed_jpeg(data, 70, file="x") == encoded(Image.fromarray(pixels(data)), quality=70)
    assert len(images.compressed_jpeg(data, 0, file="x")) < len(images.compressed_jpeg(data, 100, file="x"))


@pytest.mark.parametrize(
    ("size", "expected"), [((1000, 500), (256, 128)), ((500, 1000), (128, 256)), ((100, 50), (100, 50))]
)
def test_previews_fit_into_their_square(size: tuple[int, int], expected: tuple[int, int]) -> None:
    for format in ("JPEG", "PNG"):
        with Image.open(io.BytesIO(images.preview_jpeg(encoded(picture(*size), format), file="x"))) as preview:
            assert (preview.format, preview.size) == ("JPEG", expected)


def test_previews_are_upright() -> None:
    data = jpeg(1000, 500, orientation=6)
    with Image.open(io.BytesIO(images.preview_jpeg(data, file="x"))) as preview:
        assert preview.size == (128, 256)
        shown = np.asarray(preview)
    assert difference(shown, np.asarray(upright(data).resize((128, 256)))) < 6


def test_placeholders_are_one_pixel() -> None:
    assert pixels(images.placeholder_jpeg()).shape == (1, 1, 3)


def test_files_are_read_where_they_lie(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(encoded(picture(), "TIFF"))
    with path.open("rb") as file:
        assert images.read_header(file, file="x").width == 64
        assert not file.closed


def test_checksums_are_over_native_pixels() -> None:
    data = encoded(picture().convert("L"), "PNG")
    assert images.checksum_bytes(data, file="x") == picture().convert("L").tobytes()
