"""A store that does not answer is not a broken upload, however the decoder puts it."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

import pytest

from limner_media.core.archives import iter_compressed_tar, list_members
from limner_media.core.images import read_header
from limner_media.core.video import scan_video
from limner_media.core.video_reader import VideoReader

from .samples import encoded, picture, tar_of, write_video, zip_of


class StoreAway(Exception):
    """What a store raises."""


class FailingFile(io.BytesIO):
    """A file whose store goes away after some reads."""

    def __init__(self, data: bytes, good_reads: int, error: Exception) -> None:
        super().__init__(data)
        self.left = good_reads
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        if self.left == 0:
            raise self._error
        self.left -= 1
        return super().read(size)


def _drain(source: IO[bytes]) -> None:
    for _, _, data in iter_compressed_tar(source, file="x"):
        data.read()


FILES = {f"{number}.jpg": bytes(range(256)) * 100 for number in range(20)}
READERS: list[tuple[str, bytes, Callable[[IO[bytes]], object]]] = [
    ("zip", zip_of(FILES), lambda source: list_members(source, file="x")),
    ("tar", tar_of(FILES), lambda source: list_members(source, file="x")),
    ("stream", tar_of(FILES, mode="w:gz"), _drain),
    ("tiff", encoded(picture(), "TIFF"), lambda source: read_header(source, file="x")),
    ("jpeg", encoded(picture(), "JPEG"), lambda source: read_header(source, file="x")),
]


@pytest.mark.parametrize("error", [StoreAway("gone"), OSError("gone"), EOFError("gone"), tarfile.ReadError("gone")])
@pytest.mark.parametrize("good_reads", [0, 1, 3])
@pytest.mark.parametrize(("name", "data", "read"), READERS, ids=[name for name, _, _ in READERS])
def test_failures_of_the_source_come_through(
    name: str, data: bytes, read: Callable[[IO[bytes]], object], good_reads: int, error: Exception
) -> None:
    source = FailingFile(data, good_reads, error)
    try:
        read(source)
    except type(error) as raised:
        assert raised is error
    else:
        assert source.left or name == "stream"


@pytest.mark.parametrize("good_reads", [0, 1, 2, 4])
def test_failures_of_the_source_of_a_video_come_through(tmp_path: Path, good_reads: int) -> None:
    data = write_video(tmp_path / "x.ts", size=(320, 240), frames=100, options={"crf": "1"}).read_bytes()
    index = scan_video(io.BytesIO(data), file="x")
    for error in (StoreAway("gone"), OSError("gone")):
        with pytest.raises(type(error), match="gone"):
            scan_video(FailingFile(data, good_reads, error), file="x")
        with (
            pytest.raises(type(error), match="gone"),
            VideoReader(cast(IO[bytes], FailingFile(data, good_reads, error)), index, file="x") as reader,
        ):
            reader.frame(99)
