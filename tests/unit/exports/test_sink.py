"""The ZIP stream: same content, same bytes."""

import io
import tracemalloc
import zipfile

import pytest

from limner_exports.formats.base import FormatError
from limner_exports.formats.sink import ZipSink


class Pipe:
    """An output that can neither seek nor tell."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes, /) -> int:
        self.data += bytes(data)
        return len(data)

    def flush(self) -> None:
        pass


def fill(sink: ZipSink) -> None:
    spool = sink.spool("list.txt")
    for index in range(3):
        sink.add_media(f"images/{index}.jpg", [b"half", b"half"])
        spool.write(f"{index}\n".encode())
    sink.add_text("a.txt", "zażółć")
    sink.add_spool(spool)
    sink.add_json("b.json", {"b": 1, "a": 2})


def test_members_have_fixed_times_modes_and_order() -> None:
    out = io.BytesIO()
    with ZipSink(out) as sink:
        fill(sink)
    with zipfile.ZipFile(out) as archive:
        infos = archive.infolist()
        assert [info.filename for info in infos] == [f"images/{n}.jpg" for n in range(3)] + ["a.txt", "list.txt", "b.json"]
        assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr for info in infos} == {0o100644 << 16}
        assert {info.create_system for info in infos} == {3}
        assert [info.compress_type for info in infos] == [zipfile.ZIP_STORED] * 3 + [zipfile.ZIP_DEFLATED] * 3
        assert archive.read("list.txt") == b"0\n1\n2\n"
        assert archive.read("a.txt").decode() == "zażółć"
        assert archive.testzip() is None


def test_an_unseekable_output_gets_the_same_members() -> None:
    out, pipe = io.BytesIO(), Pipe()
    for target in (out, pipe):
        with ZipSink(target) as sink:
            fill(sink)
    with zipfile.ZipFile(out) as one, zipfile.ZipFile(io.BytesIO(pipe.data)) as other:
        assert one.namelist() == other.namelist()
        assert [one.read(name) for name in one.namelist()] == [other.read(name) for name in other.namelist()]


def test_a_name_is_written_once() -> None:
    with ZipSink(io.BytesIO()) as sink:
        sink.add_text("a", "")
        for again in (lambda: sink.add_text("a", ""), lambda: sink.add_media("a", []), lambda: sink.add_stream("a", [])):
            with pytest.raises(FormatError, match="same name"):
                again()


def test_an_unfinished_archive_does_not_look_whole() -> None:
    out = io.BytesIO()
    with pytest.raises(RuntimeError), ZipSink(out) as sink:
        sink.add_text("a", "b")
        raise RuntimeError
    assert not zipfile.is_zipfile(out)


def test_large_spools_leave_memory_and_come_back() -> None:
    out = io.BytesIO()
    with ZipSink(out) as sink:
        one, two = sink.spool("x"), sink.spool("x")
        for _ in range(40):
            one.write(b"1" * 50_000)
            two.write(b"2" * 50_000)
        sink.add_spools(one, two, path="x")
    with zipfile.ZipFile(out) as archive:
        assert archive.read("x") == b"1" * 2_000_000 + b"2" * 2_000_000


def test_the_directory_of_many_members_takes_little_memory_and_is_whole() -> None:
    members, out = 4000, io.BytesIO()
    paths = [f"labels/{number:06d}_ż.txt" if number % 2 else f"labels/{number:06d}.txt" for number in range(members)]
    with ZipSink(out) as sink:
        tracemalloc.start()
        try:
            for path in paths:
                sink.add_text(path, path * 3)
            held_bytes = tracemalloc.get_traced_memory()[0] - out.tell()
        finally:
            tracemalloc.stop()
        assert held_bytes / members < 200, "zipfile's own takes about 400"
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == paths
        assert archive.testzip() is None
        assert archive.read(paths[-1]).decode() == paths[-1] * 3
