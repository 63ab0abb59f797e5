"""Documents that clients send: read, checked, brought into normal form and filled; refused by field. Pure."""

import re
from collections.abc import Container
from typing import Any

import msgspec

from limner_annotations.revisions.documents import Kind, Target, objects_of
from limner_common.errors import Invalid
from limner_model.annotations import LabeledData
from limner_model.attributes import fill_defaults
from limner_model.labels import LabelSchema
from limner_model.validation import InvalidAnnotations, decode_labeled_data, validate_labeled_data

_STEP = re.compile(r"\w+|\[\d+\]")
_REQUIRED = "This field is required."


def parse_document(
    body: bytes,
    schema: LabelSchema,
    *,
    start_frame: int,
    stop_frame: int,
    included_frames: Container[int] | None = None,
) -> LabeledData:
    """Read a document whose objects will be stored.

    Args:
        body: JSON; an empty body is an empty document.
        schema: Labels of the task.
        start_frame: First frame of the job or task.
        stop_frame: Last frame, inclusive.
        included_frames: Frames that a job has, when it has only some of its range.

    Raises:
        Invalid: It cannot be accepted; ``fields`` nest like the document, with positions in lists as keys.
    """
    try:
        data = decode_labeled_data(body or b"{}")
        validate_labeled_data(data, schema, start_frame=start_frame, stop_frame=stop_frame, included_frames=included_frames)
    except InvalidAnnotations as error:
        raise refusal(error) from error
    return fill_defaults(data, schema)


def refuse_ids(data: LabeledData) -> None:
    """Make sure that objects to be created have no ids.

    Raises:
        Invalid: One has.
    """
    positions: dict[Kind, int] = {}
    for kind, item in objects_of(data):
        position = positions.get(kind, 0)
        positions[kind] = position + 1
        if item.id is not None:
            message = "An object that is created must not have an id."
            raise Invalid(fields={kind.field: {str(position): {"id": [message]}}}, code="id_given")


def targets_of(data: LabeledData) -> list[Target]:
    """Return the objects that a document names by id.

    Raises:
        Invalid: An id is there twice.
    """
    targets = [Target(kind, item.id) for kind, item in objects_of(data) if item.id is not None]
    return _unique(targets)


class _Named(msgspec.Struct):
    id: int | None = None


class _NamedObjects(msgspec.Struct):
    tags: list[_Named] = []
    shapes: list[_Named] = []
    tracks: list[_Named] = []


class _RawObjects(msgspec.Struct):
    tags: msgspec.Raw = msgspec.Raw(b"[]")
    shapes: msgspec.Raw = msgspec.Raw(b"[]")
    tracks: msgspec.Raw = msgspec.Raw(b"[]")


def parse_targets(body: bytes) -> tuple[list[Target], bytes]:
    """Read a document whose objects will be deleted: of each only the id counts.

    Returns:
        The objects named, and the document to answer: the same objects, all lists there.

    Raises:
        Invalid: Not a document, or an object without id.
    """
    try:
        named = msgspec.json.decode(body or b"{}", type=_NamedObjects)
        raw = msgspec.json.decode(body or b"{}", type=_RawObjects)
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from error
    except msgspec.DecodeError as error:
        raise Invalid(f"JSON parse error - {error}", code="parse_error") from error
    targets: list[Target] = []
    for kind in Kind:
        for position, item in enumerate(getattr(named, kind.field)):
            if item.id is None:
                raise Invalid(fields={kind.field: {str(position): {"id": [_REQUIRED]}}})
            targets.append(Target(kind, item.id))
    answer = b'{"version":0,"tags":%b,"shapes":%b,"tracks":%b}' % (bytes(raw.tags), bytes(raw.shapes), bytes(raw.tracks))
    return list(dict.fromkeys(targets)), answer


def refusal(error: InvalidAnnotations) -> Invalid:
    """Return the error of a request from the faults of a document.

    ``shapes[3].points`` becomes ``{"shapes": {"3": {"points": [message]}}}``; faults of the document itself have no
    fields.
    """
    fields: dict[str, Any] = {}
    for path, message in error.errors:
        steps = [step.strip("[]") for step in _STEP.findall(path)]
        if not steps:
            return Invalid(message, code="annotations_invalid")
        _put(fields, steps, message)
    return Invalid(str(error), fields=fields, code="annotations_invalid")


def _put(fields: dict[str, Any], steps: list[str], message: str) -> None:
    for step in steps[:-1]:
        deeper = fields.setdefault(step, {})
        if isinstance(deeper, list):
            deeper = fields[step] = {"non_field_errors": deeper}
        fields = deeper
    last = fields.setdefault(steps[-1], [])
    messages = last.setdefault("non_field_errors", []) if isinstance(last, dict) else last
    messages.append(message)


def _unique(targets: list[Target]) -> list[Target]:
    if len(set(targets)) != len(targets):
        seen: set[Target] = set()
        for target in targets:
            if target in seen:
                raise Invalid(f"The id {target.id} is there more than once.", code="id_repeated")
            seen.add(target)
    return targets
