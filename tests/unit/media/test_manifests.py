from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner_media.core.errors import MediaError, TooFewKeyFramesError
from limner_media.core.manifest_making import make_manifest, refuse_sparse_key_frames, video_manifest
from limner_media.core.manifests import (
    ImageItem,
    ImageManifest,
    KeyFrame,
    VideoManifest,
    create_manifest,
    match_images,
    order_by_manifest,
    read_manifest,
    refuse_wrong_video,
    write_manifest,
)
from limner_media.core.selection import SortingMethod
from limner_media.core.video import scan_video
from limner_media.core.video_index import VideoIndex

from .samples import GOLDEN, jpeg, pcd, write_video

IMAGES = ImageManifest(
    (
        ImageItem("a/b.c.jpg", 3, 4, ("related_images/x.png",), "00ff"),
        None,
        ImageItem("x.PCD"),
        ImageItem("müller", 1, 2),
    )
)
VIDEO = VideoManifest("clip.mp4", 192, 144, 60, (KeyFrame(0, -5, "aa"), KeyFrame(12, 6144, "bb")))


@pytest.mark.parametrize("manifest", [IMAGES, VIDEO])
def test_what_is_written_is_read_back(manifest: ImageManifest | VideoManifest) -> None:
    assert read_manifest(write_manifest(manifest)) == manifest


def test_lines_are_compact_and_in_the_known_order() -> None:
    lines = write_manifest(IMAGES).decode().splitlines()
    assert lines[:4] == [
        '{"version":"1.1"}',
        '{"type":"images"}',
        '{"name":"a/b.c","extension":".jpg","width":3,"height":4,'
        '"meta":{"related_images":["related_images/x.png"]},"checksum":"00ff"}',
        "{}",
    ]
    assert write_manifest(VIDEO).decode().splitlines()[2:] == [
        '{"properties":{"name":"clip.mp4","resolution":[192,144],"length":60}}',
        '{"number":0,"pts":-5,"checksum":"aa"}',
        '{"number":12,"pts":6144,"checksum":"bb"}',
    ]


def test_blank_lines_old_versions_and_unknown_keys_are_fine() -> None:
    text = b'\n{"version":"1.0","x":1}\r\n\n{"type":"images"}\n{"name":"a","extension":".jpg","new":[]}\n\n'
    assert read_manifest(text) == ImageManifest((ImageItem("a.jpg"),))


HEAD = b'{"version":"1.1"}\n{"type":"images"}\n'


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "ends too early"),
        (b'{"version":"1.1"}', "ends too early"),
        (b'{"version":"2.0"}\n{"type":"images"}', "2.0"),
        (b'{"version":"1.1"}\n{"type":"sound"}', "sound"),
        (b"\x00\xff\n", "line 1"),
        (HEAD + b"{", "line 3"),
        (HEAD + b'{"name":"a","extension":".jpg","width":-1,"height":2}', "line 3"),
        (HEAD + b'{"name":"../a","extension":".jpg"}', "leaves its folder"),
        (HEAD + b'{"name":"/a","extension":".jpg"}', "absolute"),
        (HEAD + b'{"name":"a","extension":".jpg","meta":{"related_images":["../../x"]}}', "leaves its folder"),
        (b'{"version":"1.1"}\n{"type":"video"}\n{"properties":{"name":"x"}}', "line 3"),
        (b'{"version":"1.1"}\n{"type":"video"}', "ends too early"),
    ],
)
def test_malformed_manifests_are_refused(data: bytes, text: str) -> None:
    with pytest.raises(MediaError, match=text) as caught:
        read_manifest(data, file="m.jsonl")
    assert caught.value.file == "m.jsonl"


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(noise: bytes) -> None:
    with pytest.raises(MediaError):
        read_manifest(HEAD + b"[" + noise)


