"""The core against what CVAT 2.15 made of the same files."""

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from limner_media.core.archives import list_members, read_member
from limner_media.core.chunks import Quality, context_zip, image_entries, pack_chunk, placeholder_entry, unpack_chunk
from limner_media.core.images import preview_jpeg, read_header_from_prefix
from limner_media.core.manifest_making import folder_manifest
from limner_media.core.manifests import ImageItem, ImageManifest, read_manifest
from limner_media.core.pointclouds import MAX_HEADER_BYTES, point_cloud_frames, read_pcd_header
from limner_media.core.related import related_images, split_related
from limner_media.core.selection import SortingMethod, chunk_size_for, parse_step, select_frames, sort_names
from limner_media.core.video import scan_video
from limner_media.core.video_chunks import encode_mp4
from limner_media.core.video_pictures import frame_jpeg, frame_preview
from limner_media.core.video_reader import Decoding, VideoReader
from limner_media.core.video_zips import video_entries

from .samples import GOLDEN, difference, pixels

RESPONSES = json.loads((GOLDEN / "responses.json").read_text())


def meta_of(key: str) -> Any:
    return json.loads((GOLDEN / key / "meta.json").read_text())


def files_of(key: str) -> dict[str, bytes]:
    source = io.BytesIO((GOLDEN / key / "input.zip").read_bytes())
    return {member.name: read_member(source, member) for member in list_members(source, file="input.zip")}


def body_of(name: str) -> bytes:
    return base64.b64decode(RESPONSES[name]["body_base64"])


def names_of(chunk: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(chunk)) as archive:
        return archive.namelist()


def sizes_of(name: str) -> list[int]:
    return [size for _, size, _ in RESPONSES[name]["zip_entries"]]


@pytest.fixture(scope="module")
def clip() -> Path:
    return GOLDEN / "b_video" / "input.mp4"


def frames_of(key: str) -> tuple[list[str], dict[str, bytes]]:
    files = files_of(key)
    outside, _ = split_related(files)
    clouds = point_cloud_frames(outside, lambda name: files[name][:MAX_HEADER_BYTES])
    return sort_names(clouds or outside, SortingMethod.LEXICOGRAPHICAL), files


@pytest.mark.parametrize("key", ["a_images", "a_related", "d_3d"])
def test_frames_sizes_and_context_are_those_of_the_record(key: str) -> None:
    names, files = frames_of(key)
    related = related_images(names, files)
    found = []
    for name in names:
        data = files[name]
        header = (
            read_pcd_header(data, file=name)
            if name.endswith(".pcd")
            else read_header_from_prefix(lambda size, data=data: data if size < 0 else data[:size], file=name)  # type: ignore[misc]
        )
        count = len(related.get(name, []))
        found.append((name, header.width, header.height, count))
    recorded = meta_of(key)
    assert found == [
        (frame["name"], frame["width"], frame["height"], frame["related_files"]) for frame in recorded["frames"]
    ]
    _, width, height, _ = found[0]
    assert chunk_size_for(is_video=False, width=width, height=height) == recorded["chunk_size"]


@pytest.mark.parametrize("key", ["a_images", "a_related"])
def test_manifests_are_those_of_the_record_but_for_checksums(key: str, tmp_path: Path) -> None:
    files = files_of(key)
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    made = folder_manifest(tmp_path, files)
    bare = tuple(ImageItem(item.name, item.width, item.height, item.related) for item in made.images)
    assert ImageManifest(bare) == read_manifest((GOLDEN / key / "manifest.jsonl").read_bytes())


def test_original_chunks_hold_the_recorded_files() -> None:
    names, files = frames_of("a_images")
    chunk = pack_chunk(image_entries([(name, files[name]) for name in names], quality=Quality.ORIGINAL, image_quality=70))
    entries = unpack_chunk(chunk)
    assert names_of(chunk) == [name for name, _, _ in RESPONSES["images-chunk-original"]["zip_entries"]]
    # The last picture was turned upright, so its bytes depend on the encoder's version.
    assert [len(entry.data) for entry in entries[:-1]] == sizes_of("images-chunk-original")[:-1]
    assert abs(len(entries[-1].data) / sizes_of("images-chunk-original")[-1] - 1) < 0.1
    assert entries[1].data == body_of("images-frame-original")


