"""The folder store: the contract, and what only a folder can get wrong."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.object_store_conformance import ObjectStoreConformance, keys

from limner_common.errors import Conflict
from limner_common.objects import (
    FolderLocation,
    FolderObjectStore,
    ObjectMissing,
    ObjectStoreUnavailable,
    folder_files,
    local_path,
    open_object,
)


@pytest.fixture(params=[True, False], ids=["durable", "quick"])
async def store(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[FolderObjectStore]:
    store = FolderObjectStore(tmp_path / "store", is_durable=request.param)
    await store.prepare()
    yield store
    await store.aclose()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


class TestFolderObjectStore(ObjectStoreConformance):
    pass


def drafts(root: Path) -> list[Path]:
    return list((root / ".incoming").iterdir())


async def broken() -> AsyncIterator[bytes]:
    yield b"x" * 3_000_000
    raise OSError("the source broke")


async def test_a_broken_stream_leaves_no_draft_and_keeps_its_error(store: FolderObjectStore, root: Path) -> None:
    with pytest.raises(OSError, match="the source broke"):
        await store.put_stream("a", broken())

    assert drafts(root) == []


async def test_a_key_cannot_be_the_folder_of_others(store: FolderObjectStore, root: Path) -> None:
    await store.put_bytes("a", b"data")
    await store.put_bytes("b/c", b"data")

    for key in ("a/b", "a/b/c", "b"):
        with pytest.raises(Conflict):
            await store.put_bytes(key, b"")
        with pytest.raises(Conflict):
            await store.copy("a", key)
    with pytest.raises(Conflict):
        await store.compose("b", ["a"])
    assert await keys(store) == ["a", "b/c"]
    assert drafts(root) == []


async def test_a_reader_keeps_the_version_it_opened(store: FolderObjectStore) -> None:
    before = bytes(5_000_000)
    await store.put_bytes("a", before)

    async with store.open_range("a") as body:
        await store.put_bytes("a", b"after")
        assert b"".join([block async for block in body]) == before
    async with store.open_range("a") as body:
        await store.delete("a")
        assert b"".join([block async for block in body]) == b"after"


async def test_moving_a_file_of_the_same_disk_does_not_copy_it(store: FolderObjectStore, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(b"data")
    os.utime(file, (1, 1))
    inode = file.stat().st_ino

    info = await store.put_file("a", file, move=True)

    assert (root / "a").stat().st_ino == inode
    assert info.modified_at.year > 1970


async def test_moving_a_file_from_another_disk_copies_it(
    store: FolderObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "upload"
    file.write_bytes(b"data")
    replace = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if path == file:
            raise OSError(18, "Invalid cross-device link")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    await store.put_file("a", file, move=True)

    assert await store.get_bytes("a") == b"data"
    assert not file.exists()


@pytest.mark.skipif(not hasattr(os, "copy_file_range"), reason="the system has no such call")
async def test_copying_falls_back_where_the_kernel_cannot(store: FolderObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(3_000_000)
    await store.put_bytes("a", data)
    real = os.copy_file_range
    calls: list[int] = []

    def give_up_half_way(source: int, target: int, count: int) -> int:
        calls.append(count)
        if len(calls) > 1:
            raise OSError(95, "Operation not supported")
        return real(source, target, 1_000_000)

    monkeypatch.setattr(os, "copy_file_range", give_up_half_way)
    await store.copy("a", "b")

    assert await store.get_bytes("b") == data
    assert len(calls) == 2


async def test_composing_does_not_copy_the_first_part(store: FolderObjectStore, root: Path) -> None:
    await store.put_bytes("a", b"first")
    await store.put_bytes("b", b"second")
    inode = (root / "a").stat().st_ino

    await store.compose("dest", ["a", "b"])

    assert (root / "dest").stat().st_ino == inode
    assert drafts(root) == []


async def test_a_composition_whose_process_died_can_be_made_again(
    store: FolderObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("a", "b", "c"):
        await store.put_bytes(key, key.encode() * 1000)
    monkeypatch.setattr(folder_files, "rename_into_place", die)
    with pytest.raises(Died):
        await store.compose("dest", ["a", "b", "c"])
    monkeypatch.undo()
    [draft] = drafts(root)
    with draft.open("ab") as file:
        file.write(b"what was appended before the process died")

    info = await store.compose("dest", ["a", "b", "c"])

    assert await store.get_bytes("dest") == b"a" * 1000 + b"b" * 1000 + b"c" * 1000
    assert info.size_bytes == 3000
    assert await keys(store) == ["dest"]
    assert drafts(root) == []


class Died(BaseException):
    pass


def die(*_: object) -> None:
    raise Died


async def test_a_composition_that_fails_puts_its_first_source_back(
    store: FolderObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("up/a", "up/b"):
        await store.put_bytes(key, key.encode())

    def full(_: int, target: int) -> None:
        os.write(target, b"some of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_files, "_copy_all", full)
    with pytest.raises(ObjectStoreUnavailable, match="full"):
        await store.compose("dest", ["up/a", "up/b"])

    assert await keys(store) == ["up/a", "up/b"]
    assert await store.get_bytes("up/a") == b"up/a"
    assert drafts(root) == []


async def test_preparing_clears_old_drafts_only(store: FolderObjectStore, root: Path) -> None:
    for name, age_seconds in {"new": 60, "old": 90_000, "compose-x-5": 90_000, "compose-y-5": 700_000}.items():
        path = root / ".incoming" / name
        path.write_bytes(b"draft")
        stamp = path.stat().st_mtime - age_seconds
        os.utime(path, (stamp, stamp))
    trash = root / ".incoming" / "trash"
    (trash / "deep").mkdir(parents=True)
    os.utime(trash, (1, 1))

    await store.prepare()

    assert sorted(path.name for path in drafts(root)) == ["compose-x-5", "new"]


async def test_links_and_pipes_are_no_objects(store: FolderObjectStore, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside/deep").mkdir(parents=True)
    (tmp_path / "outside/deep/secret").write_bytes(b"secret")
    (root / "link").symlink_to(tmp_path / "outside/deep/secret")
    (root / "folder").symlink_to(tmp_path / "outside")
    os.mkfifo(root / "pipe")

    for key in ("link", "pipe", "folder/deep/secret", "folder/deep"):
        for call in (store.get_bytes(key), store.stat(key), store.copy(key, "dest"), store.compose("dest", [key])):
            with pytest.raises(ObjectMissing):
                await call
        with pytest.raises(ObjectMissing):
            async with store.open_range(key):
                pass
        for read in (open_object, local_path):
            with pytest.raises(ObjectMissing):
                read(store.location(key))
    assert await keys(store) == []


async def test_a_folder_pruned_under_a_put_is_made_again(store: FolderObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = Path.replace
    calls: list[Path] = []

    def prune_first(path: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 1:
            target.parent.rmdir()
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", prune_first)
    await store.put_bytes("a/b/c", b"data")

    assert await store.get_bytes("a/b/c") == b"data"


async def test_puts_and_deletes_in_one_folder_do_not_disturb_each_other(store: FolderObjectStore) -> None:
    async def put_and_delete(number: int) -> None:
        for _ in range(20):
            await store.put_bytes(f"a/b/{number}", b"data")
            assert await store.get_bytes(f"a/b/{number}") == b"data"
            await store.delete(f"a/b/{number}")

    await asyncio.gather(*(put_and_delete(number) for number in range(6)))

    assert await keys(store) == []


async def test_emptied_folders_go_away(store: FolderObjectStore, root: Path) -> None:
    for key in ("a/b/c", "d/e/f", "g/h"):
        await store.put_bytes(key, b"x")

    await store.delete("a/b/c")
    await store.delete_prefix("d/e/")
    await store.compose("i", ["g/h"])

    assert sorted(path.name for path in root.iterdir()) == [".incoming", "i"]


async def test_a_full_disk_is_said_to_be_full(store: FolderObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(ObjectStoreUnavailable, match="full"):
        await store.put_bytes("a", b"data")
    monkeypatch.undo()
    assert await keys(store) == []


async def test_a_folder_that_went_away_is_unavailable(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path / "nothing")

    with pytest.raises(ObjectStoreUnavailable):
        await store.check()
    await store.aclose()


async def test_there_is_no_url_but_a_path(store: FolderObjectStore, root: Path) -> None:
    await store.put_bytes("a/b", b"data")

    assert await store.presign_get("a/b", 60, "b.bin") is None
    assert store.location("a/b") == FolderLocation("a/b", root / "a/b")
    assert local_path(store.location("a/b")) == root / "a/b"
    with pytest.raises(ObjectMissing):
        local_path(store.location("nothing"))
