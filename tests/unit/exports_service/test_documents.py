"""Parts of an import on their way to storage."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from limner_common.errors import Invalid
from limner_exports.formats import FormatError, ImportBatch, ImportErrors
from limner_exports.importing.documents import Documents, split_batch
from limner_model.annotations import Shape, ShapeType, Tag, Track, TrackedShape


def shape(points: int = 4) -> Shape:
    return Shape(type=ShapeType.POLYGON, frame=0, label_id=1, points=[float(n) for n in range(points)])


def track(keys: int) -> Track:
    shapes = [TrackedShape(type=ShapeType.RECTANGLE, frame=n, points=[0.0, 0.0, 1.0, 1.0]) for n in range(keys)]
    return Track(frame=0, label_id=1, shapes=shapes)


def test_a_small_batch_is_one_part() -> None:
    batch = ImportBatch(tags=[Tag(frame=0, label_id=1)], shapes=[shape()], tracks=[track(2)])
    parts = list(split_batch(batch, 1 << 20))
    assert len(parts) == 1
    assert (parts[0].tags, parts[0].shapes, parts[0].tracks) == (batch.tags, batch.shapes, batch.tracks)


def test_an_empty_batch_is_no_part() -> None:
    assert list(split_batch(ImportBatch(warnings=["x"]), 1000)) == []


@pytest.mark.parametrize("points", [4, 500, 20_000])
def test_parts_stay_near_the_limit(points: int) -> None:
    batch = ImportBatch(shapes=[shape(points) for _ in range(60)], tracks=[track(points // 50) for _ in range(60)])
    parts = list(split_batch(batch, 50_000))
    assert sum(len(part.shapes) for part in parts) == 60
    assert sum(len(part.tracks) for part in parts) == 60
    for part in parts:
        assert len(part.shapes) + len(part.tracks) == 1 or len(msgspec.json.encode(part)) < 80_000


async def read(batches: Iterator[ImportBatch], seen: list[int]) -> Documents:
    with ThreadPoolExecutor(1) as executor:
        documents = Documents(batches, executor, part_bytes=1000, on_part=seen.append)
        try:
            async for _ in documents:
                await asyncio.sleep(0)
        except Invalid:
            pass
    return documents


async def test_objects_and_warnings_are_counted() -> None:
    seen: list[int] = []
    documents = await read(iter([ImportBatch(shapes=[shape()] * 9), ImportBatch(warnings=["left out"])]), seen)
    assert (documents.objects, documents.warnings, documents.error) == (9, ["left out"], None)
    assert seen[-1] == 9 and len(seen) > 1


async def test_errors_are_kept_with_all_their_items() -> None:
    def batches() -> Iterator[ImportBatch]:
        yield ImportBatch(shapes=[shape()])
        raise ImportErrors([FormatError("the label is unknown", f"a.xml: image '{n}'") for n in range(12)])

    documents = await read(batches(), [])
    message = str(documents.error)
    assert "a.xml: image '0': the label is unknown" in message and "a.xml: image '9'" in message
    assert "2 more" in message and "image '10'" not in message
