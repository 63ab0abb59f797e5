import io
import random
import struct
import tarfile
import zipfile
import zlib

import pytest

from limner_media.core.archives import (
    ArchiveFormat,
    ArchiveLimits,
    archive_format,
    decode_member,
    extract_compressed_tar,
    iter_compressed_tar,
    list_members,
    read_member,
)
from limner_media.core.errors import MediaError

from .samples import tar_of, zip_of

FILES = {"b.jpg": b"jpeg" * 500, "in ner/a.png": random.Random(0).randbytes(3000), "müller.bmp": b"x"}


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(zip_of(FILES), id="deflated zip"),
        pytest.param(zip_of(FILES, method=zipfile.ZIP_STORED), id="stored zip"),
        pytest.param(tar_of(FILES), id="tar"),
    ],
)
def test_members_are_read_straight_out_of_the_archive(archive: bytes) -> None:
    source = io.BytesIO(archive)
    members = list_members(source, file="x")
    assert [member.name for member in members] == list(FILES)
    for member in members:
        data = FILES[member.name]
        assert read_member(source, member) == data
        assert read_member(source, member, max_bytes=100) == data[:100]
        assert decode_member(archive[member.offset : member.offset + member.stored_bytes], member) == data
        assert member.size_bytes == len(data)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_compressed_tars_are_unpacked_as_a_stream(mode: str) -> None:
    found: dict[str, bytes] = {}
    source = io.BytesIO(tar_of(FILES, mode=mode))
    names = extract_compressed_tar(source, lambda name, size, data: found.update({name: data.read()}), file="x")
    assert found == FILES
    assert names == list(FILES)


def test_folders_and_junk_are_left_out() -> None:
    files = {"d/": b"", "d/a.jpg": b"1", "__MACOSX/d/._a.jpg": b"2", "d/.DS_Store": b"3"}
    assert [member.name for member in list_members(io.BytesIO(zip_of(files)), file="x")] == ["d/a.jpg"]


def test_archives_inside_an_archive_are_plain_files() -> None:
    assert [member.name for member in list_members(io.BytesIO(zip_of({"in.zip": zip_of(FILES)})), file="x")] == ["in.zip"]


def test_a_zip_behind_other_data_is_read_where_it_lies() -> None:
    source = io.BytesIO(zip_of(FILES)[:4] + b"\0" * 60 + zip_of(FILES))
    assert [read_member(source, member) for member in list_members(source, file="x")] == list(FILES.values())


