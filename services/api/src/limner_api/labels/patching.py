"""Changes of the labels of a task or project.

An entry with an id changes that label, one without makes a new one; labels not mentioned stay. ``deleted`` removes a label
with its annotations. A label never becomes a skeleton nor stops being one, and the points of a skeleton neither come nor go:
its objects have exactly one element for each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from limner_api.labels.attributes import AttributePatch, plan_attribute_patch
from limner_api.labels.inputs import LabelInput, check_each, checked_name, wrong
from limner_api.labels.rules import (
    LabelType,
    NewLabel,
    check_new_labels,
    check_sublabel_type,
    check_unique,
    checked_color,
    checked_type,
)
from limner_api.labels.skeletons import check_template, with_label_ids
from limner_common.errors import Invalid, NotFound
from limner_model.labels import LabelSpec


@dataclass(frozen=True, slots=True)
class LabelChange:
    """A changed label or sublabel with all its fields.

    Attributes:
        id: The label.
        name: Unique on its level when all changes are made, not necessarily in between.
        color: ``#rrggbb``.
        type: What it may be drawn as.
        svg: A skeleton's template in its stored form; None when it stays as it is.
        attributes: What changes about its attributes.
        sublabels: Changed sublabels.
    """

    id: int
    name: str
    color: str
    type: str
    svg: str | None
    attributes: AttributePatch
    sublabels: tuple["LabelChange", ...] = ()


@dataclass(frozen=True, slots=True)
class LabelPatch:
    """What changes about the labels of a task or project."""

    create: tuple[NewLabel, ...] = ()
    update: tuple[LabelChange, ...] = ()
    delete: tuple[int, ...] = ()


def plan_label_patch(existing: Sequence[LabelSpec], inputs: Sequence[LabelInput]) -> LabelPatch:
    """Plan a change of labels.

    Args:
        existing: Top-level labels of the task or project with their sublabels and attributes.
        inputs: As sent.

    Raises:
        NotFound: An id is not one of the existing labels', sublabels' or attributes'.
        Invalid: A label breaks the rules, comes twice, or a name would.
    """
    by_id = {label.id: label for label in existing}
    _check_ids(inputs, by_id)
    check_each("labels", inputs, _check_deletion)
    changes = [label for label in inputs if label.id is not None and not label.deleted]
    update = check_each("labels", changes, lambda given: _change(_known(given, by_id), given))
    delete = tuple(label.id for label in inputs if label.deleted and label.id is not None)
    gone = {*delete, *(change.id for change in update)}
    stay = [label for label in existing if label.id not in gone]
    create = check_new_labels(
        [label for label in inputs if label.id is None],
        taken_colors=[*(label.color for label in stay), *(change.color for change in update)],
    )
    check_unique([*_names(stay), *_names(update), *_names(create)])
    return LabelPatch(create, update, delete)


def plan_single_patch(siblings: Sequence[LabelSpec], label_id: int, given: LabelInput) -> LabelPatch:
    """Plan a change of one label that is asked for by its own address.

    Args:
        siblings: All top-level labels of its task or project.
        label_id: The label.
        given: As sent; an id in it is of no meaning.

    Raises:
        NotFound: There is no such label.
        Invalid: It is a sublabel, or the change breaks the rules; fields are the label's own.
    """
    check_top_level(siblings, label_id, "modified")
    try:
        return plan_label_patch(siblings, [replace(given, id=label_id)])
    except Invalid as error:
        fields = error.fields or {}
        raise Invalid(error.message, code=error.code, fields=fields["labels"][0] if "labels" in fields else None) from error


def check_top_level(labels: Sequence[LabelSpec], label_id: int, done: str) -> None:
    """Check that a label can be handled by its own address.

    Args:
        labels: Top-level labels of a task or project.
        label_id: The label.
        done: What is to be done with it: "modified" or "deleted".

    Raises:
        NotFound: There is no such label.
        Invalid: It is a sublabel.
    """
    if any(sub.id == label_id for label in labels for sub in label.sublabels):
        raise Invalid(
            f"Sublabels cannot be {done} this way. Please send a PATCH request with updated parent label data instead.",
            code="label_is_sublabel",
        )
    if all(label.id != label_id for label in labels):
        raise NotFound


def _change(existing: LabelSpec, given: LabelInput) -> LabelChange:
    type_ = checked_type(given.type) or existing.type
    is_skeleton = existing.type == LabelType.SKELETON
    if (type_ == LabelType.SKELETON) != is_skeleton:
        raise wrong("type", "The type of a label cannot be changed from or to skeleton.")
    if given.sublabels and not is_skeleton:
        raise wrong("sublabels", "Only skeletons have sublabels.")
    sublabels = _change_sublabels(existing, given.sublabels or ())
    return LabelChange(
        id=existing.id,
        name=checked_name(given.name, existing=existing.name),
        color=checked_color(given.color) or existing.color,
        type=type_,
        svg=_changed_template(existing, sublabels, given.svg) if is_skeleton else None,
        attributes=plan_attribute_patch(existing.attributes, given.attributes or ()),
        sublabels=sublabels,
    )


def _change_sublabels(existing: LabelSpec, inputs: Sequence[LabelInput]) -> tuple[LabelChange, ...]:
    by_id = {label.id: label for label in existing.sublabels}
    if any(given.id is None or given.deleted for given in inputs):
        raise wrong("sublabels", "The points of an existing skeleton can be neither added nor removed.")
    _check_ids(inputs, by_id)
    changes = check_each("sublabels", inputs, lambda given: _change_sublabel(_known(given, by_id), given))
    changed = {change.id for change in changes}
    check_unique([*(label.name for label in existing.sublabels if label.id not in changed), *_names(changes)])
    return changes


def _change_sublabel(existing: LabelSpec, given: LabelInput) -> LabelChange:
    check_sublabel_type(given.type)
    if given.sublabels:
        raise wrong("sublabels", "Only skeletons have sublabels.")
    return LabelChange(
        id=existing.id,
        name=checked_name(given.name, existing=existing.name),
        color=checked_color(given.color) or existing.color,
        type=existing.type,
        svg=None,
        attributes=plan_attribute_patch(existing.attributes, given.attributes or ()),
    )


def _changed_template(existing: LabelSpec, changes: Sequence[LabelChange], svg: str | None) -> str | None:
    if not svg:
        return None
    names_by_id = {label.id: label.name for label in existing.sublabels} | {change.id: change.name for change in changes}
    ids_by_name = {name: id_ for id_, name in names_by_id.items()}
    return with_label_ids(check_template(svg, list(ids_by_name), names_by_id), ids_by_name)


def _check_ids(inputs: Sequence[LabelInput], by_id: dict[int, LabelSpec]) -> None:
    ids = [label.id for label in inputs if label.id is not None]
    for id_ in ids:
        if id_ not in by_id:
            raise NotFound(f"Not found label with id #{id_} to change")
    if len(ids) != len(set(ids)):
        raise Invalid("A label may be changed only once.", code="label_changed_twice")


def _check_deletion(given: LabelInput) -> None:
    if given.deleted and given.id is None:
        raise wrong("deleted", "A new label cannot be deleted.")


def _known(given: LabelInput, by_id: dict[int, LabelSpec]) -> LabelSpec:
    assert given.id is not None, "only entries with an id change a label"
    return by_id[given.id]


def _names(labels: Iterable[LabelSpec | LabelChange | NewLabel]) -> list[str]:
    return [label.name for label in labels]
