"""Names of labels and attributes in a dataset, resolved against the labels of the target.

Source: FORMATS.md §3.2.
"""

from collections import Counter

from limner_exports.formats.base import FormatError
from limner_exports.formats.items import AttributeInput
from limner_model.annotations import AttributeValue
from limner_model.labels import AttributeSpec, AttributeType, LabelSchema, LabelSpec

BACKGROUND = "background"
QUIET_ATTRIBUTES = frozenset(
    {"occluded", "outside", "keyframe", "track_id", "rotation", "source", "is_crowd", "score", "truncated", "difficult"}
)
"""Names that formats use themselves; they are no loss where the label has no attribute of that name."""
_SOURCES = frozenset({"auto", "semi-auto", "manual", "file"})
_TRUE, _FALSE = frozenset({"true", "1", "1.0", "yes"}), frozenset({"false", "0", "0.0", "no"})


class ResolvedLabel:
    """A label of the target with its attributes and sublabels by name."""

    def __init__(self, spec: LabelSpec) -> None:
        self.id = spec.id
        self.name = spec.name
        self.type = spec.type
        self.attributes = {attribute.name: attribute for attribute in spec.attributes}
        self.sublabels = {sub.name: ResolvedLabel(sub) for sub in spec.sublabels}


class LabelResolver:
    """Turns label and attribute names into ids; counts attribute values that have no place."""

    def __init__(self, schema: LabelSchema) -> None:
        self._labels = {label.name: ResolvedLabel(label) for label in schema.labels}
        self.ignored: Counter[tuple[str, str]] = Counter()

    def has(self, name: str) -> bool:
        """Whether there is a top-level label of this name."""
        return name in self._labels

    def label(self, name: str, where: str) -> ResolvedLabel:
        """Find a top-level label.

        Raises:
            FormatError: There is none of this name.
        """
        found = self._labels.get(name)
        if found is None:
            message = f"label '{name}' does not exist in the task" if name else "the annotation has no label"
            raise FormatError(message, where)
        return found

    def sublabel(self, label: ResolvedLabel, name: str, where: str) -> ResolvedLabel:
        """Find a sublabel of a skeleton.

        Raises:
            FormatError: The label has none of this name.
        """
        found = label.sublabels.get(name)
        if found is None:
            raise FormatError(f"label '{label.name}' has no point '{name}'", where)
        return found

    def attributes(
        self, label: ResolvedLabel, values: dict[str, AttributeInput], where: str
    ) -> tuple[list[AttributeValue], list[AttributeValue]]:
        """Resolve attribute values into (immutable, mutable), each by ascending attribute id.

        Unknown names are left out and counted.

        Raises:
            FormatError: A value of a checkbox reads neither as true nor as false.
        """
        fixed: list[AttributeValue] = []
        mutable: list[AttributeValue] = []
        for name, value in values.items():
            spec = label.attributes.get(name)
            if spec is None:
                if name not in QUIET_ATTRIBUTES:
                    self.ignored[label.name, name] += 1
                continue
            text = attribute_text(spec, value, where)
            (mutable if spec.mutable else fixed).append(AttributeValue(spec_id=spec.id, value=text))
        fixed.sort(key=_spec_id)
        mutable.sort(key=_spec_id)
        return fixed, mutable

    def warnings(self) -> list[str]:
        """Describe what was left out, sorted."""
        return [
            f"label '{label}' has no attribute '{name}': {count} values left out"
            for (label, name), count in sorted(self.ignored.items())
        ]


def attribute_text(spec: AttributeSpec, value: AttributeInput, where: str) -> str:
    """Write an attribute value the way it is stored.

    Raises:
        FormatError: A value of a checkbox reads neither as true nor as false.
    """
    if spec.input_type is AttributeType.CHECKBOX:
        return "true" if _as_bool(value, spec.name, where) else "false"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, str) and spec.input_type is AttributeType.NUMBER):
        return _number_text(value)
    return str(value)


def read_bool(value: AttributeInput) -> bool | None:
    """Read true or false from a value of a file, None when it is neither."""
    if isinstance(value, bool | int | float):
        return bool(value)
    word = value.strip().lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


def known_source(source: str | None) -> str:
    """The source of an imported object: one of the known words, else ``manual``."""
    return source if source in _SOURCES else "manual"


def _as_bool(value: AttributeInput, name: str, where: str) -> bool:
    result = read_bool(value)
    if result is None:
        raise FormatError(f"attribute '{name}' is a checkbox and cannot be '{value}'", where)
    return result


def _number_text(value: str | float) -> str:
    """Write ``2.0`` as ``2``: writers store numbers as floats, and a stored value must come back unchanged."""
    try:
        number = float(value)
    except ValueError:
        return str(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else str(value)


def _spec_id(value: AttributeValue) -> int:
    return value.spec_id
