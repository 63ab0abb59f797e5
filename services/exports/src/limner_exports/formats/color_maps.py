"""Pictures in which colours stand for classes or instances.

Source: FORMATS.md §3.4.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from limner_exports.formats.base import FormatError
from limner_model.colors import RGB
from limner_model.rle import CroppedMask, clip_mask

_PNG_LEVEL = 1
MAX_PIXELS = 1 << 26
"""Largest picture that is decoded."""


def encode_color_map(
    painted: Sequence[tuple[int, CroppedMask]], color_of: Callable[[int], RGB], *, width: int, height: int
) -> bytes:
    """Paint masks over each other and encode the picture as RGB PNG.

    Args:
        painted: Index of the colour and mask, in painting order; later ones cover earlier ones.
        color_of: Colour of an index; index 0 is the background.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
    """
    # Imported here: only pictures need it.
    import cv2

    indices = np.zeros((height, width), dtype=np.uint32)
    for index, mask in painted:
        inside = clip_mask(mask, width=width, height=height)
        if inside is None:
            continue
        rows, columns = inside.bitmap.shape
        region = indices[inside.top : inside.top + rows, inside.left : inside.left + columns]
        region[inside.bitmap] = index
    colors = np.array([color_of(index) for index in range(int(indices.max()) + 1)], dtype=np.uint8)
    is_written, data = cv2.imencode(".png", colors[indices][:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
    if not is_written:
        raise FormatError(f"a picture of {width} x {height} pixels cannot be encoded")
    return data.tobytes()


def decode_color_map(data: bytes, where: str) -> NDArray[np.uint32]:
    """Decode a picture into numbers ``r << 16 | g << 8 | b``, shape (height, width).

    Palettes are resolved; grey pictures give equal parts.

    Raises:
        FormatError: Not a picture, or larger than ``MAX_PIXELS``.
    """
    # Imported here: only pictures need it.
    import cv2

    width, height = png_size(data, where)
    if width * height > MAX_PIXELS:
        raise FormatError(f"the picture of {width} x {height} pixels is too large", where)
    picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise FormatError("the picture cannot be decoded", where)
    blue, green, red = (picture[:, :, channel].astype(np.uint32) for channel in range(3))
    packed: NDArray[np.uint32] = red << 16 | green << 8 | blue
    return packed


def png_size(data: bytes, where: str) -> tuple[int, int]:
    """Width and height of a PNG from its header.

    Raises:
        FormatError: The data are not a PNG.
    """
    if len(data) < 24 or not data.startswith(b"\x89PNG\r\n\x1a\n"):
        raise FormatError("not a PNG picture", where)
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
