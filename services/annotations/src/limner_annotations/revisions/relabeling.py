"""Objects of a task whose labels were exchanged for those of a project. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from limner_annotations.revisions.documents import (
    AnyObject,
    Batch,
    Kind,
    Target,
    decode_documents,
    encode_batch,
    objects_of,
)
from limner_model.annotations import Element, ElementTrack, LabeledData, Shape, Tag, Track


@dataclass(frozen=True, slots=True)
class LabelMap:
    """New ids by the former ones; what has the new id 0, or is not named, has no place any more.

    Attributes:
        labels: Labels and sublabels.
        attributes: Attributes of the former labels.
    """

    labels: dict[int, int]
    attributes: dict[int, int]


def relabel(kind: Kind, docs: Sequence[bytes], label_map: LabelMap) -> tuple[list[Target], Batch]:
    """Exchange the labels of stored objects of one kind; O(size).

    Objects that have new labels already, because they were saved after the labels were exchanged, stay as they are.

    Returns:
        The objects that do not stay as they are, and what comes in their place, under the same ids: nothing for an object
        whose label has no place.
    """
    data = decode_documents(kind, docs)
    new_labels = set(label_map.labels.values()) - label_map.labels.keys()
    touched = [item for _, item in objects_of(data) if item.label_id not in new_labels]
    before = {item.id: doc for (_, item), doc in zip(objects_of(data), docs, strict=True)}
    kept = {item.id for item in touched if _exchange(item, label_map)}
    after = encode_batch(
        LabeledData(
            tags=[tag for tag in data.tags if tag.id in kept],
            shapes=[shape for shape in data.shapes if shape.id in kept],
            tracks=[track for track in data.tracks if track.id in kept],
        )
    )
    rows = [row for row in after.rows if row.doc != before[row.id]]
    same = {row.id for row in after.rows} - {row.id for row in rows}
    return [Target(kind, item.id or 0) for item in touched if item.id not in same], Batch(rows)


def _exchange(item: AnyObject, label_map: LabelMap) -> bool:
    """Exchange the labels of an object and its elements in place; False when it has no place any more."""
    if not _exchange_own(item, label_map):
        return False
    if isinstance(item, Tag) or not item.elements:
        return True
    if isinstance(item, Shape):
        item.elements = [element for element in item.elements if _exchange_own(element, label_map)]
    else:
        item.elements = [element for element in item.elements if _exchange_own(element, label_map)]
    return bool(item.elements)


def _exchange_own(item: AnyObject | Element | ElementTrack, label_map: LabelMap) -> bool:
    label_id = label_map.labels.get(item.label_id, 0)
    if not label_id:
        return False
    item.label_id = label_id
    parts = [item, *item.shapes] if isinstance(item, Track | ElementTrack) else [item]
    for part in parts:
        for value in part.attributes:
            value.spec_id = label_map.attributes.get(value.spec_id, 0)
        part.attributes = [value for value in part.attributes if value.spec_id]
    return True
