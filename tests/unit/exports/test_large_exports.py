"""Exports in processes of their own: the same bytes under any hash seed, and memory that does not grow with the task."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMES = [
    "CVAT for images 1.1",
    "CVAT for video 1.1",
    "COCO 1.0",
    "Datumaro 1.0",
    "PASCAL VOC 1.1",
    "YOLO 1.1",
    "Ultralytics YOLO Detection 1.0",
    "Ultralytics YOLO Segmentation 1.0",
]
FLAT_KIB = 8 * 1024
KIB_PER_MEMBER = 0.7
"""Python keeps the directory of the archive in memory: about 350 to 600 bytes a member."""


def run(name: str, frames: int, boxes: int, *, seed: int = 0) -> list[str]:
    kind = "polygon" if "Segmentation" in name else "rectangle"
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.exports.generated", name, str(frames), str(boxes), kind],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout.split()


@pytest.mark.parametrize("name", NAMES)
def test_the_hash_seed_does_not_show_in_the_bytes(name: str) -> None:
    assert run(name, 20, 3, seed=1)[0] == run(name, 20, 3, seed=2)[0]


@pytest.mark.parametrize(
    ("name", "members_per_frame"), [("CVAT for images 1.1", 0), ("COCO 1.0", 0), ("Datumaro 1.0", 0), ("YOLO 1.1", 1)]
)
def test_memory_does_not_follow_the_number_of_frames(name: str, members_per_frame: int) -> None:
    frames = 20_000
    _, _, before, after, objects = run(name, frames, 10)
    assert int(objects) == frames * 10
    assert int(after) - int(before) < FLAT_KIB + frames * members_per_frame * KIB_PER_MEMBER
