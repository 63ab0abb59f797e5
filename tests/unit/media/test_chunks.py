import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner_media.core.chunks import (
    Entry,
    Quality,
    context_zip,
    image_entries,
    image_entry,
    pack_chunk,
    placeholder_entry,
    selective_entry,
    selective_quality,
    unpack_chunk,
)
from limner_media.core.errors import MediaError
from limner_media.core.pointclouds import read_pcd_header

from .samples import difference, encoded, jpeg, pcd, picture, pixels

FILES = [
    ("d/a.JPG", jpeg(64, 48, 1)),
    ("b.png", encoded(picture(30, 20, 2), "PNG")),
    ("c.jpg", jpeg(60, 40, 3, orientation=6)),
]


def opened(chunk: bytes) -> list[tuple[str, bytes, int]]:
    with zipfile.ZipFile(io.BytesIO(chunk)) as archive:
        assert archive.testzip() is None
        return [(info.filename, archive.read(info), info.compress_type) for info in archive.infolist()]


def test_original_chunks_hold_the_untouched_files() -> None:
    entries = opened(pack_chunk(image_entries(FILES, quality=Quality.ORIGINAL, image_quality=70)))
    assert [name for name, _, _ in entries] == ["000000.JPG", "000001.png", "000002.jpg"]
    assert [data for _, data, _ in entries[:2]] == [data for _, data in FILES[:2]]
    assert pixels(entries[2][1]).shape == (60, 40, 3)
    assert {method for _, _, method in entries} == {zipfile.ZIP_STORED}


def test_compressed_chunks_hold_upright_jpegs_of_the_same_size() -> None:
    entries = opened(pack_chunk(image_entries(FILES, quality=Quality.COMPRESSED, image_quality=95)))
    assert [name for name, _, _ in entries] == ["000000.jpeg", "000001.jpeg", "000002.jpeg"]
    assert [pixels(data).shape for _, data, _ in entries] == [(48, 64, 3), (20, 30, 3), (60, 40, 3)]
    assert difference(pixels(entries[0][1]), pixels(FILES[0][1])) < 3


def test_a_chunk_made_in_parts_is_the_same_bytes() -> None:
    whole = image_entries(FILES, quality=Quality.COMPRESSED, image_quality=70)
    first = image_entries(FILES[:1], quality=Quality.COMPRESSED, image_quality=70)
    rest = image_entries(FILES[1:], quality=Quality.COMPRESSED, image_quality=70)
    assert pack_chunk(whole) == pack_chunk([*first, *rest])


@pytest.mark.parametrize("quality", Quality)
def test_point_clouds_are_passed_on_in_both_qualities(quality: Quality) -> None:
    scan = np.arange(8, dtype="<f4").tobytes()
    assert image_entry(pcd(), name="x.pcd", quality=quality, image_quality=1) == Entry("pcd", pcd())
    converted = image_entry(scan, name="x.bin", quality=quality, image_quality=1)
    assert (converted.extension, read_pcd_header(converted.data, file="x").points) == ("pcd", 2)
    assert selective_entry(pcd(), name="x.pcd", quality=quality, image_quality=1) == Entry("pcd", pcd())


def test_chunks_of_hand_picked_frames_are_deflated_jpegs_with_placeholders() -> None:
    picked = selective_entry(FILES[1][1], name="b.png", quality=Quality.ORIGINAL, image_quality=5)
    entries = opened(pack_chunk([placeholder_entry(), picked], deflate=True))
    assert [name for name, _, _ in entries] == ["000000.jpeg", "000001.jpeg"]
    assert {method for _, _, method in entries} == {zipfile.ZIP_DEFLATED}
    assert pixels(entries[0][1]).shape == (1, 1, 3)
    assert entries[1][1] == encoded(picture(30, 20, 2), quality=100)
    assert [selective_quality(quality, 5) for quality in Quality] == [100, 5]


def test_entries_come_back_out_of_a_chunk() -> None:
    entries = image_entries(FILES, quality=Quality.COMPRESSED, image_quality=70)
    assert unpack_chunk(pack_chunk(entries)) == entries
    assert unpack_chunk(pack_chunk(entries, deflate=True)) == entries


def test_an_unreadable_image_is_named() -> None:
    with pytest.raises(MediaError) as caught:
        image_entries([*FILES, ("bad.jpg", b"text")], quality=Quality.COMPRESSED, image_quality=70)
    assert caught.value.file == "bad.jpg"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["related_images/a_jpg/cam.png"], ["cam.png.jpg"]),
        (["r/a_jpg/left.png", "r/a_jpg/right.jpg"], ["left.png.jpg", "right.jpg.jpg"]),
        (["k/image_00/data/1.png", "k/image_01/data/1.png"], ["image_00/data/1.png.jpg", "image_01/data/1.png.jpg"]),
        (["1.png", "related_images/1_pcd/c.png"], ["1.png.jpg", "related_images/1_pcd/c.png.jpg"]),
    ],
)
def test_context_images_are_named_below_their_common_folder(names: list[str], expected: list[str]) -> None:
    files = [(name, encoded(picture(40, 30, seed), "PNG")) for seed, name in enumerate(names)]
    entries = opened(context_zip(files))
    assert [(name, method) for name, _, method in entries] == [(name, zipfile.ZIP_DEFLATED) for name in expected]
    for (_, data, _), (_, source) in zip(entries, files, strict=True):
        assert data == encoded(Image.fromarray(pixels(source)), quality=95)


def test_extensions_are_kept_as_written(tmp_path: Path) -> None:
    assert image_entry(FILES[0][1], name="x.y.JPeG", quality=Quality.ORIGINAL, image_quality=1).extension == "JPeG"
