"""Colours of labels and of the VOC palette.

Source: the PASCAL VOC development kit's colour map; CVAT's generation of label colours.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

RGB = tuple[int, int, int]


def voc_color(index: int) -> RGB:
    """Return colour ``index`` (>= 0) of the VOC palette; the colours repeat after 2**24."""
    red = green = blue = 0
    for shift in range(7, -1, -1):
        red |= (index & 1) << shift
        green |= ((index >> 1) & 1) << shift
        blue |= ((index >> 2) & 1) << shift
        index >>= 3
    return red, green, blue


def label_color(name: str, taken: Iterable[str] = ()) -> str:
    """Choose a colour for a label from its name, unlike the colours of its siblings.

    The same name gives the same colour when nothing is taken. On a clash tints, then shades are tried in tenths, then the
    middle of the largest gap of each channel.

    Args:
        name: Name of the label.
        taken: Colours ``#rrggbb`` in use, in any case of letters.

    Returns:
        A colour ``#rrggbb`` in lower case.
    """
    used = [rgb_from_hex(color) for color in taken]
    base = voc_color(int.from_bytes(hashlib.blake2s(_normalise(name).encode(), digest_size=3).digest(), "big"))
    for color in (base, *_tints(base), *_shades(base)):
        if color not in used:
            return hex_from_rgb(color)
    return hex_from_rgb((_gap_middle(used, 0), _gap_middle(used, 1), _gap_middle(used, 2)))


def rgb_from_hex(color: str) -> RGB:
    """Read ``#rrggbb``, with or without the sign.

    Raises:
        ValueError: The text is not six hexadecimal digits.
    """
    digits = color.removeprefix("#")
    if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
        raise ValueError(f"{color!r} is not a colour of the form #rrggbb")
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def hex_from_rgb(color: RGB) -> str:
    """Write a colour as ``#rrggbb`` in lower case."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def _normalise(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", ascii_name).strip("_")
    # A name without any ASCII letter keeps its own identity instead of sharing the empty slug.
    return slug or name


def _tints(color: RGB) -> Iterable[RGB]:
    for tenths in range(1, 10):
        red, green, blue = (channel + (255 - channel) * tenths // 10 for channel in color)
        yield red, green, blue


def _shades(color: RGB) -> Iterable[RGB]:
    for tenths in range(9, 0, -1):
        red, green, blue = (channel * tenths // 10 for channel in color)
        yield red, green, blue


def _gap_middle(used: Iterable[RGB], channel: int) -> int:
    marks = sorted({0, 255, *(color[channel] for color in used)})
    low, high = max(pairwise(marks), key=lambda gap: gap[1] - gap[0])
    return (low + high) // 2