def test_images_must_be_in_the_manifests_order() -> None:
    manifest = ImageManifest((ImageItem("a.jpg"), None, ImageItem("d/b.jpg")))
    match_images(manifest, ["root/a.jpg", "d/b.jpg"])
    with pytest.raises(MediaError, match=r"a.jpg .* xa.jpg"):
        match_images(manifest, ["xa.jpg", "d/b.jpg"])
    with pytest.raises(MediaError, match="2 images, but there are 1"):
        match_images(manifest, ["a.jpg"])


def test_predefined_order_comes_from_the_manifest() -> None:
    manifest = ImageManifest((ImageItem("b.jpg"), ImageItem("a.jpg")))
    assert order_by_manifest(manifest, ["a.jpg", "b.jpg"]) == ["b.jpg", "a.jpg"]
    with pytest.raises(MediaError, match=r"b.jpg, c.jpg$"):
        order_by_manifest(manifest, ["a.jpg", "c.jpg"])
    with pytest.raises(MediaError, match="twice"):
        order_by_manifest(ImageManifest((ImageItem("a.jpg"), ImageItem("a.jpg"))), ["a.jpg"])


INDEX = VideoIndex(192, 144, 192, 144, 0, Fraction(1, 90000), np.arange(60) * 512 - 5, np.arange(60) % 12 == 0)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda manifest: replace(manifest, length=61), "another video"),
        (lambda manifest: replace(manifest, width=144, height=192), "another video"),
        (lambda manifest: replace(manifest, key_frames=(KeyFrame(0, 0, ""),)), "not at time 0"),
        (lambda manifest: replace(manifest, key_frames=(KeyFrame(12, 6139, ""), KeyFrame(0, -5, ""))), "do not ascend"),
        (lambda manifest: replace(manifest, key_frames=(KeyFrame(60, 0, ""),)), "do not ascend at 60"),
    ],
)
def test_video_manifests_are_checked_against_the_packets(
    change: Callable[[VideoManifest], VideoManifest], text: str
) -> None:
    manifest = replace(VIDEO, key_frames=(KeyFrame(0, -5, ""), KeyFrame(12, 6139, "")))
    refuse_wrong_video(manifest, INDEX)
    with pytest.raises(MediaError, match=text):
        refuse_wrong_video(change(manifest), INDEX)


def test_a_videos_manifest_is_the_recorded_one() -> None:
    path = GOLDEN / "b_video" / "input.mp4"
    recorded = (GOLDEN / "b_video" / "manifest.jsonl").read_bytes()
    index = scan_video(path, file="clip.mp4")
    made = video_manifest(path, index, file="clip.mp4")
    assert write_manifest(made) == recorded
    assert video_manifest(path, index, file="clip.mp4", is_thorough=False) == made
    refuse_wrong_video(made, index)


def test_a_videos_size_is_the_upright_one(tmp_path: Path) -> None:
    path = write_video(tmp_path / "r.mp4", rotation=90)
    manifest = make_manifest(path)
    assert isinstance(manifest, VideoManifest)
    assert (manifest.name, manifest.width, manifest.height, manifest.length) == ("r.mp4", 48, 64, 40)


@pytest.mark.parametrize(
    ("numbers", "frames", "is_dense"),
    [
        ([0], 108, True),
        ([0], 109, False),
        ([0, 108], 217, True),
        ([0, 108], 218, False),
        ([0, 109], 110, False),
        ([], 5, False),
        (range(0, 10_000, 108), 10_000, True),
    ],
)
def test_key_frames_must_be_dense(numbers: list[int], frames: int, is_dense: bool) -> None:
    if is_dense:
        refuse_sparse_key_frames(numbers, frames, chunk_size=36, file="x")
        return
    with pytest.raises(TooFewKeyFramesError):
        refuse_sparse_key_frames(numbers, frames, chunk_size=36, file="x")


def test_force_makes_a_manifest_with_few_key_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.mp4", frames=120, gop=250, options={"sc_threshold": "0"})
    with pytest.raises(TooFewKeyFramesError):
        make_manifest(path)
    manifest = make_manifest(path, force=True)
    assert isinstance(manifest, VideoManifest)
    assert [key.number for key in manifest.key_frames] == [0]


