"""Small pictures and videos for tests, drawn here; every frame shows its number in its colours."""

import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image


def picture(number: int, width: int = 64, height: int = 48) -> Image.Image:
    """A picture whose pixels follow from its number."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [(x * 3 + number * 17) % 256, (y * 5 + number * 29) % 256, np.full_like(x, number * 40 % 256)]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def write_pictures(folder: Path, count: int, *, extension: str = "png", width: int = 64, height: int = 48) -> list[Path]:
    """Write numbered pictures and return their paths in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"image_{number:03d}.{extension}" for number in range(count)]
    for number, path in enumerate(paths):
        picture(number, width, height).save(path)
    return paths


def write_zip(path: Path, pictures: list[Path]) -> Path:
    """Pack pictures under their bare names."""
    with zipfile.ZipFile(path, "w") as archive:
        for item in pictures:
            archive.write(item, item.name)
    return path


def write_video(path: Path, frames: int, *, width: int = 96, height: int = 64, rate: int = 25, gop: int = 12) -> Path:
    """Write an H.264 video with B-frames whose frames follow from their numbers."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"g": str(gop), "bf": "2", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, rate)
        for number in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_image(picture(number, width, height))))
        container.mux(stream.encode(None))
    return path


def decode_all(path: Path) -> list[Image.Image]:
    """Return every frame of a video as PyAV decodes it from start to end."""
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]