def test_compressed_images_are_the_recorded_pictures() -> None:
    names, files = frames_of("a_images")
    entries = image_entries([(name, files[name]) for name in names], quality=Quality.COMPRESSED, image_quality=70)
    assert names_of(pack_chunk(entries)) == [name for name, _, _ in RESPONSES["images-chunk-compressed"]["zip_entries"]]
    # The record's Huffman tables are optimised: smaller files of the same pixels.
    for entry, recorded in zip(entries, sizes_of("images-chunk-compressed"), strict=True):
        assert recorded <= len(entry.data) < recorded * 1.6
    np.testing.assert_array_equal(pixels(entries[1].data), pixels(body_of("images-frame-compressed")))


def test_point_cloud_chunks_are_the_recorded_files() -> None:
    names, files = frames_of("d_3d")
    chunk = pack_chunk(image_entries([(name, files[name]) for name in names], quality=Quality.COMPRESSED, image_quality=70))
    found = [(name, len(entry.data)) for name, entry in zip(names_of(chunk), unpack_chunk(chunk), strict=True)]
    assert found == [(name, size) for name, size, _ in RESPONSES["3d-chunk-compressed"]["zip_entries"]]


def test_previews_look_like_the_recorded_ones(clip: Path) -> None:
    names, files = frames_of("a_images")
    assert difference(pixels(preview_jpeg(files[names[0]], file="x")), pixels(body_of("images-preview"))) < 6
    with VideoReader(clip, scan_video(clip, file="x"), file="x") as reader:
        assert difference(pixels(frame_preview(reader, 0)), pixels(body_of("video-preview"))) < 6


def test_context_images_look_like_the_recorded_ones() -> None:
    names, files = frames_of("a_related")
    related = related_images(names, files)[names[0]]
    made, recorded = context_zip([(name, files[name]) for name in related]), body_of("related-context")
    assert names_of(made) == names_of(recorded)
    for ours, theirs in zip(unpack_chunk(made), unpack_chunk(recorded), strict=True):
        assert difference(pixels(ours.data), pixels(theirs.data)) < 3


def test_a_single_context_image_has_a_name_unlike_in_the_record() -> None:
    _, files = frames_of("d_3d")
    name = "related_images/000000_pcd/cam0.png"
    assert names_of(body_of("3d-context")) == ["..jpg"]
    assert names_of(context_zip([(name, files[name])])) == ["cam0.png.jpg"]


def test_placeholders_are_like_the_recorded_one() -> None:
    recorded = unpack_chunk(body_of("gt-chunk"))[1]
    assert pixels(recorded.data).shape == pixels(placeholder_entry().data).shape == (1, 1, 3)


@pytest.mark.parametrize("key", ["b_video", "b_video_step"])
def test_video_frames_are_numbered_as_in_the_record(clip: Path, key: str) -> None:
    index, recorded = scan_video(clip, file="clip.mp4"), meta_of(key)
    (frame,) = recorded["frames"]
    assert (index.width, index.height) == (frame["width"], frame["height"])
    stop = {"b_video": None, "b_video_step": 52}[key]
    step = parse_step(recorded["frame_filter"])
    numbering = select_frames(index.frame_count, start=recorded["start_frame"], stop=stop, step=step)
    assert (numbering.size, numbering.stop_frame) == (recorded["size"], recorded["stop_frame"])


def test_a_video_frame_is_the_recorded_picture(clip: Path) -> None:
    with VideoReader(clip, scan_video(clip, file="x"), file="x") as reader:
        assert difference(pixels(frame_jpeg(reader, 1, 70)), pixels(body_of("video-frame-compressed"))) < 1


def test_prepared_chunks_of_a_video_show_the_recorded_frames(clip: Path) -> None:
    numbers = range(5, 51, 3)
    recorded = unpack_chunk((GOLDEN / "b_video_step" / "compressed.zip").read_bytes())
    with VideoReader(clip, scan_video(clip, file="x"), file="x", decoding=Decoding.BATCH) as reader:
        entries = video_entries(reader, numbers, quality=70)
        chunk = encode_mp4(reader, numbers, is_compressed=False, image_quality=70)
    assert len(recorded) == len(entries)
    for ours, theirs in zip(entries, recorded, strict=True):
        assert difference(pixels(ours.data), pixels(theirs.data)) < 1
    with (
        av.open(str(GOLDEN / "b_video_step" / "original.mp4")) as theirs_video,
        av.open(io.BytesIO(chunk), "r") as ours_video,
    ):
        pairs = zip(ours_video.decode(video=0), theirs_video.decode(video=0), strict=True)
        differences = [
            difference(left.to_ndarray(format="rgb24").astype(np.uint8), right.to_ndarray(format="rgb24").astype(np.uint8))
            for left, right in pairs
        ]
    assert len(differences) == 16 and max(differences) < 3