def test_videos_without_ascending_times_have_no_manifest(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.avi")
    with pytest.raises(MediaError, match="do not ascend"):
        make_manifest(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b10.jpg", "b9.jpg", "in ner/a.jpg", "related_images/b9_jpg/c.jpg"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(60, 40, orientation=6))
    (tmp_path / "data" / "note.txt").write_text("x")
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("sorting", "names"),
    [
        (SortingMethod.LEXICOGRAPHICAL, ["b10.jpg", "b9.jpg", "in ner/a.jpg"]),
        (SortingMethod.NATURAL, ["b9.jpg", "b10.jpg", "in ner/a.jpg"]),
    ],
)
def test_a_folder_becomes_a_manifest(folder: Path, sorting: SortingMethod, names: list[str]) -> None:
    manifest = make_manifest(folder, sorting=sorting)
    assert isinstance(manifest, ImageManifest)
    assert [item.name for item in manifest.images] == names
    assert {(item.width, item.height) for item in manifest.images} == {(40, 60)}
    by_name = {item.name: item for item in manifest.images}
    assert by_name["b9.jpg"].related == ("related_images/b9_jpg/c.jpg",)
    assert len(by_name["b9.jpg"].checksum or "") == 32


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.jpg", ["b10.jpg", "b9.jpg"]),
        ("b?.jpg", ["b9.jpg"]),
        ("**/[a]*.jpg", ["in ner/a.jpg"]),
        ("b9.jpg", ["b9.jpg"]),
    ],
)
def test_patterns_and_files_become_manifests(folder: Path, pattern: str, names: list[str]) -> None:
    manifest = make_manifest(str(folder / pattern))
    assert isinstance(manifest, ImageManifest)
    assert [item.name for item in manifest.images] == names
    assert {item.related for item in manifest.images if item.name == "b9.jpg"} <= {("related_images/b9_jpg/c.jpg",)}


@pytest.mark.parametrize(
    ("gop", "force", "status", "text"), [(12, False, 0, ""), (250, False, 2, "--force"), (250, True, 0, "")]
)
def test_the_command_writes_the_manifest_or_says_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gop: int, force: bool, status: int, text: str
) -> None:
    path = write_video(tmp_path / "x.mp4", frames=120, gop=gop, options={"sc_threshold": "0"})
    assert create_manifest(str(path), output_dir=tmp_path / "out", sorting="natural", force=force) == status
    assert text in capsys.readouterr().err
    if status == 0:
        assert read_manifest((tmp_path / "out" / "manifest.jsonl").read_bytes()) == make_manifest(path, force=True)
    assert (tmp_path / "out").exists() == (status == 0)


def test_the_command_names_what_it_cannot_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert create_manifest(tmp_path / "nowhere.mp4", output_dir=tmp_path) == 1
    assert "nowhere.mp4" in capsys.readouterr().err


def test_point_clouds_have_no_size_and_no_checksum(tmp_path: Path) -> None:
    (tmp_path / "1.pcd").write_bytes(pcd())
    (tmp_path / "1.jpg").write_bytes(jpeg())
    manifest = make_manifest(tmp_path)
    assert manifest == ImageManifest((ImageItem("1.pcd", related=("1.jpg",)),))
    assert write_manifest(manifest).splitlines()[2] == b'{"name":"1","extension":".pcd","meta":{"related_images":["1.jpg"]}}'


def test_sources_without_media_are_refused(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "nowhere", tmp_path / "*.jpg"):
        with pytest.raises(MediaError):
            make_manifest(source)


@pytest.mark.parametrize("key", ["a_images", "a_related"])
def test_recorded_image_manifests_are_read_and_written_alike(key: str) -> None:
    recorded = (GOLDEN / key / "manifest.jsonl").read_bytes()
    assert write_manifest(read_manifest(recorded)) == recorded
