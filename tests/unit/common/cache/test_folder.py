"""The folder cache: the contract, the bound, who leaves first, and what breaks files."""

import asyncio
import math
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.cache_conformance import MAX_ITEM_BYTES, CacheConformance

from limner_common.cache import Entry, FolderCache
from limner_common.cache.entry_files import merit_after_use

PAGE = 4096
#: A value whose file takes four pages of the disk.
FOUR_PAGES = b"v" * (4 * PAGE - 500)
HOUR = 3600.0


class FakeClock:
    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
async def cache(root: Path) -> AsyncIterator[FolderCache]:
    cache = FolderCache(root, max_bytes=8 * MAX_ITEM_BYTES)
    yield cache
    await cache.aclose()


class TestFolderCache(CacheConformance):
    pass


@pytest.fixture
async def small(root: Path, clock: FakeClock) -> AsyncIterator[FolderCache]:
    """A cache for ten entries of four pages."""
    cache = FolderCache(root, max_bytes=40 * PAGE, max_item_bytes=20 * PAGE, half_life_seconds=HOUR, clock=clock)
    yield cache
    await cache.aclose()


def disk_bytes(root: Path) -> int:
    files = [path for path in root.rglob("*") if path.is_file() and path.name != "ledger"]
    return sum(-(-path.stat().st_size // PAGE) * PAGE for path in files)


def ledger_bytes(root: Path) -> int:
    return int.from_bytes((root / "ledger").read_bytes(), "little")


async def kept(cache: FolderCache, root: Path, keys: list[str]) -> list[str]:
    """Which of the keys have a file, without using them."""
    names = {path.name for path in root.rglob("=*")}
    return [key for key in keys if f"={key}" in names]


async def test_the_bound_holds_whatever_is_put(small: FolderCache, root: Path, clock: FakeClock) -> None:
    for number in range(200):
        clock.now += 1
        await small.put(f"k{number % 70}/v", bytes(number * 397 % (20 * PAGE)))
        assert disk_bytes(root) <= 40 * PAGE
    assert disk_bytes(root) > 20 * PAGE


async def test_the_bound_holds_for_many_at_once(small: FolderCache, root: Path) -> None:
    async def fill(number: int) -> None:
        await small.put(f"k{number}", FOUR_PAGES)

    await asyncio.gather(*(fill(number) for number in range(100)))

    assert disk_bytes(root) <= 40 * PAGE
    assert len(list(root.rglob("=*"))) == 10


async def test_room_is_made_only_when_it_is_needed(small: FolderCache, root: Path, clock: FakeClock) -> None:
    keys = [f"k{number:02}" for number in range(12)]
    for key in keys:
        clock.now += 1
        await small.put(key, FOUR_PAGES)

    assert await kept(small, root, keys) == keys[2:]


async def test_what_is_used_often_outlives_a_flood_of_things_used_once(
    small: FolderCache, root: Path, clock: FakeClock
) -> None:
    favourites = ["f0", "f1", "f2"]
    for key in favourites:
        await small.put(key, FOUR_PAGES)
    for _ in range(10):
        for key in favourites:
            await small.get(key)
    for number in range(300):
        clock.now += 20
        await small.put(f"flood{number}", FOUR_PAGES)
        if number == 150:
            assert await kept(small, root, favourites) == favourites


async def test_old_favourites_leave_in_the_end(small: FolderCache, root: Path, clock: FakeClock) -> None:
    await small.put("old", FOUR_PAGES)
    for _ in range(1000):
        await small.get("old")
    for _ in range(20):
        clock.now += HOUR
        for number in range(10):
            await small.put(f"new{number}", FOUR_PAGES)
            await small.get(f"new{number}")

    assert await kept(small, root, ["old"]) == []


async def test_asking_for_metadata_is_a_use(small: FolderCache, root: Path, clock: FakeClock) -> None:
    keys = [f"k{number}" for number in range(10)]
    for key in keys:
        await small.put(key, FOUR_PAGES)
    clock.now += 1
    await small.get_metadata("k0")
    for number in range(9):
        await small.put(f"new{number}", FOUR_PAGES)

    assert await kept(small, root, keys) == ["k0"]


@pytest.mark.parametrize(
    ("merit", "now", "expected"),
    [
        (100.0, 100.0, 110.0),  # two uses at one moment weigh as one that comes a half-life later
        (0.0, 1_000_000.0, 1_000_000.0),  # a use long ago weighs nothing
        (1_000_000.0, 0.0, 1_000_000.0),  # nor does one more for an old favourite
    ],
)
def test_merit_is_the_sum_of_fading_uses(merit: float, now: float, expected: float) -> None:
    assert merit_after_use(merit, now, 10.0) == pytest.approx(expected)


def test_merit_does_not_depend_on_the_order_of_uses() -> None:
    def merit(times: list[float]) -> float:
        value = times[0]
        for time in times[1:]:
            value = merit_after_use(value, time, 7.0)
        return value

    assert merit([0.0, 3.0, 11.0, 20.0]) == pytest.approx(merit([20.0, 11.0, 0.0, 3.0]))


async def test_entries_and_their_merit_survive_a_restart(small: FolderCache, root: Path, clock: FakeClock) -> None:
    keys = [f"k{number}" for number in range(10)]
    for key in keys:
        await small.put(key, FOUR_PAGES, {"mime": "x"})
    for key in ("k3", "k5"):
        await small.get(key)
    await small.aclose()

    again = FolderCache(root, max_bytes=40 * PAGE, max_item_bytes=20 * PAGE, half_life_seconds=HOUR, clock=clock)
    for number in range(8):
        await again.put(f"new{number}", FOUR_PAGES)

    assert await kept(again, root, keys) == ["k3", "k5"]
    assert await again.get_entry("k3") == Entry(FOUR_PAGES, {"mime": "x"})
    assert disk_bytes(root) <= 40 * PAGE
    await again.aclose()


async def test_a_smaller_bound_takes_hold_with_the_next_put(small: FolderCache, root: Path) -> None:
    for number in range(10):
        await small.put(f"k{number}", FOUR_PAGES)
    await small.aclose()

    again = FolderCache(root, max_bytes=12 * PAGE, max_item_bytes=12 * PAGE)
    await again.put("new", FOUR_PAGES)

    assert disk_bytes(root) <= 12 * PAGE
    assert await again.get("new") == FOUR_PAGES
    await again.aclose()


@pytest.mark.parametrize("ledger", [b"", b"short", b"\xff" * 8, bytes(8)], ids=["empty", "short", "too much", "nothing"])
async def test_a_wrong_ledger_is_set_right_after_a_restart(small: FolderCache, root: Path, ledger: bytes) -> None:
    for number in range(10):
        await small.put(f"k{number}", FOUR_PAGES)
    await small.aclose()
    (root / "ledger").write_bytes(ledger)

    again = FolderCache(root, max_bytes=40 * PAGE, max_item_bytes=20 * PAGE)
    await again.delete("k3")
    for number in range(30):
        await again.put(f"new{number}", FOUR_PAGES)
        assert disk_bytes(root) == ledger_bytes(root) <= 40 * PAGE
    assert await again.get("new29") == FOUR_PAGES
    await again.aclose()


@pytest.mark.parametrize("ledger", [b"", b"short", b"\xff" * 8], ids=["empty", "short", "too much"])
async def test_a_ledger_that_says_too_much_is_set_right_when_full(small: FolderCache, root: Path, ledger: bytes) -> None:
    for number in range(10):
        await small.put(f"k{number}", FOUR_PAGES)
    (root / "ledger").write_bytes(ledger)
    for number in range(30):
        await small.put(f"new{number}", FOUR_PAGES)

    assert await small.get("new29") == FOUR_PAGES
    assert disk_bytes(root) == ledger_bytes(root) == 40 * PAGE


async def test_a_folder_emptied_by_hand_is_an_empty_cache(small: FolderCache, root: Path) -> None:
    for number in range(10):
        await small.put(f"k{number}", FOUR_PAGES)
    for path in root.rglob("=*"):
        path.unlink()

    assert await small.get("k0") is None
    for number in range(10):
        await small.put(f"k{number}", FOUR_PAGES)
    assert [await small.get(f"k{number}") for number in range(10)] == [FOUR_PAGES] * 10


def entry_file(root: Path) -> Path:
    [path] = root.rglob("=*")
    return path


def flip_last(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def flip_metadata(data: bytes) -> bytes:
    return data.replace(b"image/png", b"image/pnG")


BREAKAGES = {
    "value": flip_last,
    "metadata": flip_metadata,
    "cut": lambda data: data[:-1],
    "longer": lambda data: data + b"x",
    "empty": lambda _: b"",
    "zeros": lambda data: bytes(len(data)),
    "head only": lambda data: data[:30],
    "no json": lambda data: data[:20] + b"x" + data[21:],
}


@pytest.mark.parametrize("broken", BREAKAGES)
@pytest.mark.parametrize("size_bytes", [100, 300_000])
@pytest.mark.parametrize("restarted", [True, False], ids=["restarted", "running"])
async def test_a_broken_file_is_a_miss_and_goes(
    cache: FolderCache, root: Path, broken: str, size_bytes: int, restarted: bool
) -> None:
    await cache.put("a", os.urandom(size_bytes), {"mime": "image/png"})
    await cache.get("a")
    file = entry_file(root)
    data = BREAKAGES[broken](file.read_bytes())
    file.write_bytes(data)
    reader = FolderCache(root, max_bytes=8 * MAX_ITEM_BYTES) if restarted else cache

    assert await reader.get("a") is None
    assert not file.exists()
    await reader.put("a", b"again")
    assert await reader.get("a") == b"again"
    await reader.aclose()


async def test_a_file_of_another_key_is_a_miss(cache: FolderCache, root: Path) -> None:
    await cache.put("a", b"x")
    entry_file(root).rename(root / "entries" / "=b")

    assert await cache.get("b") is None
    assert await cache.get_metadata("b") is None


async def test_only_whole_files_are_not_checked_again(
    cache: FolderCache, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from limner_common.cache import entry_files

    checks: list[int] = []
    monkeypatch.setattr(entry_files, "_compare", lambda *_: checks.append(1))
    await cache.put("a", b"x")
    for _ in range(3):
        await cache.get("a")
    assert checks == []

    other = FolderCache(root, max_bytes=8 * MAX_ITEM_BYTES)
    await other.get_metadata("a")
    for _ in range(3):
        await other.get("a")
    assert checks == [1]
    await other.aclose()


async def test_readers_at_once_do_not_take_each_others_uses_for_changes(
    cache: FolderCache, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from limner_common.cache import entry_files

    await cache.put("a", os.urandom(300_000), {"mime": "image/png"})
    for _ in range(20):
        await cache.get("a")
    checks: list[int] = []
    monkeypatch.setattr(entry_files, "_compare", lambda *_: checks.append(1))

    await asyncio.gather(*(read("a") for _ in range(100) for read in (cache.get, cache.get_metadata)))

    assert checks == []


async def test_the_merit_of_a_hot_entry_is_written_now_and_then(
    small: FolderCache, root: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from limner_common.cache import entry_files

    await small.put("a", FOUR_PAGES)
    writes: list[float] = []
    real = entry_files.set_merit

    def note(fd: int, merit: float) -> None:
        writes.append(merit)
        real(fd, merit)

    monkeypatch.setattr(entry_files, "set_merit", note)
    for _ in range(1000):
        await small.get("a")

    # Uses at one moment weigh as many as they are: a half-life more for twice as many.
    right = clock.now + HOUR * math.log2(1001)
    assert len(writes) < 80
    assert right - HOUR / 8 < entry_file(root).stat().st_mtime <= right + 1


async def test_what_cannot_be_written_is_not_kept(cache: FolderCache, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await cache.put("a", b"before")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "writev", full)
    await cache.put("a", b"after")
    monkeypatch.undo()

    assert await cache.get("a") is None
    assert disk_bytes(root) == 0
    assert (root / "ledger").read_bytes() == bytes(8)


async def test_what_cannot_be_read_is_a_miss(cache: FolderCache, monkeypatch: pytest.MonkeyPatch) -> None:
    await cache.put("a", b"x")

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    assert await cache.get("a") is None
    monkeypatch.undo()
    assert await cache.get("a") == b"x"


async def test_a_write_that_stops_half_way_goes_on(cache: FolderCache, monkeypatch: pytest.MonkeyPatch) -> None:
    value = os.urandom(10_000)
    real = os.writev
    for first_bytes in (3, 4000):

        def write_some(fd: int, parts: list[bytes], first_bytes: int = first_bytes) -> int:
            return real(fd, [b"".join(parts)[:first_bytes]])

        monkeypatch.setattr(os, "writev", write_some)
        await cache.put("a", value)
        assert await cache.get("a") == value


async def test_drafts_of_dead_processes_are_cleared(small: FolderCache, root: Path) -> None:
    await small.put("a", FOUR_PAGES)
    draft = root / "incoming" / "left"
    draft.write_bytes(FOUR_PAGES)
    trash = root / "incoming" / "trash"
    trash.mkdir()
    (root / "ledger").unlink()
    from limner_common.cache import folder_ledger

    await small.put("b", FOUR_PAGES)
    assert draft.exists()
    (root / "ledger").unlink()
    real = folder_ledger.time.time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder_ledger.time, "time", lambda: real() + 2 * HOUR)
        await small.put("c", FOUR_PAGES)

    assert list((root / "incoming").iterdir()) == []
    assert ledger_bytes(root) == disk_bytes(root) == 12 * PAGE


async def test_emptied_folders_go_away(cache: FolderCache, root: Path) -> None:
    await cache.put("a/b/c", b"x")
    await cache.put("a/d/e", b"x")
    await cache.delete("a/b/c")
    await cache.delete_prefix("a/d/")

    assert list((root / "entries").iterdir()) == []
    assert (root / "ledger").read_bytes() == bytes(8)


USER = """
import asyncio, random, sys
from pathlib import Path
from limner_common.cache import FolderCache

async def main(root, seed):
    cache = FolderCache(Path(root), max_bytes=40 * 4096, max_item_bytes=20 * 4096)
    chance = random.Random(seed)
    for _ in range(400):
        key = f"k{chance.randrange(30)}"
        match chance.randrange(8):
            case 0: await cache.delete(key)
            case 1: await cache.delete_prefix("p/")
            case 2 | 3: await cache.put(key, key.encode() * chance.randrange(20_000))
            case 4: await cache.put(f"p/{key}", key.encode() * chance.randrange(20_000))
            case _:
                value = await cache.get(key)
                assert value is None or value == key.encode() * (len(value) // len(key)), key
    await cache.aclose()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def test_several_processes_share_a_folder(root: Path) -> None:
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-W", "error", "-c", USER, str(root), str(seed))
        for seed in range(3)
    ]

    assert await asyncio.gather(*(process.wait() for process in processes)) == [0, 0, 0]
    assert ledger_bytes(root) == disk_bytes(root) <= 40 * PAGE
    assert list((root / "incoming").iterdir()) == []
