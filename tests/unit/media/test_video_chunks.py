import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from limner_media.core.chunks import pack_chunk, unpack_chunk
from limner_media.core.video import scan_video
from limner_media.core.video_chunks import chunk_frame_size, crf_of_quality, encode_mp4
from limner_media.core.video_pictures import frame_jpeg, frame_png, frame_preview, rgb_picture
from limner_media.core.video_reader import Decoding, VideoReader
from limner_media.core.video_zips import video_entries

from .samples import decoded_frames, difference, pixels, write_video


def reader_of(path: Path) -> VideoReader:
    return VideoReader(path, scan_video(path, file=path.name), file=path.name, decoding=Decoding.BATCH)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("chunks") / "clip.mp4")


@pytest.fixture
def reader(clip: Path) -> Iterator[VideoReader]:
    with reader_of(clip) as open_reader:
        yield open_reader


def decoded(chunk: bytes) -> list[NDArray[np.uint8]]:
    with av.open(io.BytesIO(chunk), "r") as container:
        return [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in container.decode(video=0)]


@pytest.mark.parametrize(("quality", "crf"), [(100, 0), (67, 17), (50, 26), (1, 51), (0, 51), (70, 15)])
def test_quality_becomes_a_rate_factor(quality: int, crf: int) -> None:
    assert crf_of_quality(quality) == crf


@pytest.mark.parametrize(
    ("size", "is_compressed", "expected"),
    [
        ((1920, 1080), True, (960, 540)),
        ((1920, 1080), False, (1920, 1080)),
        ((1918, 1079), True, (1918, 1080)),
        ((3840, 2160), True, (960, 540)),
        ((3840, 2158), True, (1920, 1080)),
        ((1080, 1920), True, (540, 960)),
        ((63, 47), False, (64, 48)),
        ((1, 5000), True, (2, 626)),
    ],
)
def test_chunks_are_halved_until_below_1080_rows(
    size: tuple[int, int], is_compressed: bool, expected: tuple[int, int]
) -> None:
    assert chunk_frame_size(*size, is_compressed=is_compressed) == expected


@pytest.mark.parametrize("is_compressed", [True, False])
@pytest.mark.parametrize("numbers", [range(12), range(5, 40, 3), [39], [3, 3, 20]])
def test_the_nth_frame_of_a_chunk_is_the_nth_asked_for(
    clip: Path, reader: VideoReader, is_compressed: bool, numbers: range | list[int]
) -> None:
    expected = decoded_frames(clip)
    shown = decoded(encode_mp4(reader, numbers, is_compressed=is_compressed, image_quality=90))
    assert len(shown) == len(numbers)
    for picture, number in zip(shown, numbers, strict=True):
        assert difference(picture, expected[number]) < 4
        assert difference(picture, expected[number]) < difference(picture, expected[(number + 1) % 40])


@pytest.mark.parametrize("is_compressed", [True, False])
@pytest.mark.parametrize("image_quality", [0, 70, 100])
def test_chunks_can_be_decoded_front_to_back_by_simple_decoders(
    reader: VideoReader, is_compressed: bool, image_quality: int
) -> None:
    chunk = encode_mp4(reader, range(36), is_compressed=is_compressed, image_quality=image_quality)
    with av.open(io.BytesIO(chunk), "r") as container:
        (stream,) = container.streams.video
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert stream.profile is not None and "Baseline" in stream.profile
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == Fraction(25)
        assert [packet.pts for packet in packets] == [packet.dts for packet in packets]
        assert packets[0].is_keyframe and packets[0].pts == 0


def test_the_same_chunk_is_the_same_bytes(clip: Path, reader: VideoReader) -> None:
    first = encode_mp4(reader, range(20), is_compressed=True, image_quality=70)
    assert encode_mp4(reader, range(20), is_compressed=True, image_quality=70) == first
    with reader_of(clip) as other:
        assert encode_mp4(other, range(20), is_compressed=True, image_quality=70) == first


def test_quality_changes_the_size_of_compressed_chunks_only(reader: VideoReader) -> None:
    sizes = [len(encode_mp4(reader, range(20), is_compressed=True, image_quality=quality)) for quality in (10, 60, 95)]
    assert sizes == sorted(set(sizes))
    originals = {encode_mp4(reader, range(20), is_compressed=False, image_quality=quality) for quality in (10, 95)}
    assert len(originals) == 1


@pytest.mark.parametrize("rotation", [90, 180, -90])
@pytest.mark.parametrize("size", [(64, 48), (62, 46)])
def test_turned_videos_are_upright_everywhere(tmp_path: Path, rotation: int, size: tuple[int, int]) -> None:
    path = write_video(tmp_path / "x.mp4", rotation=rotation, frames=6, size=size)
    expected = [np.rot90(picture, rotation // 90) for picture in decoded_frames(path)]
    with reader_of(path) as reader:
        np.testing.assert_array_equal(pixels(frame_png(reader, 3)), expected[3])
        assert difference(pixels(frame_jpeg(reader, 3, 95)), expected[3]) < 4
        assert difference(pixels(frame_preview(reader, 3)), expected[3]) < 6
        for picture, wanted in zip(
            decoded(encode_mp4(reader, range(6), is_compressed=False, image_quality=0)), expected, strict=True
        ):
            assert difference(picture, wanted) < 4


def test_odd_sides_grow_by_one(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.webm", codec="libvpx", size=(63, 47), b_frames=0, frames=4)
    expected = decoded_frames(path)
    with reader_of(path) as reader:
        assert decoded(encode_mp4(reader, range(4), is_compressed=True, image_quality=90))[0].shape == (48, 64, 3)
        np.testing.assert_array_equal(pixels(frame_png(reader, 2)), expected[2])


def test_tall_videos_shrink_in_compressed_chunks(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.mp4", size=(64, 1200), frames=3)
    expected = decoded_frames(path)
    with reader_of(path) as reader:
        small = decoded(encode_mp4(reader, range(3), is_compressed=True, image_quality=95))
        large = decoded(encode_mp4(reader, range(3), is_compressed=False, image_quality=95))
        assert pixels(frame_preview(reader, 0)).shape[0] == 256
    assert (small[0].shape, large[0].shape) == ((600, 32, 3), (1200, 64, 3))
    shrunk = np.asarray(Image.fromarray(expected[1]).resize((32, 600), Image.Resampling.BOX))
    assert difference(small[1], shrunk) < 5


def test_single_frames_are_exact_pictures(clip: Path, reader: VideoReader) -> None:
    expected = decoded_frames(clip)
    for number in (0, 17, 39):
        png = frame_png(reader, number)
        assert png.startswith(b"\x89PNG")
        np.testing.assert_array_equal(pixels(png), expected[number])
        np.testing.assert_array_equal(np.asarray(rgb_picture(reader.frame(number), reader.index)), expected[number])
        assert difference(pixels(frame_jpeg(reader, number, 95)), expected[number]) < 4


def test_video_frames_as_zip_entries_have_the_full_size(clip: Path, reader: VideoReader) -> None:
    expected = decoded_frames(clip)
    entries = unpack_chunk(pack_chunk(video_entries(reader, [4, 9, 30], quality=95)))
    assert {entry.extension for entry in entries} == {"jpeg"}
    for entry, number in zip(entries, (4, 9, 30), strict=True):
        assert difference(pixels(entry.data), expected[number]) < 4
