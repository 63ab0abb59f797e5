"""``limner manifest create`` as people and scripts call it."""

import json
from pathlib import Path

import pytest

from tests.integration.allinone.conftest import Limner
from tests.support.pictures import write_pictures, write_video


def lines_of(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


async def test_a_folder_of_images(process: Limner, tmp_path: Path) -> None:
    write_pictures(tmp_path / "images" / "inner", 3)
    done = await process("manifest", "create", tmp_path / "images", "--output-dir", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    version, kind, *frames = lines_of(tmp_path / "out")
    assert (version, kind) == ({"version": "1.1"}, {"type": "images"})
    assert [(frame["name"], frame["extension"], frame["width"], frame["height"]) for frame in frames] == [
        (f"inner/image_{number:03d}", ".png", 64, 48) for number in range(3)
    ]


async def test_a_pattern_in_an_order_of_its_own(limner: Limner, tmp_path: Path) -> None:
    images = write_pictures(tmp_path / "images", 3)
    images[0].rename(tmp_path / "images" / "image_10.png")
    images[1].rename(tmp_path / "images" / "image_9.png")
    done = await limner(
        "manifest", "create", f"{tmp_path}/images/*_?*.png", "--sorting", "natural", "--output-dir", tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert [frame["name"] for frame in lines_of(tmp_path)[2:]] == ["image_002", "image_9", "image_10"]


async def test_a_video(limner: Limner, tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.mp4", 30, gop=10)
    done = await limner("manifest", "create", video, "--output-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    _, kind, properties, *key_frames = lines_of(tmp_path)
    assert kind == {"type": "video"}
    assert properties["properties"] == {"name": "film.mp4", "resolution": [96, 64], "length": 30}
    assert [frame["number"] for frame in key_frames] == [0, 10, 20]


async def test_a_video_with_too_few_key_frames_is_written_when_forced(limner: Limner, tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.mp4", 120, gop=250)
    refused = await limner("manifest", "create", video, "--output-dir", tmp_path / "out")
    assert refused.returncode == 2
    assert "--force" in refused.stderr and "Traceback" not in refused.stderr
    assert not (tmp_path / "out").exists()
    forced = await limner("manifest", "create", video, "--output-dir", tmp_path / "out", "--force")
    assert forced.returncode == 0, forced.stderr
    assert len(lines_of(tmp_path / "out")) == 4


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("notes.txt", "no images or point clouds were found"),
        ("broken.png", "broken.png"),
        ("nowhere", "nowhere"),
        ("nowhere.mp4", "nowhere.mp4"),
    ],
)
async def test_what_cannot_be_used_is_named(limner: Limner, tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    done = await limner("manifest", "create", tmp_path / source, "--output-dir", tmp_path / "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
