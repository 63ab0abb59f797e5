"""Labels and attributes that a dataset uses, and what has to be created so that it can be imported into a project.

Source: FORMATS.md §2, §3.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from limner_exports.formats.base import FormatError
from limner_exports.formats.items import (
    AttributeInput,
    DatasetSummary,
    ImportItem,
    ImportShape,
    ImportTrack,
    LabelSummary,
)
from limner_exports.formats.resolving import BACKGROUND, QUIET_ATTRIBUTES
from limner_model.labels import AttributeType, LabelSchema


@dataclass(frozen=True, slots=True)
class NewAttribute:
    """An attribute to create; ``mutable`` says that it was met on keyframes of a track."""

    name: str
    input_type: AttributeType
    mutable: bool
    default_value: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """A label to create (``is_new``), or an existing one that gets attributes; ``sublabels`` belong to a new skeleton."""

    name: str
    is_new: bool
    type: str = "any"
    attributes: tuple[NewAttribute, ...] = ()
    sublabels: tuple["LabelPlan", ...] = field(default=())


def summarise_labels(items: Iterable[ImportItem | ImportTrack]) -> DatasetSummary:
    """Collect the labels that items use, with one sample value of each attribute; O(labels) memory."""
    summary = DatasetSummary()
    for item in items:
        if isinstance(item, ImportTrack):
            _take_track(summary.labels, item)
            continue
        for tag in item.tags:
            _take_values(summary.labels.setdefault(tag.label, LabelSummary()), tag.attributes)
        for shape in item.shapes:
            _take_shape(summary.labels, shape)
    return summary


def plan_labels(summary: DatasetSummary, existing: LabelSchema) -> list[LabelPlan]:
    """Say what a project needs before the dataset is imported.

    A project without labels gets those of the dataset. Otherwise every label must exist, except ``background``. Attributes
    that a label lacks are always added: numbers, checkboxes for true and false, text for the rest.

    Raises:
        FormatError: A label does not exist in a project that has labels.
    """
    plans = []
    known = {label.name: label for label in existing.labels}
    for name, found in summary.labels.items():
        label = known.get(name)
        if label is None and known:
            if name == BACKGROUND:
                continue
            raise FormatError(f"label '{name}' does not exist in the project")
        taken = {spec.name for spec in label.attributes} if label is not None else set()
        attributes = tuple(
            _new_attribute(key, value, mutable=key in found.mutable)
            for key, value in found.attributes.items()
            if key not in taken
        )
        if label is None:
            plans.append(_new_label(name, found, attributes))
        elif attributes:
            plans.append(LabelPlan(name, is_new=False, attributes=attributes))
    return plans


def _new_label(name: str, found: LabelSummary, attributes: tuple[NewAttribute, ...]) -> LabelPlan:
    sublabels = tuple(
        LabelPlan(
            part,
            is_new=True,
            type="points",
            attributes=tuple(
                _new_attribute(key, value, mutable=key in inner.mutable) for key, value in inner.attributes.items()
            ),
        )
        for part, inner in found.sublabels.items()
    )
    kind = "skeleton" if found.is_skeleton else "any"
    return LabelPlan(name, is_new=True, type=kind, attributes=attributes, sublabels=sublabels)


def _new_attribute(name: str, value: AttributeInput, *, mutable: bool) -> NewAttribute:
    if isinstance(value, bool) or str(value).lower() in ("true", "false"):
        return NewAttribute(name, AttributeType.CHECKBOX, mutable, "false", ("false",))
    if isinstance(value, int | float):
        return NewAttribute(name, AttributeType.NUMBER, mutable, "0", ("-1000000000", "1000000000", "1"))
    return NewAttribute(name, AttributeType.TEXT, mutable, "", ())


def _take_track(labels: dict[str, LabelSummary], track: ImportTrack) -> None:
    found = labels.setdefault(track.label, LabelSummary())
    for shape in track.shapes:
        _take_values(found, shape.attributes, on_keyframe=True)
    for part in track.elements:
        found.is_skeleton = True
        inner = found.sublabels.setdefault(part.label, LabelSummary())
        for shape in part.shapes:
            _take_values(inner, shape.attributes, on_keyframe=True)


def _take_shape(labels: dict[str, LabelSummary], shape: ImportShape) -> None:
    found = labels.setdefault(shape.label, LabelSummary())
    on_keyframe = shape.track_id is not None
    _take_values(found, shape.attributes, on_keyframe=on_keyframe)
    for part in shape.elements:
        found.is_skeleton = True
        inner = found.sublabels.setdefault(part.label, LabelSummary())
        _take_values(inner, part.attributes, on_keyframe=on_keyframe)


def _take_values(found: LabelSummary, values: dict[str, AttributeInput], *, on_keyframe: bool = False) -> None:
    for name, value in values.items():
        if name in QUIET_ATTRIBUTES:
            continue
        if on_keyframe:
            found.mutable.add(name)
        found.attributes.setdefault(name, value)
