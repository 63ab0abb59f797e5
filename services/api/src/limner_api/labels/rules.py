"""Rules of labels: what a label is, and what is refused when labels are made.

Source: the annotation domain, sections 4 and 5.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from limner_api.labels.attributes import CheckedAttribute, check_new_attributes
from limner_api.labels.inputs import LabelInput, check_each, checked_name, wrong
from limner_api.labels.skeletons import check_template
from limner_common.errors import Invalid
from limner_model.colors import label_color, rgb_from_hex

_NAMES_NOT_UNIQUE = "All label names must be unique"


class LabelType(StrEnum):
    """What objects of a label may be drawn as."""

    ANY = "any"
    TAG = "tag"
    RECTANGLE = "rectangle"
    POLYGON = "polygon"
    POLYLINE = "polyline"
    POINTS = "points"
    ELLIPSE = "ellipse"
    CUBOID = "cuboid"
    MASK = "mask"
    SKELETON = "skeleton"
    INTERVAL = "interval"


#: Spellings of older installations and their files.
TYPE_ALIASES = {"bbox": LabelType.RECTANGLE, "cuboid_3d": LabelType.CUBOID}


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A label or sublabel that is to be made, complete.

    Attributes:
        name: Unique on its level.
        color: ``#rrggbb``.
        type: What it may be drawn as.
        attributes: Its specifications.
        sublabels: Points of a skeleton, in order.
        svg: Template of a skeleton, by names: give it to ``skeletons.with_label_ids`` once the sublabels have ids. Else "".
    """

    name: str
    color: str
    type: LabelType
    attributes: tuple[CheckedAttribute, ...] = ()
    sublabels: tuple["NewLabel", ...] = ()
    svg: str = ""


def check_new_labels(inputs: Sequence[LabelInput], taken_colors: Iterable[str] = ()) -> tuple[NewLabel, ...]:
    """Check labels that are to be made together and complete them; ids are of no meaning there.

    Args:
        inputs: Labels as sent.
        taken_colors: Colours of labels beside them.

    Raises:
        Invalid: One breaks the rules, under ``labels``; or a name comes twice.
    """
    labels = check_each("labels", inputs, _new_label)
    check_unique(label.name for label in labels)
    return with_colors(labels, taken_colors)


def check_unique(names: Iterable[str]) -> None:
    """Check that no name of one level comes twice.

    Raises:
        Invalid: One does.
    """
    listed = list(names)
    if len(set(listed)) != len(listed):
        raise Invalid(_NAMES_NOT_UNIQUE, code="label_names_not_unique")


def with_colors(labels: Sequence[NewLabel], taken: Iterable[str] = ()) -> tuple[NewLabel, ...]:
    """Give labels without a colour one that neither their siblings nor ``taken`` have."""
    used = [color for color in (*taken, *(label.color for label in labels)) if _is_color(color)]
    colored: list[NewLabel] = []
    for label in labels:
        color = label.color or label_color(label.name, used)
        used.append(color)
        colored.append(replace(label, color=color, sublabels=with_colors(label.sublabels)))
    return tuple(colored)


def checked_color(given: str | None) -> str:
    """Return a colour as given, or "" when none is.

    Raises:
        Invalid: It is not of the form ``#rrggbb``.
    """
    color = (given or "").strip()
    if color and not (color.startswith("#") and _is_color(color)):
        raise wrong("color", "A colour has the form #rrggbb.")
    return color


def checked_type(given: str | None) -> LabelType | None:
    """Return a type by its name or an older spelling, or None when none is given.

    Raises:
        Invalid: There is no such type.
    """
    if given is None:
        return None
    try:
        return TYPE_ALIASES.get(given) or LabelType(given)
    except ValueError as error:
        raise wrong("type", f'"{given}" is not a valid choice.') from error


def _new_label(given: LabelInput) -> NewLabel:
    if given.deleted:
        raise wrong("deleted", "A new label cannot be deleted.")
    name, color = checked_name(given.name), checked_color(given.color)
    type_ = checked_type(given.type) or LabelType.ANY
    attributes = check_new_attributes(given.attributes or ())
    if type_ is not LabelType.SKELETON:
        if given.sublabels:
            raise wrong("sublabels", "Only skeletons have sublabels.")
        return NewLabel(name, color, type_, attributes)
    if not given.sublabels:
        raise wrong("sublabels", "A skeleton needs at least one sublabel.")
    sublabels = check_each("sublabels", given.sublabels, _new_sublabel)
    names = [sublabel.name for sublabel in sublabels]
    check_unique(names)
    return NewLabel(name, color, type_, attributes, sublabels, check_template(given.svg or "", names))


def _new_sublabel(given: LabelInput) -> NewLabel:
    if given.deleted:
        raise wrong("deleted", "A new label cannot be deleted.")
    if given.sublabels:
        raise wrong("sublabels", "Only skeletons have sublabels.")
    check_sublabel_type(given.type)
    attributes = check_new_attributes(given.attributes or ())
    return NewLabel(checked_name(given.name), checked_color(given.color), LabelType.POINTS, attributes)


def check_sublabel_type(given: str | None) -> None:
    """Check the type of a sublabel, which is always drawn as a point; "any" and none mean just that.

    Raises:
        Invalid: Another one is given.
    """
    if checked_type(given) not in (None, LabelType.ANY, LabelType.POINTS):
        raise wrong("type", "Sublabels of a skeleton are points.")


def _is_color(text: str) -> bool:
    try:
        rgb_from_hex(text)
    except ValueError:
        return False
    return True
