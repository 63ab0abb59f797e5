"""Every way to a frame gives exactly the pixels that decoding the whole video in order gives."""

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from limner_media.core.errors import MediaError
from limner_media.core.video import read_chapters, scan_video
from limner_media.core.video_index import Clock, FrameNumbers, VideoIndex
from limner_media.core.video_reader import Decoding, OpenVideos, VideoReader

from .samples import decoded_frames, jpeg, write_video, zip_of

SAMPLES: dict[str, dict[str, Any]] = {
    "b_frames.mp4": {},
    "long_gop.mp4": {"gop": 250, "frames": 60, "options": {"sc_threshold": "0"}},
    "no_b_frames.mov": {"b_frames": 0},
    "open_gop.mkv": {"options": {"x264-params": "open-gop=1:bframes=3:scenecut=0:keyint=12:min-keyint=12"}},
    "late_start.mp4": {"times_ms": [5000 + 40 * number for number in range(40)]},
    "late_start.ts": {"times_ms": [5000 + 40 * number for number in range(40)]},
    "varying_rate.mkv": {"times_ms": [number * number for number in range(1, 41)]},
    "negative_start.mp4": {"times_ms": [-200 + 40 * number for number in range(40)]},
    "odd_size.webm": {"codec": "libvpx", "size": (63, 47), "b_frames": 0},
    "hidden_frames.webm": {
        "codec": "libvpx",
        "b_frames": 0,
        "frames": 60,
        "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "arnr-maxframes": "7"},
    },
    "vp9.webm": {"codec": "libvpx-vp9", "b_frames": 0},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none:pools=1"}},
    "mpeg4.avi": {"codec": "mpeg4"},
    "h264_b_frames.avi": {},
    "mpeg2.ts": {"codec": "mpeg2video", "times_ms": [1000 + 40 * number for number in range(40)]},
    "bare.h264": {"format": "h264"},
    "turned.mp4": {"rotation": 90},
    "intra_only.mp4": {"gop": 1, "b_frames": 0},
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("videos")
    return {name: write_video(folder / name, **options) for name, options in SAMPLES.items()}


@pytest.mark.parametrize("name", SAMPLES)
def test_any_frame_in_any_order_is_the_one_of_plain_decoding(videos: dict[str, Path], name: str) -> None:
    path = videos[name]
    expected = decoded_frames(path)
    index = VideoIndex.from_bytes(scan_video(path, file=name).to_bytes())
    assert index.frame_count == len(expected)
    numbers = list(range(len(expected)))
    orders = [numbers, numbers[::-7], random.Random(0).sample(numbers, 25), [5, 5, 0, len(numbers) - 1]]
    for decoding in Decoding:
        with path.open("rb") as file, VideoReader(file, index, file=name, decoding=decoding) as reader:
            for number, frame in reader.frames([number for order in orders for number in order]):
                np.testing.assert_array_equal(frame.to_ndarray(format="rgb24"), expected[number])


@pytest.mark.parametrize("name", SAMPLES)
def test_a_fresh_reader_goes_straight_to_any_frame(videos: dict[str, Path], name: str) -> None:
    index = scan_video(videos[name], file=name)
    expected = decoded_frames(videos[name])
    for number in (0, 1, 13, 25, len(expected) - 1):
        with VideoReader(videos[name], index, file=name) as reader:
            np.testing.assert_array_equal(reader.frame(number).to_ndarray(format="rgb24"), expected[number])


@pytest.mark.parametrize(
    ("name", "clock"),
    [
        ("b_frames.mp4", Clock.PTS),
        ("late_start.ts", Clock.PTS),
        ("h264_b_frames.avi", Clock.DTS),
        ("bare.h264", Clock.COUNT),
    ],
)
def test_only_containers_without_presentation_times_are_decoded_for_the_index(
    videos: dict[str, Path], name: str, clock: Clock
) -> None:
    assert scan_video(videos[name], file=name).clock is clock


def test_scanning_decodes_no_more_than_the_first_frame(videos: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from limner_media.core import video

    decoded: list[int] = []
    original = video._decoded

    def counting(packet: Any) -> Any:
        frames = original(packet)
        decoded.append(len(frames))
        return frames

    monkeypatch.setattr(video, "_decoded", counting)
    assert scan_video(videos["long_gop.mp4"], file="x").frame_count == 60
    assert sum(decoded) <= 1 and len(decoded) <= 5


@pytest.mark.parametrize(("rotation", "size"), [(90, (48, 64)), (180, (64, 48)), (-90, (48, 64)), (0, (64, 48))])
def test_the_size_is_that_of_the_picture_as_shown(tmp_path: Path, rotation: int, size: tuple[int, int]) -> None:
    index = scan_video(write_video(tmp_path / "x.mp4", rotation=rotation, frames=5), file="x")
    assert (index.width, index.height) == size
    assert (index.coded_width, index.coded_height) == (64, 48)
    assert index.rotation == rotation % 360


def test_key_frames_are_where_the_encoder_put_them(videos: dict[str, Path]) -> None:
    index = scan_video(videos["open_gop.mkv"], file="x")
    assert index.key_frames.tolist()[0] == 0
    assert [index.key_frame_at_or_before(number) for number in (0, int(index.key_frames[1]) - 1, 39)] == [
        0,
        0,
        index.key_frames[-1],
    ]


def test_frames_hidden_by_an_edit_list_are_no_frames(tmp_path: Path) -> None:
    times = [40 * number - 400 for number in range(40)]
    path = write_video(tmp_path / "x.mp4", times_ms=times, options={"sc_threshold": "0"})
    index = scan_video(path, file="x")
    assert index.frame_count == len(decoded_frames(path))
    assert np.all(np.diff(index.times) > 0)


def test_frames_that_are_never_shown_are_no_frames(tmp_path: Path) -> None:
    path, source = tmp_path / "hidden.webm", write_video(tmp_path / "x.webm", codec="libvpx", b_frames=0)
    with av.open(str(source)) as original, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        for packet in original.demux(video=0):
            if not packet.size:
                continue
            times, data = (packet.pts, packet.dts, packet.time_base), bytearray(bytes(packet))
            packet.stream = stream
            container.mux(packet)
            if times[0] == 400:
                data[0] &= ~0x10
                hidden = av.Packet(bytes(data))
                hidden.pts, hidden.dts, hidden.time_base = times[0] + 20, times[0] + 20, times[2]
                hidden.stream = stream
                container.mux(hidden)
    index = scan_video(path, file="x")
    expected = decoded_frames(path)
    assert index.frame_count == len(expected) == 40
    with VideoReader(path, index, file="x") as reader:
        for number in (39, 10, 11):
            np.testing.assert_array_equal(reader.frame(number).to_ndarray(format="rgb24"), expected[number])


def test_an_index_is_small_and_survives_storage(videos: dict[str, Path]) -> None:
    times = np.arange(0, 100_000 * 3600, 3600, dtype=np.int64)
    index = VideoIndex(1920, 1080, 1080, 1920, 270, Fraction(1, 90000), times, times % 43_200 == 0, Clock.DTS)
    stored = index.to_bytes()
    assert len(stored) < 5_000
    back = VideoIndex.from_bytes(stored)
    assert np.array_equal(back.times, index.times) and np.array_equal(back.is_key, index.is_key)
    assert (back.width, back.coded_width, back.rotation, back.time_base, back.clock) == (
        *(1920, 1080, 270),
        Fraction(1, 90000),
        Clock.DTS,
    )


@pytest.mark.parametrize(
    "damage", [lambda data: data[:20], lambda data: data[:-3], lambda data: b"no" + data, lambda data: b""]
)
def test_a_damaged_index_is_told(videos: dict[str, Path], damage: Any) -> None:
    stored = scan_video(videos["b_frames.mp4"], file="x").to_bytes()
    with pytest.raises(ValueError, match="index"):
        VideoIndex.from_bytes(damage(stored))


def test_frames_are_found_by_times_in_any_order() -> None:
    numbers = FrameNumbers(np.array([40, 120, 80, -5], np.int64))
    assert [numbers.of(time) for time in (40, 120, 80, -5, 41, 500)] == [0, 1, 2, 3, None, None]


def test_chapters_are_given_in_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.mkv", chapters=[(0, 400, "intro"), (400, 1600, "rest"), (9000, 9100, "beyond")])
    index = scan_video(path, file="x")
    found = [(mark.start, mark.stop, mark.title) for mark in read_chapters(path, index, file="x")]
    assert found == [(0, 9, "intro"), (10, 39, "rest")]


@pytest.mark.parametrize("number", [-1, 40])
def test_frames_that_do_not_exist_are_refused(videos: dict[str, Path], number: int) -> None:
    index = scan_video(videos["b_frames.mp4"], file="x")
    with VideoReader(videos["b_frames.mp4"], index, file="x") as reader, pytest.raises(MediaError, match="it has 40 frames"):
        reader.frame(number)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"just text " * 100, id="text"),
        pytest.param(jpeg(), id="an image"),
        pytest.param(zip_of({"a": b"b"}), id="a zip"),
        pytest.param(b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n/etc/passwd\n#EXT-X-ENDLIST\n", id="a playlist"),
        pytest.param(b"ffconcat version 1.0\nfile '/etc/passwd'\n", id="a list of files"),
    ],
)
def test_what_is_no_video_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(data)
    with pytest.raises(MediaError, match="not a video") as caught:
        scan_video(path, file="given.mp4")
    assert caught.value.file == "given.mp4"


