"""Still images: headers without decoding, frame bytes in both qualities, previews.

Importing this module makes Pillow of this process load truncated images as far as they go (domain/MEDIA.md §6);
`set_pixel_limit` moves the limit above which Pillow refuses to decode. For worker processes: not for several
threads at once.
"""

import functools
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Final, cast

import numpy as np
from PIL import Image, ImageFile, ImageOps

from limner_media.core.errors import MediaError
from limner_media.core.kinds import extension_of
from limner_media.core.watched import WatchedFile

DEFAULT_MAX_PIXELS: Final = 178_956_970
PREVIEW_SIDE_PX: Final = 256
_PREVIEW_QUALITY: Final = 85
_ORIENTATION_TAG: Final = 274
# Prefixes tried one after the other; 64 KiB holds the header of nearly every photo, camera thumbnails included.
_PREFIX_BYTES: Final = (64 << 10, 1 << 20)
# Formats that are decoded in this process from data alone. Others that the library knows are left out on purpose: some start
# programs (EPS), some need companions, some draw vectors.
_FORMATS: Final = (
    *("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM", "DIB", "ICO", "ICNS", "TGA", "PCX"),
    *("DCX", "SGI", "DDS", "PSD", "QOI", "MSP", "CUR", "XBM", "XPM", "BLP"),
)
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

ImageFile.LOAD_TRUNCATED_IMAGES = True


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What is known of an image without decoding it.

    Attributes:
        width: Width in pixels once upright.
        height: Height in pixels once upright.
        format: Name of the file format in upper case, such as ``JPEG``.
        orientation: EXIF orientation 1..8 still to be applied to the decoded pixels.
    """

    width: int
    height: int
    format: str
    orientation: int


def set_pixel_limit(max_pixels: int) -> None:
    """Refuse images of more pixels than this in the whole process; called once when a worker starts."""
    # The library raises at twice its setting and warns (muted here) between.
    Image.MAX_IMAGE_PIXELS = (max_pixels + 1) // 2


def read_header(source: IO[bytes] | bytes, *, file: str) -> ImageHeader:
    """Read size, format and orientation; no pixel is decoded.

    Args:
        source: A seekable binary file, of which only the parts needed are read, or the whole image.
        file: Name of the image, for messages.

    Raises:
        MediaError: It is no image that can be read, or has more pixels than allowed.
    """
    with _opened(source, file) as image:
        orientation = _orientation(image)
        width, height = image.size
        if orientation > 4:
            width, height = height, width
        return ImageHeader(width, height, image.format or "", orientation)


def read_header_from_prefix(read_prefix: Callable[[int], bytes], *, file: str) -> ImageHeader:
    """Read a header from as few leading bytes as possible: 64 KiB, then 1 MiB, then the whole file.

    Args:
        read_prefix: Gives the first n bytes of the image, all of it when it is shorter; -1 asks for all.
        file: Name of the image, for messages.

    Raises:
        MediaError: As in `read_header`.
    """
    for size in _PREFIX_BYTES:
        prefix = read_prefix(size)
        if len(prefix) < size:
            return read_header(prefix, file=file)
        try:
            return read_header(prefix, file=file)
        except MediaError as error:
            if isinstance(error.__cause__, Image.DecompressionBombError):
                raise
    return read_header(read_prefix(-1), file=file)


def original_bytes(data: bytes, *, file: str) -> bytes:
    """The image in original quality: the same bytes wherever a viewer would show them upright by itself.

    Images with an EXIF orientation other than 1 are turned upright and encoded anew in their format (quality 100, full
    colour resolution); TIFF, which browsers cannot show as it comes, is re-saved upright with LZW.

    Raises:
        MediaError: It is no image that can be read or written back.

    Source: domain/MEDIA.md §6.
    """
    with _opened(data, file) as image:
        if image.format != "TIFF" and _orientation(image) == 1:
            return data
        upright = _upright(image)
        return _save_like(upright, image)


def compressed_jpeg(data: bytes, quality: int, *, file: str) -> bytes:
    """The image as an upright 8-bit RGB JPEG of the same size.

    Args:
        data: The image file.
        quality: JPEG quality 0..100.
        file: Name of the image, for messages.

    Raises:
        MediaError: It is no image that can be read.

    Source: domain/MEDIA.md §6. Huffman tables are not optimised: that costs a third more time and saves a twentieth of size.
    """
    return encode_jpeg(decode_rgb(data, file=file), quality)


def decode_rgb(data: bytes, *, file: str) -> Image.Image:
    """Decode to an upright 8-bit RGB image; a truncated file gives what there is.

    Raises:
        MediaError: It is no image that can be read.
    """
    with _opened(data, file) as image:
        return _to_rgb(_upright(image))


def encode_jpeg(image: Image.Image, quality: int, *, full_colour: bool = False) -> bytes:
    """Encode an RGB image as baseline JPEG; ``full_colour`` keeps the colour resolution (4:4:4)."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=min(100, max(1, quality)), subsampling=0 if full_colour else -1)
    return out.getvalue()


