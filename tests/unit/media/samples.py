"""Small media made on the spot, and the plain ways of reading them that results are compared with."""

import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

GOLDEN = Path(__file__).parents[2] / "golden" / "media"


def picture(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    """Smooth colours that survive JPEG, different for each seed, without symmetry."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def jpeg(width: int = 64, height: int = 48, seed: int = 0, *, orientation: int = 1) -> bytes:
    if orientation == 1:
        return encoded(picture(width, height, seed), quality=90)
    exif = Image.Exif()
    exif[274] = orientation
    return encoded(picture(width, height, seed), quality=90, exif=exif)


def pixels(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def difference(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> float:
    """Mean absolute difference of two pictures of one shape."""
    assert left.shape == right.shape
    return float(np.abs(left.astype(np.int16) - right.astype(np.int16)).mean())


def zip_of(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tar_of(files: Mapping[str, bytes | tarfile.TarInfo], *, mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def write_video(
    path: Path,
    *,
    frames: int = 40,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    gop: int = 12,
    b_frames: int = 2,
    times_ms: Sequence[int] | None = None,
    rotation: int = 0,
    options: Mapping[str, str] | None = None,
    format: str | None = None,
    chapters: Sequence[tuple[int, int, str]] = (),
) -> Path:
    """Write a video whose n-th frame differs from all others; times are in milliseconds, 40 apart by default."""
    width, height = size
    with av.open(str(path), "w", format=format) as container:
        stream: Any = container.add_stream(codec, rate=25, options=dict(options or {}))
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, "yuv420p", gop
        stream.codec_context.time_base = Fraction(1, 25 if codec == "mpeg2video" else 1000)
        if b_frames:
            stream.max_b_frames = b_frames
        if rotation:
            stream.set_display_rotation(rotation)
        if chapters:
            container.set_chapters(
                [
                    {"id": number, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                    for number, (start, end, title) in enumerate(chapters)
                ]
            )
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(_numbered(number, width, height), format="rgb24")
            frame.pts = times_ms[number] if times_ms else number * 40
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def decoded_frames(path: Path) -> list[NDArray[np.uint8]]:
    """All frames of a video in order, as the plain loop of the library gives them, RGB, not turned."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in container.decode(video=0)]


def _numbered(number: int, width: int, height: int) -> NDArray[np.uint8]:
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :, 0] = number * 5 % 256
    image[: height // 2, : width // 2, 1] = 200
    image[:, (number * 3) % width :, 2] = 120
    return image


def pcd(points: int = 5, *, width: int | None = None, height: int = 1, version: str = "0.7") -> bytes:
    width = points if width is None else width
    rows = "\n".join(f"{n} {n + 1} {n + 2} 0.5" for n in range(points))
    return (
        f"# a comment\nVERSION {version}\nFIELDS x y z intensity\nSIZE 4 4 4 4\nTYPE F F F F\nCOUNT 1 1 1 1\n"
        f"WIDTH {width}\nHEIGHT {height}\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {points}\nDATA ascii\n{rows}\n"
    ).encode()