def test_videos_of_huge_frames_are_refused(videos: dict[str, Path]) -> None:
    with pytest.raises(MediaError, match="limit of 3071 pixels"):
        scan_video(videos["b_frames.mp4"], file="x", max_pixels=64 * 48 - 1)
    assert scan_video(videos["b_frames.mp4"], file="x", max_pixels=64 * 48).frame_count == 40


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(MediaError, match="holds no video"):
        scan_video(path, file="x")


def test_a_video_of_no_frames_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.mkv"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    with pytest.raises(MediaError):
        scan_video(path, file="x")


@pytest.mark.parametrize("options", [{}, {"movflags": "+faststart"}])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_cut_videos_are_refused(tmp_path: Path, options: dict[str, str], part: float) -> None:
    path = tmp_path / "x.mp4"
    with av.open(str(path), "w", options=options) as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        noise = np.random.default_rng(0)
        for _ in range(30):
            picture = noise.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(MediaError, match="cut short"):
        scan_video(path, file="x")


def test_damaged_frames_do_not_shift_the_others(tmp_path: Path, videos: dict[str, Path]) -> None:
    source = videos["intra_only.mp4"]
    index = scan_video(source, file="x")
    expected = decoded_frames(source)
    with av.open(str(source)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(source.read_bytes())
    position, size = packets[10]
    assert position is not None
    data[position : position + size] = bytes(size)
    damaged = tmp_path / "x.mp4"
    damaged.write_bytes(data)
    for decoding in Decoding:
        with VideoReader(damaged, index, file="x", decoding=decoding) as reader:
            frames = {number: frame.to_ndarray(format="rgb24") for number, frame in reader.frames(range(40))}
        assert len(frames) == 40
        for number in (0, 9, 11, 39):
            np.testing.assert_array_equal(frames[number], expected[number])


def test_open_videos_are_reused_and_the_oldest_closed(videos: dict[str, Path]) -> None:
    path = videos["b_frames.mp4"]
    index = scan_video(path, file="x")
    opened: list[str] = []
    kept = OpenVideos(max_open=2)

    def reader(key: str) -> VideoReader:
        def open_reader() -> VideoReader:
            opened.append(key)
            return VideoReader(path, index, file="x")

        return kept.reader(key, open_reader)

    first = reader("a")
    assert reader("b") is not first
    assert reader("a") is first
    reader("c")
    reader("a")
    reader("b")
    kept.drop("b")
    kept.drop("nothing")
    reader("b")
    kept.close()
    assert opened == ["a", "b", "c", "b", "b"]


def test_a_closed_reader_opens_again_when_asked(videos: dict[str, Path]) -> None:
    index = scan_video(videos["b_frames.mp4"], file="x")
    reader = VideoReader(videos["b_frames.mp4"], index, file="x")
    reader.close()
    reader.close()
    assert reader.frame(3).width == 64
    reader.close()