def preview_jpeg(data: bytes, *, file: str, side_px: int = PREVIEW_SIDE_PX) -> bytes:
    """A thumbnail that fits into a square, as JPEG, upright, never enlarged; decodes JPEG at reduced size.

    Raises:
        MediaError: It is no image that can be read.
    """
    with _opened(data, file) as image:
        image.draft("RGB", (side_px, side_px))
        return encode_preview(_to_rgb(_upright(image)), side_px=side_px)


def encode_preview(image: Image.Image, *, side_px: int = PREVIEW_SIDE_PX) -> bytes:
    """Shrink an RGB image into a square and encode it as JPEG; the image itself may be changed."""
    image.thumbnail((side_px, side_px))
    return encode_jpeg(image, _PREVIEW_QUALITY)


def placeholder_jpeg() -> bytes:
    """A black JPEG of one pixel that stands for a frame which is not part of a job."""
    return encode_jpeg(Image.new("RGB", (1, 1)), 100)


def checksum_bytes(data: bytes, *, file: str) -> bytes:
    """Pixels as the manifest's checksum wants them: native mode, not turned, rows from the top.

    Raises:
        MediaError: It is no image that can be read.
    """
    with _opened(data, file) as image:
        return image.tobytes()


@contextmanager
def _opened(source: IO[bytes] | bytes, file: str) -> Iterator[ImageFile.ImageFile]:
    """Open an image, and say what is wrong with it when that or the work on it fails."""
    watched = None if isinstance(source, bytes) else WatchedFile(source)
    stream = io.BytesIO(source) if isinstance(source, bytes) else cast(IO[bytes], watched)
    try:
        # What the library warns of (broken EXIF, sizes below the limit …) is either harmless or refused here.
        with warnings.catch_warnings(action="ignore"), Image.open(stream, formats=_formats()) as image:
            yield image
    except Image.DecompressionBombError as error:
        raise MediaError(f"the image is larger than the limit of {_limit()} pixels", file=file) from error
    except MediaError:
        raise
    except Exception as error:  # Decoders raise anything from OSError to IndexError on damaged data.
        if watched is not None:
            watched.raise_failure()
        what = "SVG drawings are not supported" if extension_of(file) == "svg" else "this is not an image that can be read"
        raise MediaError(what, file=file) from error


@functools.cache
def _formats() -> tuple[str, ...]:
    """The formats that this build of the library has; it fails on names it does not know."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _limit() -> int:
    return 2 * (Image.MAX_IMAGE_PIXELS or 0)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation still to be applied; 1 for TIFF, which the library turns by itself on decoding."""
    if image.format == "TIFF":
        return 1
    try:
        # The PNG version of this method decodes the picture to look for EXIF behind it; the base version does not.
        value = Image.Image.getexif(image).get(_ORIENTATION_TAG, 1)
    except Exception:  # Broken EXIF is no reason to refuse the picture.
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _upright(image: Image.Image) -> Image.Image:
    method = _UPRIGHT.get(_orientation(image))
    image.load()
    return image.transpose(method) if method is not None else image


def _to_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB; deep greyscale is stretched to the range it uses (domain/MEDIA.md §6)."""
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.float32)
        values -= values.min()
        values *= 255 / max(1.0, float(values.max()))
        image = ImageOps.equalize(Image.fromarray(values.astype(np.uint8)))
    elif image.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(image).astype(np.float64))
        values *= 256 / max(1.0, float(values.max()))
        image = Image.fromarray(values.clip(0, 255).astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")


def _save_like(upright: Image.Image, source: ImageFile.ImageFile) -> bytes:
    """Encode in the format of the source, colour profile kept, orientation gone."""
    out = io.BytesIO()
    profile = source.info.get("icc_profile")
    match source.format:
        case "TIFF":
            upright.save(out, "TIFF", compression="tiff_lzw", exif=b"", icc_profile=profile)
        case "JPEG" | "MPO":
            upright.save(out, "JPEG", quality=100, subsampling=0, icc_profile=profile)
        case "WEBP":
            upright.save(out, "WEBP", quality=100, method=2, icc_profile=profile or "")
        case name:
            upright.save(out, name, quality=100)
    return out.getvalue()
