"""The picture that stands for a point cloud where a preview is asked for."""

import random

from PIL import Image, ImageDraw

from limner_media.core.images import PREVIEW_SIDE_PX, encode_jpeg

_BACKGROUND = (24, 27, 33)
_POINTS = 1400
_QUALITY = 85


def point_cloud_preview() -> bytes:
    """Draw a small point cloud as JPEG; always the same picture."""
    picture = Image.new("RGB", (PREVIEW_SIDE_PX, PREVIEW_SIDE_PX), _BACKGROUND)
    draw = ImageDraw.Draw(picture)
    source = random.Random(7)
    for _ in range(_POINTS):
        # A plane that runs away from the viewer, with a box standing on it.
        depth = source.random()
        x = PREVIEW_SIDE_PX * (0.5 + (source.random() - 0.5) * (0.35 + 0.65 * depth))
        y = PREVIEW_SIDE_PX * (0.45 + 0.5 * depth * depth)
        draw.point((x, y), fill=(70, 130 + int(100 * depth), 180))
        if source.random() < 0.35:
            draw.point((96 + 70 * source.random(), 80 + 70 * source.random()), fill=(236, 180, 84))
    return encode_jpeg(picture, _QUALITY)
