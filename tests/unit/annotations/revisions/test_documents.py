"""Objects as rows with ready documents."""

from itertools import count

import msgspec
import pytest

from limner_annotations.revisions.copying import COLUMNS, copy_pieces
from limner_annotations.revisions.documents import (
    OPEN_END,
    Batch,
    Counts,
    Kind,
    assign_ids,
    count_ids,
    decode_documents,
    encode_batch,
    join_document,
    refresh_documents,
)
from limner_model.annotations import LabeledData, ShapeType, Tag
from tests.unit.model.builders import (
    SCHEMA,
    boxes_track,
    element,
    element_track,
    point,
    rectangle,
    skeleton,
    skeleton_key,
    skeleton_track,
    values_of,
)


def document() -> LabeledData:
    parts = [element_track(3, point(0, 1.0), point(4, 2.0)), element_track(4, point(0, 3.0))]
    return LabeledData(
        tags=[Tag(frame=2, label_id=8)],
        shapes=[rectangle(1, 0.0), skeleton(3, [element(3, 1, 1), element(4, 2, 2)])],
        tracks=[boxes_track((0, 0.0), (5, 5.0)), skeleton_track(skeleton_key(0), skeleton_key(4), elements=parts)],
    )


def ids_in(data: LabeledData) -> list[int]:
    """All ids of a document, in its order."""
    found: list[int] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if "frame" in value:
                found.append(value["id"])
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(msgspec.to_builtins(data))
    return found


def test_every_object_element_and_keyframe_gets_an_id_of_its_own() -> None:
    data = document()
    assign_ids(data, count(100))
    assert sorted(ids_in(data)) == list(range(100, 100 + count_ids(data)))


def test_kept_objects_keep_the_ids_they_have_and_get_those_they_lack() -> None:
    data = document()
    assign_ids(data, count(100))
    path, other = data.tracks
    kept, keyframe, element_id = path.id, path.shapes[1].id, other.elements[0].id
    path.shapes[0].id = None
    assign_ids(data, count(500), kept={kept} if kept else set())
    assert (path.id, path.shapes[1].id) == (kept, keyframe)
    assert path.shapes[0].id is not None
    assert path.shapes[0].id >= 500
    assert other.id is not None
    assert other.id >= 500
    assert other.elements[0].id != element_id


def test_rows_say_what_queries_need() -> None:
    data = document()
    data.tracks[0].shapes[-1].outside = True
    assign_ids(data, count(1))
    rows = encode_batch(data).rows
    types = list(ShapeType)
    assert [(row.kind, row.frame, row.last_frame, row.label_id) for row in rows] == [
        (Kind.TAG, 2, 2, 8),
        (Kind.SHAPE, 1, 1, 1),
        (Kind.SHAPE, 3, 3, 2),
        (Kind.TRACK, 0, 5, 1),
        (Kind.TRACK, 0, OPEN_END, 2),
    ]
    assert [row.type and types[row.type - 1] for row in rows] == [0, "rectangle", "skeleton", "rectangle", "skeleton"]


def test_a_batch_is_the_document_it_came_from() -> None:
    data = document()
    assign_ids(data, count(1))
    batch = encode_batch(data)
    assert msgspec.json.decode(batch.document()) == msgspec.to_builtins(data)
    assert batch.label_ids() == {1, 2, 8}
    counts = batch.counts()
    assert (counts.tags, counts.shapes, counts.tracks, counts.total) == (1, 2, 2, 5)
    assert counts.document_bytes == sum(len(row.doc) for row in batch.rows)


def test_empty_documents() -> None:
    assert Batch().document() == b'{"version":0,"tags":[],"shapes":[],"tracks":[]}'
    assert join_document({}) == Batch().document()
    assert Batch().counts() == Counts()


def test_counts_add_and_subtract() -> None:
    assert Counts(3, 4, 5, 60) - Counts(1, 1, 1, 10) + Counts(1, 0, 0, 1) == Counts(3, 3, 4, 51)


@pytest.mark.parametrize("kind", list(Kind))
def test_documents_are_refreshed_for_the_present_labels(kind: Kind) -> None:
    data = document()
    assign_ids(data, count(1))
    docs = [row.doc for row in encode_batch(data).rows if row.kind is kind]
    refreshed = decode_documents(kind, refresh_documents(kind, docs, SCHEMA))
    if kind is Kind.SHAPE:
        assert values_of(refreshed.shapes[0].attributes) == {5: "grey", 6: ""}
    elif kind is Kind.TRACK:
        assert values_of(refreshed.tracks[0].attributes) == {6: ""}
        assert values_of(refreshed.tracks[0].shapes[1].attributes) == {5: "grey"}
    else:
        assert refreshed.tags == data.tags


async def test_rows_are_packed_for_copy_in_bounded_pieces() -> None:
    data = LabeledData(shapes=[rectangle(frame, 0.0) for frame in range(6000)])
    assign_ids(data, count(1))
    rows = encode_batch(data).rows
    pieces = [piece async for piece in copy_pieces(7, 3, rows)]
    packed = b"".join(pieces)
    assert len(pieces) > 1
    assert max(map(len, pieces)) < 1024 * 1024
    assert packed.startswith(b"PGCOPY\n\xff\r\n\0")
    assert packed.endswith(b"\xff\xff")
    assert packed[19:21] == len(COLUMNS).to_bytes(2)
    fixed = 2 + 9 * 4 + 8 * 4 + 2 * 2 + 4 * 2
    assert len(packed) == 19 + 2 + sum(fixed + len(row.doc) for row in rows)
