"""Synthetic media and annotations, the same in every run; media are kept in a temporary folder between runs."""

import io
import json
import random
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

PHOTO_SIZE = (1280, 960)
PHOTO_COUNT = 500
VIDEO_SIZE = (1920, 1080)
VIDEO_FRAMES = 1800
VIDEO_RATE = 30
#: Changes when the content made here does.
_VERSION = "3"
_REPEATS = 3
_GRAIN = 6.0
_ENCODING = {"preset": "ultrafast", "coder": "1", "crf": "28", "sc_threshold": "0", "bf": "2"}

LABELS: list[dict[str, Any]] = [
    {
        "name": "car",
        "attributes": [
            {"name": "color", "mutable": True, "input_type": "select", "default_value": "red", "values": ["red", "blue"]},
            {"name": "plate", "mutable": False, "input_type": "text", "default_value": "", "values": []},
        ],
    },
    {"name": "person", "attributes": []},
]


class Media:
    """Files made on first use.

    Args:
        folder: Where they are kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir()) / f"limner-bench-data-{_VERSION}"
        self._folder.mkdir(parents=True, exist_ok=True)

    def photos(self, count: int = PHOTO_COUNT) -> list[Path]:
        """Return noisy photos of 1280×960, about 440 kB each."""
        folder = self._folder / "photos"
        paths = [folder / f"photo_{number:04d}.jpg" for number in range(PHOTO_COUNT)]
        if not paths[-1].exists():
            folder.mkdir(exist_ok=True)
            _write_photos(paths)
        return paths[:count]

    def video(self, gop: int) -> Path:
        """Return a video of 1080p, 60 s, H.264 with B-frames, a key frame every ``gop`` frames."""
        return self._made(f"film_{gop}.mp4", lambda path: _write_video(path, gop))

    def small_images(self, count: int) -> Path:
        """Return a zip of small pictures, all alike."""
        return self._made(f"small_{count}.zip", lambda path: _write_small_images(path, count))

    def _made(self, name: str, make: Callable[[Path], None]) -> Path:
        path = self._folder / name
        if not path.exists():
            draft = path.with_name(f".{name}")
            make(draft)
            draft.replace(path)
        return path


def _noise(width: int, height: int, strength: float) -> np.ndarray:
    """Return a picture of shape (height, width, 3), uint8: soft colours under noise, as a camera at dusk."""
    generator = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width]
    soft = np.stack([127 + 100 * np.sin(x / 97), 127 + 100 * np.sin(y / 71), 127 + 100 * np.sin((x + y) / 113)], axis=-1)
    return np.clip(soft + generator.normal(0, strength, soft.shape), 0, 255).astype(np.uint8)


def _write_photos(paths: list[Path]) -> None:
    base = _noise(*PHOTO_SIZE, strength=15)
    for number, path in reversed(list(enumerate(paths))):
        picture = Image.fromarray(np.roll(base, (number * 7, number * 13), axis=(0, 1)))
        picture.save(path, quality=87)


def _write_video(path: Path, gop: int) -> None:
    """Encode a third of the video and write its packets three times over: groups of pictures are closed."""
    frames = VIDEO_FRAMES // _REPEATS
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264", rate=VIDEO_RATE, options={**_ENCODING, "g": str(gop), "keyint_min": str(gop)}
        )
        stream.width, stream.height, stream.pix_fmt = *VIDEO_SIZE, "yuv420p"
        stream.time_base = Fraction(1, VIDEO_RATE)
        encoded = [packet for frame in [*_moving_noise(frames), None] for packet in stream.encode(frame)]
        tick = Fraction(1, VIDEO_RATE)
        kept = [(bytes(packet), packet.pts or 0, packet.dts or 0, packet.is_keyframe) for packet in encoded]
        for turn in range(_REPEATS):
            for data, pts, dts, is_keyframe in kept:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = stream, tick, is_keyframe
                packet.pts, packet.dts = (time + turn * frames for time in (pts, dts))
                container.mux(packet)


def _moving_noise(frames: int) -> Iterator[av.VideoFrame]:
    width, height = VIDEO_SIZE
    generator = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width]
    soft = 127 + 60 * np.sin(x / 97) + 40 * np.sin(y / 71)
    grains = [np.clip(soft + generator.normal(0, _GRAIN, soft.shape), 0, 255).astype(np.uint8) for _ in range(6)]
    for number in range(frames):
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height] = np.roll(grains[number % len(grains)], (number // 2, number * 2), axis=(0, 1))
        planes[: height // 8, : width // 8] = number * 37 % 256
        yield av.VideoFrame.from_ndarray(planes, format="yuv420p")


def _write_small_images(path: Path, count: int) -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 150)).save(out, "JPEG", quality=70)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            archive.writestr(f"image_{number:06d}.jpg", out.getvalue())


def attributes_of(labels: list[dict[str, Any]], name: str) -> tuple[int, list[int]]:
    """Return the ids of a label of ``GET /api/labels`` and of its attributes."""
    label = next(label for label in labels if label["name"] == name)
    return label["id"], [attribute["id"] for attribute in label["attributes"]]


def rectangles(count: int, label_id: int, attribute_ids: list[int], *, frames: int) -> bytes:
    """Return a document of rectangles with two attributes, spread evenly over frames."""
    values = [{"spec_id": attribute_ids[0], "value": "blue"}, {"spec_id": attribute_ids[1], "value": "B AT 1234"}]
    return _document([_rectangle(number * frames // count, number, label_id, values) for number in range(count)])


def mixed_shapes(count: int, labels: list[dict[str, Any]], *, frames: int, first: int = 0) -> bytes:
    """Return a document of two rectangles to one polygon of 12 points, spread evenly over frames from ``first`` on."""
    car, attributes = attributes_of(labels, "car")
    person, _ = attributes_of(labels, "person")
    values = [{"spec_id": attributes[0], "value": "blue"}, {"spec_id": attributes[1], "value": "B AT 1234"}]
    shapes = []
    for number in range(count):
        frame = first + number * frames // count
        shapes.append(_polygon(frame, number, person) if number % 3 == 2 else _rectangle(frame, number, car, values))
    return _document(shapes)


def _rectangle(frame: int, number: int, label_id: int, values: list[dict[str, Any]]) -> dict[str, Any]:
    left, top = number % 31 + 0.25, number % 23 + 0.5
    points = [left, top, left + 20.13, top + 15.77]
    return _shape("rectangle", frame, label_id, points, values)


def _polygon(frame: int, number: int, label_id: int) -> dict[str, Any]:
    dice = random.Random(number)
    points = [round(dice.uniform(1, 47), 2) for _ in range(24)]
    return _shape("polygon", frame, label_id, points, [])


def _shape(kind: str, frame: int, label_id: int, points: list[float], values: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": kind,
        "frame": frame,
        "label_id": label_id,
        "points": points,
        "attributes": values,
        "occluded": False,
        "z_order": 0,
        "rotation": 0.0,
        "group": 0,
        "source": "manual",
        "outside": False,
        "elements": [],
    }


def _document(shapes: list[dict[str, Any]]) -> bytes:
    return json.dumps({"version": 0, "tags": [], "shapes": shapes, "tracks": []}, separators=(",", ":")).encode()
