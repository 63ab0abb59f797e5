"""Streams of several kinds as one stream of whole frames."""

import random
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest

from limner_annotations.revisions.documents import Kind
from limner_annotations.revisions.stored import StoredDoc
from limner_annotations.transfers.batches import FrameBatches, end_line, head_line
from limner_annotations.transfers.reading import parse_kinds, parse_pins
from limner_common.errors import Invalid


def rows(kind: Kind, frames: Sequence[int]) -> list[StoredDoc]:
    return [
        StoredDoc(1, kind, index, frame, msgspec.json.encode({"kind": kind.field, "frame": frame, "id": index}))
        for index, frame in enumerate(frames)
    ]


async def in_lists(found: list[StoredDoc], size: int) -> AsyncIterator[list[StoredDoc]]:
    for start in range(0, len(found), size):
        yield found[start : start + size]
    yield []


@pytest.mark.parametrize("seed", range(20))
async def test_frames_grow_are_whole_and_nothing_is_lost(seed: int) -> None:
    chance = random.Random(seed)
    sources = {kind: rows(kind, sorted(chance.choices(range(12), k=chance.choice([0, 1, 40])))) for kind in Kind}
    batches = FrameBatches({kind: in_lists(found, chance.randint(1, 9)) for kind, found in sources.items()})
    last = -1
    seen: dict[str, list[int]] = {kind.field: [] for kind in Kind}
    async for line in batches.lines():
        batch = msgspec.json.decode(line)
        assert batch.pop("part") == "frames"
        assert list(batch) == ["tracks", "tags", "shapes"]
        frames = {item["frame"] for items in batch.values() for item in items}
        assert min(frames) > last
        last = max(frames)
        for name, items in batch.items():
            seen[name] += [item["id"] for item in items]
    assert seen == {kind.field: [row.id for row in found] for kind, found in sources.items()}
    assert batches.objects == sum(map(len, sources.values()))


async def test_only_the_kinds_asked_for_are_there() -> None:
    batches = FrameBatches({Kind.TAG: in_lists(rows(Kind.TAG, [1, 2]), 5)})
    lines = [msgspec.json.decode(line) async for line in batches.lines()]
    assert [item["frame"] for line in lines for item in line["tags"]] == [1, 2]
    assert all(line["shapes"] == [] for line in lines)


def test_first_and_last_line() -> None:
    assert msgspec.json.decode(head_line([(7, 3)])) == {"part": "head", "jobs": [{"job_id": 7, "revision": 3}]}
    assert msgspec.json.decode(end_line(5)) == {"part": "end", "objects": 5}


def test_kinds_and_pins_are_read_from_queries() -> None:
    assert parse_kinds(None) == list(Kind)
    assert parse_kinds("tracks,tags,tracks") == [Kind.TRACK, Kind.TAG]
    assert parse_pins("108:3,7:0") == [(7, 0), (108, 3)]
    assert parse_pins("") == []
    for wrong in ("boxes", ""):
        with pytest.raises(Invalid):
            parse_kinds(wrong)
    for wrong in ("7", "7:x", "7:1:2"):
        with pytest.raises(Invalid):
            parse_pins(wrong)
