"""A measured store is a store, and tells how calls end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.metrics import value
from tests.support.object_store_conformance import ObjectStoreConformance

from limner_common.objects import FolderObjectStore, ObjectMissing, ObjectStoreUnavailable
from limner_common.objects.measured import MeasuredObjectStore


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[FolderObjectStore]:
    folder = FolderObjectStore(tmp_path / "store")
    await folder.prepare()
    yield folder
    await folder.aclose()


@pytest.fixture
def store(folder: FolderObjectStore) -> MeasuredObjectStore:
    return MeasuredObjectStore(folder, "probe")


class TestMeasuredObjectStore(ObjectStoreConformance):
    pass


def calls(operation: str, outcome: str) -> float:
    return value("limner_objects_call_seconds_count", service="probe", operation=operation, outcome=outcome)


async def test_calls_are_counted_by_how_they_end(
    store: MeasuredObjectStore, folder: FolderObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = [("put", "ok"), ("get", "ok"), ("get", "missing"), ("get", "unavailable"), ("stat", "cancelled")]
    before = [calls(*end) for end in ends]
    await store.put_bytes("a", b"12345")
    async with store.open_range("a", 1, 3) as body:
        assert b"".join([block async for block in body]) == b"234"
    with pytest.raises(ObjectMissing):
        await store.get_bytes("b")

    async def away(*_args: object) -> bytes:
        raise ObjectStoreUnavailable

    async def slow(*_args: object) -> bytes:
        await asyncio.sleep(30)
        return b""

    monkeypatch.setattr(folder, "get_bytes", away)
    monkeypatch.setattr(folder, "stat", slow)
    with pytest.raises(ObjectStoreUnavailable):
        await store.get_bytes("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(store.stat("a"), 0.01)
    assert [calls(*end) - then for end, then in zip(ends, before, strict=True)] == [1, 1, 1, 1, 1]


async def test_what_a_reader_does_with_a_stream_is_no_failure_of_the_store(store: MeasuredObjectStore) -> None:
    await store.put_bytes("a", b"12345")
    before = calls("get", "failed"), calls("get", "ok")
    with pytest.raises(ZeroDivisionError):
        async with store.open_range("a"):
            raise ZeroDivisionError
    assert (calls("get", "failed"), calls("get", "ok")) == (before[0], before[1] + 1)


async def test_bytes_are_counted_in_both_directions(store: MeasuredObjectStore, tmp_path: Path) -> None:
    def counted() -> list[float]:
        return [value("limner_objects_bytes_total", service="probe", direction=one) for one in ("read", "written")]

    async def blocks() -> AsyncIterator[bytes]:
        yield b"123"

    before = counted()
    (tmp_path / "file").write_bytes(b"1234")
    await store.put_bytes("a", b"12345")
    await store.put_stream("b", blocks())
    await store.put_file("c", tmp_path / "file")
    await store.get_bytes("a", 1, 2)
    async with store.open_range("b"):
        pass
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [5, 12]
