"""What every object store has to do. Subclass with a ``store`` fixture that gives a prepared, empty store."""

import asyncio
import hashlib
import os
import pickle
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from limner_common.errors import ErrorKind, NotFound
from limner_common.objects import (
    BLOCK_BYTES,
    InvalidKey,
    ObjectMissing,
    ObjectStore,
    local_path,
    open_object,
)

LARGE = os.urandom(1 << 20) * 17 + b"odd end"


async def stream(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


async def pieces(data: bytes, size_bytes: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size_bytes):
        yield data[start : start + size_bytes]


async def read(store: ObjectStore, key: str, start: int = 0, length: int | None = None) -> bytes:
    async with store.open_range(key, start, length) as body:
        return b"".join([block async for block in body])


async def keys(store: ObjectStore, prefix: str = "") -> list[str]:
    return [info.key async for info in store.list(prefix)]


class SourceBroke(Exception):
    pass


class ObjectStoreConformance:
    async def test_bytes_come_back_as_put(self, store: ObjectStore) -> None:
        put = await store.put_bytes("a/b.bin", b"hello", content_type="text/plain")

        assert await store.get_bytes("a/b.bin") == b"hello"
        assert (put.key, put.size_bytes, put.sha256) == ("a/b.bin", 5, hashlib.sha256(b"hello").hexdigest())

    async def test_stat_agrees_with_what_put_and_list_and_open_say(self, store: ObjectStore) -> None:
        put = await store.put_bytes("a", b"hello")
        stat = await store.stat("a")
        [listed] = [info async for info in store.list()]
        async with store.open_range("a") as body:
            opened = body.info

        assert {(info.key, info.size_bytes, info.etag) for info in (put, stat, listed, opened)} == {("a", 5, stat.etag)}
        assert '"' not in stat.etag
        assert stat.modified_at.utcoffset() is not None

    @pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "one byte", "several parts"])
    @pytest.mark.parametrize("piece_bytes", [300_000, 3 << 20], ids=["small blocks", "large blocks"])
    async def test_a_stream_comes_back_as_put(self, store: ObjectStore, data: bytes, piece_bytes: int) -> None:
        put = await store.put_stream("s", pieces(data, piece_bytes))

        assert (put.size_bytes, put.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert await store.get_bytes("s") == data
        assert await read(store, "s") == data
        assert (await store.stat("s")).etag == put.etag

    async def test_empty_blocks_in_a_stream_are_nothing(self, store: ObjectStore) -> None:
        await store.put_stream("s", stream(b"", b"a", b"", b"b", b""))

        assert await store.get_bytes("s") == b"ab"

    @pytest.mark.parametrize("data", [b"some", LARGE], ids=["small", "several parts"])
    async def test_a_stream_that_breaks_leaves_what_was_there(self, store: ObjectStore, data: bytes) -> None:
        async def breaking() -> AsyncIterator[bytes]:
            async for block in pieces(data, 1 << 20):
                yield block
            raise SourceBroke

        await store.put_bytes("kept", b"before")

        for key in ("kept", "new"):
            with pytest.raises(SourceBroke):
                await store.put_stream(key, breaking())
        assert await store.get_bytes("kept") == b"before"
        assert await keys(store) == ["kept"]

    async def test_a_cancelled_stream_leaves_nothing(self, store: ObjectStore) -> None:
        is_half_way = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield LARGE
            is_half_way.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(store.put_stream("s", endless()))
        await is_half_way.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert not await store.exists("s")
        assert await keys(store) == []

    async def test_an_object_is_not_seen_before_its_stream_ends(self, store: ObjectStore) -> None:
        seen: list[bool] = []

        async def watching() -> AsyncIterator[bytes]:
            yield LARGE
            seen.append(await store.exists("s"))
            seen.append(bool(await keys(store)))

        await store.put_stream("s", watching())

        assert seen == [False, False]

    async def test_putting_again_replaces_and_changes_the_etag(self, store: ObjectStore) -> None:
        first = await store.put_bytes("a", b"one")
        second = await store.put_bytes("a", b"two")

        assert await store.get_bytes("a") == b"two"
        assert first.etag != second.etag

    async def test_concurrent_puts_leave_one_whole_object(self, store: ObjectStore) -> None:
        values = [bytes([number]) * 100_000 for number in range(8)]
        await asyncio.gather(*(store.put_bytes("a/b", value) for value in values))

        assert await store.get_bytes("a/b") in values

    @pytest.mark.parametrize(
        ("start", "length"),
        [(0, None), (0, 4), (3, 4), (3, None), (9, 5), (10, None), (10, 3), (50, None), (50, 2), (0, 0), (4, 0), (0, 99)],
    )
    async def test_ranges_are_cut_at_the_end(self, store: ObjectStore, start: int, length: int | None) -> None:
        data = b"0123456789"
        await store.put_bytes("a", data)
        expected = data[start : None if length is None else start + length]

        assert await store.get_bytes("a", start, length) == expected
        async with store.open_range("a", start, length) as body:
            assert b"".join([block async for block in body]) == expected
            assert (body.start, body.length_bytes, body.info.size_bytes) == (start, len(expected), 10)

    @pytest.mark.parametrize(("start", "length"), [(-1, None), (0, -1)])
    async def test_negative_ranges_are_refused(self, store: ObjectStore, start: int, length: int | None) -> None:
        await store.put_bytes("a", b"data")

        with pytest.raises(ValueError, match="negative"):
            await store.get_bytes("a", start, length)
        with pytest.raises(ValueError, match="negative"):
            async with store.open_range("a", start, length):
                pass

    async def test_an_empty_object_has_no_bytes(self, store: ObjectStore) -> None:
        await store.put_bytes("a", b"")

        assert await store.get_bytes("a") == b""
        assert await read(store, "a") == b""
        assert await read(store, "a", 5, 5) == b""
        assert (await store.stat("a")).size_bytes == 0

    async def test_blocks_are_of_bounded_size_and_never_empty(self, store: ObjectStore) -> None:
        await store.put_bytes("a", LARGE)

        async with store.open_range("a", 5, 3 * BLOCK_BYTES) as body:
            sizes = [len(block) async for block in body]
        assert sum(sizes) == 3 * BLOCK_BYTES
        assert all(0 < size <= BLOCK_BYTES for size in sizes)

    async def test_a_body_left_half_read_harms_nothing(self, store: ObjectStore) -> None:
        await store.put_bytes("a", LARGE)

        for _ in range(3):
            async with store.open_range("a") as body:
                async for _block in body:
                    break
        assert await store.get_bytes("a", 0, 10) == LARGE[:10]

    async def test_what_is_missing_is_said_to_be_missing(self, store: ObjectStore) -> None:
        await store.put_bytes("folder/a", b"data")

        for key in ("nothing", "folder", "folder/b", "folder/a/b"):
            for call in (store.get_bytes(key), store.get_bytes(key, 5), store.stat(key), store.copy(key, "dest")):
                with pytest.raises(ObjectMissing):
                    await call
            with pytest.raises(ObjectMissing):
                async with store.open_range(key):
                    pass
            with pytest.raises(ObjectMissing):
                async with store.open_range(key, 0, 0):
                    pass
            assert not await store.exists(key)
            await store.delete(key)
        assert await store.exists("folder/a")
        assert issubclass(ObjectMissing, NotFound)
        assert ObjectMissing("a").kind is ErrorKind.NOT_FOUND

    async def test_deleting_is_idempotent(self, store: ObjectStore) -> None:
        await store.put_bytes("a/b/c", b"data")

        await store.delete("a/b/c")
        await store.delete("a/b/c")

        assert not await store.exists("a/b/c")
        assert await keys(store) == []
        await store.put_bytes("a/b", b"a key may take the name of a folder that is empty now")

    async def test_listing_is_in_order_of_keys_and_by_text_prefix(self, store: ObjectStore) -> None:
        names = ["a", "b!", "b/1", "b/2/x", "b/2/y", "b/20", "b0", "bé", "c d/e+f", "c d/%41"]
        for name in names:
            await store.put_bytes(name, b"")

        assert await keys(store) == sorted(names)
        assert await keys(store, "b") == sorted(name for name in names if name.startswith("b"))
        assert await keys(store, "b/") == ["b/1", "b/2/x", "b/2/y", "b/20"]
        assert await keys(store, "b/2") == ["b/2/x", "b/2/y", "b/20"]
        assert await keys(store, "b/2/") == ["b/2/x", "b/2/y"]
        assert await keys(store, "c ") == ["c d/%41", "c d/e+f"]
        assert await keys(store, "nothing/") == []
        assert await keys(store, "a/") == []

    async def test_long_listings_are_whole(self, store: ObjectStore) -> None:
        names = [f"many/{number:05}" for number in range(1005)]
        await asyncio.gather(*(store.put_bytes(name, b"") for name in names))

        assert await keys(store, "many/") == names
        assert await store.delete_prefix("many/") == len(names)
        assert await keys(store) == []

    @pytest.mark.parametrize(
        ("prefix", "left"), [("a/", ["a", "ab", "b"]), ("a", ["b"]), ("a/b/", ["a", "a/c", "ab", "b"]), ("zz/", None)]
    )
    async def test_deleting_a_prefix(self, store: ObjectStore, prefix: str, left: list[str] | None) -> None:
        names = ["a/b/c", "a/b/d", "a/c", "ab", "b"]
        for name in names:
            await store.put_bytes(name, b"x")
        expected = names if left is None else [name for name in left if name in names]

        assert await store.delete_prefix(prefix) == len(names) - len(expected)
        assert await keys(store) == expected
        assert await store.delete_prefix(prefix) == 0

    async def test_deleting_everything_by_an_empty_prefix_is_refused(self, store: ObjectStore) -> None:
        with pytest.raises(ValueError, match="empty"):
            await store.delete_prefix("")

    @pytest.mark.parametrize("move", [False, True], ids=["copy", "move"])
    @pytest.mark.parametrize("data", [b"", b"small", LARGE], ids=["empty", "small", "large"])
    async def test_files_are_stored(self, store: ObjectStore, tmp_path: Path, move: bool, data: bytes) -> None:
        file = tmp_path / "upload"
        file.write_bytes(data)

        put = await store.put_file("a/f", file, move=move)

        assert put.size_bytes == len(data)
        assert await store.get_bytes("a/f") == data
        assert (await store.stat("a/f")).etag == put.etag
        assert file.exists() is not move

    async def test_a_file_that_is_not_there_is_not_stored(self, store: ObjectStore, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
        for path in (tmp_path / "nothing", tmp_path, tmp_path / "link"):
            for move in (True, False):
                with pytest.raises(FileNotFoundError):
                    await store.put_file("f", path, move=move)
        assert not await store.exists("f")

    @pytest.mark.parametrize(
        "parts",
        [
            [b"only"],
            [LARGE],
            [b"a", b"bc", b"", b"def"],
            [LARGE, b"small last"],
            [LARGE, LARGE[:6_000_000], b"x"],
            [LARGE, b"small in the middle", LARGE],
            [LARGE, b""],
            [b"", b""],
        ],
        ids=["one", "one large", "small", "large and small", "three", "mixed", "empty last", "all empty"],
    )
    async def test_composing_joins_and_removes_the_sources(self, store: ObjectStore, parts: list[bytes]) -> None:
        sources = [f"up/{number}" for number in range(len(parts))]
        for key, part in zip(sources, parts, strict=True):
            await store.put_bytes(key, part)

        joined = await store.compose("done/whole", sources)

        assert await store.get_bytes("done/whole") == b"".join(parts)
        assert (joined.key, joined.size_bytes) == ("done/whole", sum(map(len, parts)))
        assert (await store.stat("done/whole")).etag == joined.etag
        assert await keys(store) == ["done/whole"]

    async def test_composing_replaces_what_is_there(self, store: ObjectStore) -> None:
        await store.put_bytes("dest", b"before")
        await store.put_bytes("part", b"after")

        await store.compose("dest", ["part"])

        assert await store.get_bytes("dest") == b"after"

    @pytest.mark.parametrize("missing", [0, 1, 2])
    async def test_composing_with_a_missing_source_changes_nothing(self, store: ObjectStore, missing: int) -> None:
        sources = ["a", "b", "c"]
        for key in sources:
            await store.put_bytes(key, key.encode())
        await store.delete(sources[missing])

        with pytest.raises(ObjectMissing):
            await store.compose("dest", sources)

        assert await keys(store) == [key for key in sources if key != sources[missing]]
        for key in await keys(store):
            assert await store.get_bytes(key) == key.encode()

    @pytest.mark.parametrize("sources", [[], ["a", "a"], ["a", "dest"]], ids=["none", "twice", "itself"])
    async def test_impossible_compositions_are_refused(self, store: ObjectStore, sources: list[str]) -> None:
        await store.put_bytes("a", b"data")

        with pytest.raises(ValueError, match="compose"):
            await store.compose("dest", sources)
        assert await keys(store) == ["a"]

    async def test_a_copy_is_an_object_of_its_own(self, store: ObjectStore) -> None:
        await store.put_bytes("a", b"data")
        copied = await store.copy("a", "b/c")
        await store.put_bytes("a", b"other")

        assert (copied.key, copied.size_bytes) == ("b/c", 4)
        assert await store.get_bytes("b/c") == b"data"
        assert (await store.stat("b/c")).etag == copied.etag

    @pytest.mark.parametrize(
        "key",
        ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.", "a\\b", "a\nb", "a\0b", "x" * 241, "a/" * 600 + "a", "\ud800",
         ".incoming/a"],
    )  # fmt: skip
    async def test_keys_that_are_no_relative_path_are_refused(self, store: ObjectStore, key: str) -> None:
        for call in (
            store.get_bytes(key),
            store.stat(key),
            store.delete(key),
            store.put_bytes(key, b""),
            store.put_stream(key, stream(b"")),
            store.put_file(key, Path("x")),
            store.copy("a", key),
            store.compose(key, ["a"]),
            store.compose("a", [key]),
            store.presign_get(key, 60, "f"),
        ):
            with pytest.raises(InvalidKey):
                await call
        with pytest.raises(InvalidKey):
            store.location(key)

    @pytest.mark.parametrize("key", ["données/été.jpg", "a b/c+d%20e?f#g&h='i'.png", "…", "a/...", "x" * 240, ".hidden"])
    async def test_unusual_keys_are_kept_exactly(self, store: ObjectStore, key: str) -> None:
        await store.put_bytes(key, b"data")

        assert await store.get_bytes(key) == b"data"
        assert await keys(store) == [key]
        await store.copy(key, "copy")
        await store.compose("joined", [key])
        assert await keys(store) == ["copy", "joined"]

    async def test_a_worker_reads_by_location_alone(self, store: ObjectStore) -> None:
        await store.put_bytes("a/v.mp4", LARGE)
        location = pickle.loads(pickle.dumps(store.location("a/v.mp4")))

        with open_object(location) as file:
            assert file.seekable()
            assert file.read(10) == LARGE[:10]
            with pytest.raises(OSError, match="Invalid argument"):
                file.seek(-len(LARGE) - 1, os.SEEK_END)
            assert file.seek(-5, os.SEEK_END) == len(LARGE) - 5
            assert file.read() == LARGE[-5:]
            assert file.read(1) == b""
            file.seek(0)
            assert file.read() == LARGE
            file.seek(9 * BLOCK_BYTES - 3)
            assert file.read(6) == LARGE[9 * BLOCK_BYTES - 3 :][:6]
            assert file.tell() == 9 * BLOCK_BYTES + 3
            file.seek(len(LARGE) + 100)
            assert file.read(1) == b""

    async def test_a_worker_is_told_when_the_object_is_missing(self, store: ObjectStore) -> None:
        await store.put_bytes("folder/a", b"data")
        for key in ("nothing", "folder", "folder/a/b"):
            with pytest.raises(ObjectMissing):
                open_object(store.location(key))

    async def test_a_local_path_holds_the_object(self, store: ObjectStore) -> None:
        await store.put_bytes("a", b"data")

        path = local_path(store.location("a"))

        assert path is None or path.read_bytes() == b"data"

    async def test_preparing_and_checking_can_be_done_again(self, store: ObjectStore) -> None:
        await store.put_bytes("a", b"data")
        await store.prepare()
        await store.check()

        assert await store.get_bytes("a") == b"data"
