"""Labels of a task that moves into a project: each becomes the project's label of the same name."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from limner_api.labels.rules import LabelType
from limner_common.errors import Invalid
from limner_model.labels import AttributeSpec, LabelSpec

_NOT_MAPPED = "All task or project label names must be mapped to the target project"


@dataclass(frozen=True, slots=True)
class LabelMapping:
    """What becomes of labels and attributes.

    Attributes:
        labels: New id of each label and sublabel.
        attributes: New id of each attribute, or None when its values have no place any more.
    """

    labels: dict[int, int] = field(default_factory=dict)
    attributes: dict[int, int | None] = field(default_factory=dict)


def map_labels(source: Sequence[LabelSpec], target: Sequence[LabelSpec]) -> LabelMapping:
    """Map the labels of a task to those of a project by name.

    Attributes are mapped when name, kind of input and mutability agree. Skeletons are mapped to skeletons with the same
    points.

    Raises:
        Invalid: A label has no counterpart.
    """
    mapping = LabelMapping()
    by_name = {label.name: label for label in target}
    for label in source:
        counterpart = by_name.get(label.name)
        if counterpart is None or not _is_alike(label, counterpart):
            raise Invalid(fields={"non_field_errors": [_NOT_MAPPED]}, code="labels_not_mapped")
        _map_one(mapping, label, counterpart)
        points = {sublabel.name: sublabel for sublabel in counterpart.sublabels}
        for sublabel in label.sublabels:
            _map_one(mapping, sublabel, points[sublabel.name])
    return mapping


def _is_alike(label: LabelSpec, counterpart: LabelSpec) -> bool:
    both = {label.type == LabelType.SKELETON, counterpart.type == LabelType.SKELETON}
    return len(both) == 1 and {sub.name for sub in label.sublabels} == {sub.name for sub in counterpart.sublabels}


def _map_one(mapping: LabelMapping, label: LabelSpec, counterpart: LabelSpec) -> None:
    mapping.labels[label.id] = counterpart.id
    known = {_identity(spec): spec.id for spec in counterpart.attributes}
    mapping.attributes.update((spec.id, known.get(_identity(spec))) for spec in label.attributes)


def _identity(spec: AttributeSpec) -> tuple[str, str, bool]:
    return spec.name, spec.input_type, spec.mutable
