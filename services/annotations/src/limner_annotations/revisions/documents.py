"""Objects of the annotation model as rows: a ready wire document each, and what queries need to know of it.

Pure. Reading a job is joining documents, so everything a reader expects is in them when they are written: ids of the
object, its elements and keyframes, and values of all attributes.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import msgspec

from limner_model.annotations import Element, ElementTrack, LabeledData, Shape, ShapeType, Tag, Track, TrackedShape
from limner_model.attributes import fill_defaults
from limner_model.labels import LabelSchema

#: ``last_frame`` of a track that does not end: it is visible up to the end of its job.
OPEN_END = 2**31 - 1

_GUESSED_BYTES = 512

_encode = msgspec.json.Encoder().encode
_decode_tag = msgspec.json.Decoder(Tag).decode
_decode_shape = msgspec.json.Decoder(Shape).decode
_decode_track = msgspec.json.Decoder(Track).decode
_TYPE_CODES = {shape_type: code for code, shape_type in enumerate(ShapeType, 1)}


class Kind(IntEnum):
    """Kinds of objects, in the order of the lists of the wire document. Stored: never renumber."""

    TAG = 0
    SHAPE = 1
    TRACK = 2

    @property
    def field(self) -> str:
        """The list of the wire document that holds the kind."""
        return _FIELDS[self]


_FIELDS = ("tags", "shapes", "tracks")

AnyObject = Tag | Shape | Track


class ObjectRow(msgspec.Struct, gc=False):
    """One object as stored. ``type`` is 0 for tags, else 1 + the position in ``ShapeType``.

    A struct because there are hundreds of thousands: half the price of a named tuple, and no work for the collector.
    """

    kind: Kind
    id: int
    frame: int
    last_frame: int
    label_id: int
    type: int
    doc: bytes


class Target(NamedTuple):
    """An object that a change names."""

    kind: Kind
    id: int


@dataclass(slots=True)
class Counts:
    """Numbers of objects by kind, and the bytes of their documents."""

    tags: int = 0
    shapes: int = 0
    tracks: int = 0
    document_bytes: int = 0

    @property
    def total(self) -> int:
        """Number of objects of all kinds."""
        return self.tags + self.shapes + self.tracks

    @property
    def mean_bytes(self) -> int:
        """Mean size of a document; a guess where there are none."""
        return self.document_bytes // self.total if self.total else _GUESSED_BYTES

    def count(self, kind: int, number: int, document_bytes: int) -> None:
        """Add objects of one kind."""
        name = _FIELDS[kind]
        setattr(self, name, getattr(self, name) + number)
        self.document_bytes += document_bytes

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.tags + other.tags,
            self.shapes + other.shapes,
            self.tracks + other.tracks,
            self.document_bytes + other.document_bytes,
        )

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(
            self.tags - other.tags,
            self.shapes - other.shapes,
            self.tracks - other.tracks,
            self.document_bytes - other.document_bytes,
        )


@dataclass(slots=True)
class Batch:
    """Rows that are written together, in the order they were given."""

    rows: list[ObjectRow] = field(default_factory=list)

    def counts(self) -> Counts:
        """Count the rows; O(rows)."""
        counts = Counts()
        for kind in Kind:
            sizes = [len(row.doc) for row in self.rows if row.kind is kind]
            counts.count(kind, len(sizes), sum(sizes))
        return counts

    def label_ids(self) -> set[int]:
        """Return the labels of the rows."""
        return {row.label_id for row in self.rows}

    def document(self) -> bytes:
        """Return the rows as a wire document."""
        return join_document({kind: [row.doc for row in self.rows if row.kind is kind] for kind in Kind})


def objects_of(data: LabeledData) -> Iterator[tuple[Kind, AnyObject]]:
    """Yield all objects of a document with their kinds: tags, shapes, tracks."""
    for tag in data.tags:
        yield Kind.TAG, tag
    for shape in data.shapes:
        yield Kind.SHAPE, shape
    for track in data.tracks:
        yield Kind.TRACK, track


def count_ids(data: LabeledData) -> int:
    """Return the most ids that ``assign_ids`` can need for a document."""
    count = len(data.tags) + len(data.shapes)
    count += sum(len(shape.elements) for shape in data.shapes)
    for track in data.tracks:
        count += 1 + len(track.shapes) + sum(1 + len(element.shapes) for element in track.elements)
    return count


def assign_ids(data: LabeledData, ids: Iterator[int], *, kept: Collection[int] = ()) -> None:
    """Give ids to the objects of a document, in place.

    Args:
        data: The document.
        ids: Fresh ids, at least ``count_ids(data)``.
        kept: Objects with these ids keep them, and the ids inside them; everything else gets new ones.
    """
    for tag in data.tags:
        if tag.id is None or tag.id not in kept:
            tag.id = next(ids)
    for shape in data.shapes:
        is_kept = shape.id is not None and shape.id in kept
        if not is_kept:
            shape.id = next(ids)
        if shape.elements:
            _assign(shape.elements, ids, is_kept)
    for track in data.tracks:
        is_kept = track.id is not None and track.id in kept
        if not is_kept:
            track.id = next(ids)
        _assign(track.shapes, ids, is_kept)
        _assign(track.elements, ids, is_kept)
        for element in track.elements:
            _assign(element.shapes, ids, is_kept)


def _assign(parts: Iterable[Element | TrackedShape | ElementTrack], ids: Iterator[int], is_kept: bool) -> None:
    for part in parts:
        if part.id is None or not is_kept:
            part.id = next(ids)


def encode_batch(data: LabeledData) -> Batch:
    """Encode the objects of a document, which have ids, as rows; O(size)."""
    rows = [ObjectRow(Kind.TAG, tag.id or 0, tag.frame, tag.frame, tag.label_id, 0, _encode(tag)) for tag in data.tags]
    codes = _TYPE_CODES
    shape_kind = Kind.SHAPE
    rows.extend(
        ObjectRow(shape_kind, s.id or 0, s.frame, s.frame, s.label_id, codes[s.type], _encode(s)) for s in data.shapes
    )
    rows.extend(
        ObjectRow(
            Kind.TRACK,
            track.id or 0,
            track.frame,
            track.shapes[-1].frame if track.shapes[-1].outside else OPEN_END,
            track.label_id,
            codes[track.shapes[0].type],
            _encode(track),
        )
        for track in data.tracks
    )
    return Batch(rows)


def decode_documents(kind: int, docs: Iterable[bytes]) -> LabeledData:
    """Return a document with the objects of one kind; O(size)."""
    if kind == Kind.TAG:
        return LabeledData(tags=[_decode_tag(doc) for doc in docs])
    if kind == Kind.SHAPE:
        return LabeledData(shapes=[_decode_shape(doc) for doc in docs])
    return LabeledData(tracks=[_decode_track(doc) for doc in docs])


def encode_objects(data: LabeledData) -> list[bytes]:
    """Return the documents of the objects of a document, in its order; O(size)."""
    return [_encode(item) for _, item in objects_of(data)]


def refresh_documents(kind: int, docs: Iterable[bytes], schema: LabelSchema) -> list[bytes]:
    """Return documents of one kind with the attributes that their labels have now; O(size).

    Values of attributes that came later are defaults, values of attributes that are gone are left out.
    """
    return encode_objects(fill_defaults(decode_documents(kind, docs), schema))


def join_document(docs: dict[Kind, list[bytes]]) -> bytes:
    """Return a wire document from the documents of its objects."""
    return b'{"version":0,"tags":[%b],"shapes":[%b],"tracks":[%b]}' % (
        b",".join(docs.get(Kind.TAG, ())),
        b",".join(docs.get(Kind.SHAPE, ())),
        b",".join(docs.get(Kind.TRACK, ())),
    )
