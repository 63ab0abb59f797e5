"""Rules of attribute specifications.

Existing clients check values against these specifications and fail on contradictory ones, so contradictions are refused:
numbers without exactly ``[min, max, step]``, options that repeat, defaults outside of what is valid.

Source: the annotation domain, section 5.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from limner_api.labels.inputs import AttributeInput, check_each, check_storable, checked_name, wrong
from limner_common.errors import Invalid, NotFound
from limner_model.labels import AttributeSpec, AttributeType

MAX_VALUE_LENGTH = 200
MAX_DEFAULT_LENGTH = 128
#: All values of one attribute, joined by line breaks.
MAX_VALUES_LENGTH = 4096
_BOOLEANS = ("true", "false")


@dataclass(frozen=True, slots=True)
class CheckedAttribute:
    """A complete specification that keeps the rules."""

    name: str
    mutable: bool
    input_type: AttributeType
    default_value: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AttributePatch:
    """What changes about a label's attributes.

    Attributes:
        create: New specifications.
        update: Changed ones with all their fields, by id.
        delete: Ids of removed ones; values that objects have for them go too.
    """

    create: tuple[CheckedAttribute, ...] = ()
    update: tuple[tuple[int, CheckedAttribute], ...] = ()
    delete: tuple[int, ...] = ()


def check_new_attributes(inputs: Sequence[AttributeInput]) -> tuple[CheckedAttribute, ...]:
    """Check the attributes of a new label; ids are of no meaning there.

    Raises:
        Invalid: One breaks the rules, or a name comes twice; under ``attributes``.
    """
    made = check_each("attributes", inputs, _complete)
    _check_unique([attribute.name for attribute in made])
    return made


def plan_attribute_patch(existing: Sequence[AttributeSpec], inputs: Sequence[AttributeInput]) -> AttributePatch:
    """Plan a change of a label's attributes; those not mentioned stay.

    Raises:
        NotFound: An id is not one of the label's.
        Invalid: A specification breaks the rules, comes twice, or a name would; under ``attributes``.
    """
    by_id = {spec.id: spec for spec in existing}
    mentioned = [attribute.id for attribute in inputs if attribute.id is not None]
    for id_ in mentioned:
        if id_ not in by_id:
            raise NotFound(f"Not found attribute with id #{id_} to change")
    if len(mentioned) != len(set(mentioned)):
        raise wrong("attributes", "An attribute may be changed only once.")
    check_each("attributes", inputs, _check_deletion)
    kept = [attribute for attribute in inputs if not attribute.deleted]
    checked = check_each("attributes", kept, lambda item: _complete(item, by_id.get(item.id) if item.id else None))
    create = tuple(made for item, made in zip(kept, checked, strict=True) if item.id is None)
    update = tuple((item.id, made) for item, made in zip(kept, checked, strict=True) if item.id is not None)
    untouched = [spec.name for spec in existing if spec.id not in set(mentioned)]
    _check_unique([*untouched, *(attribute.name for attribute in checked)])
    delete = tuple(attribute.id for attribute in inputs if attribute.deleted and attribute.id is not None)
    return AttributePatch(create, update, delete)


def _complete(given: AttributeInput, existing: AttributeSpec | None = None) -> CheckedAttribute:
    if given.deleted and existing is None:
        raise wrong("deleted", "A new attribute cannot be deleted.")
    name = checked_name(given.name, existing=existing.name if existing else None)
    mutable = _mutable(given.mutable, existing)
    input_type = _input_type(given.input_type, existing)
    values = _values(given.values, existing)
    _check_values(input_type, values)
    default = _default_of(input_type, values, given.default_value, existing.default_value if existing else None)
    return CheckedAttribute(name, mutable, input_type, default, values)


def _check_deletion(given: AttributeInput) -> None:
    if given.deleted and given.id is None:
        raise wrong("deleted", "A new attribute cannot be deleted.")


def _mutable(given: bool | None, existing: AttributeSpec | None) -> bool:
    if given is None:
        if existing is None:
            raise wrong("mutable", "This field is required.")
        return existing.mutable
    return given


def _input_type(given: str | None, existing: AttributeSpec | None) -> AttributeType:
    if given is None:
        if existing is None:
            raise wrong("input_type", "This field is required.")
        return existing.input_type
    try:
        return AttributeType(given)
    except ValueError as error:
        raise wrong("input_type", f'"{given}" is not a valid choice.') from error


def _values(given: Sequence[str] | None, existing: AttributeSpec | None) -> tuple[str, ...]:
    if given is None:
        return tuple(existing.values) if existing is not None else ()
    values = tuple(value.strip() for value in given)
    if any(len(value) > MAX_VALUE_LENGTH for value in values):
        raise wrong("values", f"Ensure each value has no more than {MAX_VALUE_LENGTH} characters.")
    if len("\n".join(values)) > MAX_VALUES_LENGTH:
        raise wrong("values", f"Ensure the values have no more than {MAX_VALUES_LENGTH} characters together.")
    if any("\n" in value for value in values):
        raise wrong("values", "Values may not contain line breaks.")
    check_storable("values", "".join(values))
    return values


def _check_values(input_type: AttributeType, values: Sequence[str]) -> None:
    match input_type:
        case AttributeType.SELECT | AttributeType.RADIO:
            if not values:
                raise wrong("values", "At least one option is required.")
            if len(set(values)) != len(values):
                raise wrong("values", "Options must be unique.")
        case AttributeType.CHECKBOX:
            if any(value.lower() not in _BOOLEANS for value in values):
                raise wrong("values", 'A checkbox may only list "true" and "false".')
        case AttributeType.NUMBER:
            _check_range(values)
        case AttributeType.TEXT:
            pass


def _check_range(values: Sequence[str]) -> None:
    numbers = [_number(value) for value in values]
    if len(numbers) != 3:
        raise wrong("values", "A number needs exactly three values: minimum, maximum and step.")
    low, high, step = numbers
    if low is None or high is None or step is None:
        raise wrong("values", "Minimum, maximum and step must be numbers.")
    if low > high:
        raise wrong("values", "The minimum is greater than the maximum.")
    if step <= 0:
        raise wrong("values", "The step must be greater than zero.")


def _default_of(input_type: AttributeType, values: Sequence[str], given: str | None, inherited: str | None) -> str:
    """Return the default that is given, else the former one while it is valid, else what the values suggest."""
    if given is None and inherited is not None:
        with suppress(Invalid):
            return _default(input_type, values, inherited)
    return _default(input_type, values, given)


def _default(input_type: AttributeType, values: Sequence[str], given: str | None) -> str:
    default = (given or "").strip() if input_type is not AttributeType.TEXT else given or ""
    if len(default) > MAX_DEFAULT_LENGTH:
        raise wrong("default_value", f"Ensure this field has no more than {MAX_DEFAULT_LENGTH} characters.")
    check_storable("default_value", default)
    match input_type:
        case AttributeType.TEXT:
            return default if given is not None or not values else values[0]
        case AttributeType.CHECKBOX:
            default = (default or (values[0] if values else "false")).lower()
            if default not in _BOOLEANS:
                raise wrong("default_value", 'The default of a checkbox is "true" or "false".')
        case AttributeType.SELECT | AttributeType.RADIO:
            default = default if default or "" in values else values[0]
            if default not in values:
                raise wrong("default_value", "The default must be one of the options.")
        case AttributeType.NUMBER:
            default = default or values[0]
            number, low, high = _number(default), float(values[0]), float(values[1])
            if number is None or not low <= number <= high:
                raise wrong("default_value", "The default must be a number between minimum and maximum.")
    return default


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _check_unique(names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise Invalid(fields={"attributes": ["All attribute names must be unique"]})