def _link(kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo("link")
    info.type, info.linkname = kind, "/etc/passwd"
    return info


HOSTILE_NAMES = ["../evil.jpg", "/abs.jpg", "a/../../b.jpg", "C:/x.jpg", "..\\x.jpg"]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_paths_that_leave_the_folder_are_refused(name: str) -> None:
    for archive in (zip_of({name: b"x"}), tar_of({name: b"x"})):
        with pytest.raises(MediaError):
            list_members(io.BytesIO(archive), file="x")
    with pytest.raises(MediaError):
        list(iter_compressed_tar(io.BytesIO(tar_of({name: b"x"}, mode="w:gz")), file="x"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_tars_are_refused(kind: bytes) -> None:
    with pytest.raises(MediaError, match="link"):
        list_members(io.BytesIO(tar_of({"link": _link(kind)})), file="x")
    with pytest.raises(MediaError, match="link"):
        list(iter_compressed_tar(io.BytesIO(tar_of({"link": _link(kind)}, mode="w:gz")), file="x"))


def test_links_in_zips_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(MediaError, match="links"):
        list_members(out, file="x")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a/b.jpg", b"1")
        archive.writestr("a//b.jpg", b"2")
    with pytest.raises(MediaError, match="twice"):
        list_members(out, file="x")


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (ArchiveLimits(max_members=2), "more than 2 files"),
        (ArchiveLimits(max_total_bytes=4000), "larger"),
        (ArchiveLimits(max_member_bytes=2500), "a file in it"),
    ],
)
def test_limits_hold_for_all_formats(limits: ArchiveLimits, text: str) -> None:
    for archive in (zip_of(FILES), tar_of(FILES)):
        with pytest.raises(MediaError, match=text):
            list_members(io.BytesIO(archive), file="x", limits=limits)
    with pytest.raises(MediaError, match=text):
        list(iter_compressed_tar(io.BytesIO(tar_of(FILES, mode="w:xz")), file="x", limits=limits))


def test_bombs_are_refused_by_their_ratio() -> None:
    bomb = {"a": bytes(100 << 20)}
    with pytest.raises(MediaError, match="bomb"):
        list_members(io.BytesIO(zip_of(bomb)), file="x")
    with pytest.raises(MediaError, match="bomb"):
        list(iter_compressed_tar(io.BytesIO(tar_of(bomb, mode="w:gz")), file="x"))


def test_a_member_that_inflates_beyond_its_declared_size_is_damaged() -> None:
    source = io.BytesIO(_with_declared_size(zip_of({"a": bytes(100_000)}), 10))
    (member,) = list_members(source, file="x")
    with pytest.raises(MediaError, match="damaged"):
        read_member(source, member)


def test_entries_that_share_their_bytes_are_refused() -> None:
    archive = bytearray(zip_of({"a": b"1234", "b": b"5678"}, method=zipfile.ZIP_STORED))
    second = archive.rfind(b"PK\x01\x02")
    struct.pack_into("<I", archive, second + 42, 0)
    with pytest.raises(MediaError, match="overlaps"):
        list_members(io.BytesIO(archive), file="x")


@pytest.mark.parametrize(("place", "value"), [(42, 0x7FFFFFFF), (42, 5), (16, 0xFFFFFF00)])
def test_impossible_positions_are_damage(place: int, value: int) -> None:
    archive = bytearray(zip_of({"a": b"1234", "b": b"5678"}))
    start = archive.rfind(b"PK\x05\x06") if place == 16 else archive.rfind(b"PK\x01\x02")
    struct.pack_into("<I", archive, start + place, value)
    with pytest.raises(MediaError, match="damaged"):
        list_members(io.BytesIO(archive), file="x")


def test_encrypted_members_are_refused() -> None:
    archive = bytearray(zip_of({"a": b"1234"}))
    archive[archive.find(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(MediaError, match="encrypted"):
        list_members(io.BytesIO(archive), file="x")


def test_other_compression_methods_are_refused() -> None:
    with pytest.raises(MediaError, match="compression"):
        list_members(io.BytesIO(zip_of({"a": b"1234"}, method=zipfile.ZIP_LZMA)), file="x")


@pytest.mark.parametrize("archive", [zip_of(FILES), tar_of(FILES)])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.8])
def test_cut_archives_are_refused(archive: bytes, part: float) -> None:
    cut = archive[: min(int(len(archive) * part), 4000)]
    with pytest.raises(MediaError):
        list_members(io.BytesIO(cut), file="x")


def test_cut_compressed_tars_are_refused() -> None:
    with pytest.raises(MediaError, match="cut short"):
        for _, _, data in iter_compressed_tar(io.BytesIO(tar_of(FILES, mode="w:gz")[:-400]), file="x"):
            data.read()


def test_a_damaged_member_is_named() -> None:
    archive = bytearray(zip_of(FILES))
    members = list_members(io.BytesIO(archive), file="x")
    archive[members[1].offset + 5] ^= 0xFF
    with pytest.raises(MediaError) as caught:
        read_member(io.BytesIO(archive), members[1])
    assert caught.value.file == "in ner/a.png"


@pytest.mark.parametrize("archive", [zip_of({}), zip_of({"__MACOSX/a": b""}), tar_of({".DS_Store": b""})])
def test_archives_without_files_are_refused(archive: bytes) -> None:
    with pytest.raises(MediaError, match="no files"):
        list_members(io.BytesIO(archive), file="x")


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"Rar!\x1a\x07", "rar"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"070701", "cpio"),
        (b"hello" * 200, "zip or tar"),
        (b"", "zip"),
    ],
)
def test_formats_that_cannot_be_read_are_named(head: bytes, text: str) -> None:
    with pytest.raises(MediaError, match=text):
        archive_format(head, file="x")


def test_a_compressed_file_that_is_no_tar_is_refused() -> None:
    assert archive_format(b"\x1f\x8b...", file="x") is ArchiveFormat.COMPRESSED_TAR
    data = zlib.compressobj(wbits=31)
    with pytest.raises(MediaError):
        list(iter_compressed_tar(io.BytesIO(data.compress(b"no tar" * 1000) + data.flush()), file="x"))


def _with_declared_size(archive: bytes, size: int) -> bytes:
    changed = bytearray(archive)
    struct.pack_into("<I", changed, changed.find(b"PK\x01\x02") + 24, size)
    return bytes(changed)
