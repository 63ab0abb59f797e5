"""Templates of skeletons: an SVG fragment of nodes and edges.

Nodes are circles of ``data-type="element node"`` that name a sublabel, edges are lines of ``data-type="edge"``. Stored
templates refer to sublabels by ``data-label-id``, those sent and put into files by ``data-label-name``. Coordinates are in a
square of 100 by 100.

Templates are shown by browsers, so they are rebuilt from known elements and attributes; nothing else survives.

Source: the annotation domain, section 4.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from html.parser import HTMLParser

from limner_api.labels.inputs import wrong

MAX_SVG_LENGTH = 100_000
NODE = "element node"
EDGE = "edge"

_ELEMENTS = frozenset({"circle", "line", "polyline", "polygon", "ellipse", "rect"})
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,20})?")
_COORDINATES = re.compile(r"[0-9 ,.+-]{1,20000}")
_PAINT = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{1,32}|rgba?\([0-9 ,.%]{1,64}\)")
_COUNT = re.compile(r"[0-9]{1,18}")
_KIND = re.compile(f"{NODE}|{EDGE}")
_NAME = re.compile(r"[^\x00-\x1f\ud800-\udfff]{1,64}")
#: Attributes that survive, with what they may hold.
_ATTRIBUTES = {
    **dict.fromkeys(("cx", "cy", "r", "rx", "ry", "x", "y", "x1", "y1", "x2", "y2", "width", "height"), _NUMBER),
    **dict.fromkeys(("stroke-width", "opacity", "stroke-opacity", "fill-opacity"), _NUMBER),
    "points": _COORDINATES,
    "stroke": _PAINT,
    "fill": _PAINT,
    **dict.fromkeys(("data-element-id", "data-node-id", "data-node-from", "data-node-to", "data-label-id"), _COUNT),
    "data-type": _KIND,
    "data-label-name": _NAME,
}


@dataclass(frozen=True, slots=True)
class SvgElement:
    """One element with its attributes in the order they were written."""

    tag: str
    attributes: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """Return an attribute's value, or None."""
        return next((value for key, value in self.attributes if key == name), None)

    @property
    def is_node(self) -> bool:
        """Whether it stands for a sublabel."""
        return self.tag == "circle" and self.get("data-type") == NODE


def check_template(svg: str, names: Sequence[str], names_by_id: Mapping[int, str] | None = None) -> str:
    """Return a skeleton's template, cleaned, with its nodes referring to sublabels by name.

    A template without any node is made anew, as is an absent one.

    Args:
        svg: As sent; "" when absent.
        names: The skeleton's sublabels in order, unique.
        names_by_id: Existing sublabels, for nodes that name them by ``data-label-id``.

    Raises:
        Invalid: It is too long, a node has no place or no known sublabel, or a sublabel has not exactly one node.
    """
    if len(svg) > MAX_SVG_LENGTH:
        raise wrong("svg", f"Ensure this field has no more than {MAX_SVG_LENGTH} characters.")
    elements = parse_svg(svg)
    if not any(element.is_node for element in elements):
        return generate_template(names)
    known = names_by_id or {}
    named = [_named(element, known) for element in elements]
    found = [element.get("data-label-name") for element in named if element.is_node]
    if sorted(name or "" for name in found) != sorted(names):
        raise wrong("svg", "The template must have exactly one node for each sublabel.")
    if any(element.get("cx") is None or element.get("cy") is None for element in named if element.is_node):
        raise wrong("svg", "Each node of the template needs cx and cy.")
    return render_svg(named)


def generate_template(names: Sequence[str]) -> str:
    """Return a template with the sublabels on a circle, each joined to the next."""
    places = [_place(index, len(names)) for index in range(len(names))]
    edges = [_edge(index, places[index], places[index + 1]) for index in range(len(places) - 1)]
    nodes = [_node(index, place, name) for index, (place, name) in enumerate(zip(places, names, strict=True))]
    return render_svg([*edges, *nodes])


def with_label_ids(svg: str, ids_by_name: Mapping[str, int]) -> str:
    """Return a template in the form it is stored in: nodes refer to sublabels by id. Names without an id are kept."""

    def refer(key: str, value: str) -> tuple[str, str]:
        known = key == "data-label-name" and value in ids_by_name
        return ("data-label-id", str(ids_by_name[value])) if known else (key, value)

    return render_svg([_renamed(element, refer) for element in parse_svg(svg)])


def with_label_names(svg: str, names_by_id: Mapping[int, str]) -> str:
    """Return a template in the form files have: nodes refer to sublabels by name. Ids without a name are kept."""
    return render_svg([_named(element, names_by_id) for element in parse_svg(svg)])


def parse_svg(svg: str) -> list[SvgElement]:
    """Return the known elements of a fragment with their known attributes, groups flattened; never fails."""
    reader = _Reader()
    reader.feed(svg)
    reader.close()
    return reader.elements


def render_svg(elements: Sequence[SvgElement]) -> str:
    """Write elements as a fragment."""
    return "".join(map(_render_element, elements))


class _Reader(HTMLParser):
    """Reads leniently: templates come from browsers, whose serialisation is HTML and not XML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[SvgElement] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ELEMENTS:
            return
        kept: dict[str, str] = {}
        for name, value in attrs:
            pattern = _ATTRIBUTES.get(name)
            if pattern is not None and value is not None and pattern.fullmatch(value):
                kept.setdefault(name, value)
        self.elements.append(SvgElement(tag, tuple(kept.items())))


def _render_element(element: SvgElement) -> str:
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in element.attributes)
    return f"<{element.tag}{attributes}></{element.tag}>"


def _named(element: SvgElement, names_by_id: Mapping[int, str]) -> SvgElement:
    def refer(key: str, value: str) -> tuple[str, str]:
        name = names_by_id.get(int(value)) if key == "data-label-id" else None
        return (key, value) if name is None else ("data-label-name", name)

    return _renamed(element, refer)


def _renamed(element: SvgElement, refer: Callable[[str, str], tuple[str, str]]) -> SvgElement:
    if not element.is_node:
        return element
    return replace(element, attributes=tuple(dict(refer(key, value) for key, value in element.attributes).items()))


def _place(index: int, count: int) -> tuple[str, str]:
    radius = 0 if count == 1 else 35
    angle = 2 * math.pi * index / count
    return f"{50 + radius * math.cos(angle):.2f}", f"{50 + radius * math.sin(angle):.2f}"


def _edge(index: int, start: tuple[str, str], stop: tuple[str, str]) -> SvgElement:
    ends = (("x1", start[0]), ("y1", start[1]), ("x2", stop[0]), ("y2", stop[1]))
    nodes = (("data-node-from", str(index + 1)), ("stroke-width", "0.5"), ("data-node-to", str(index + 2)))
    return SvgElement("line", (*ends, ("stroke", "black"), ("data-type", EDGE), *nodes))


def _node(index: int, place: tuple[str, str], name: str) -> SvgElement:
    look = (("r", "1.5"), ("stroke", "black"), ("fill", "#b3b3b3"), ("cx", place[0]), ("cy", place[1]))
    number = str(index + 1)
    ids = (("data-element-id", number), ("data-node-id", number), ("data-label-name", name))
    return SvgElement("circle", (*look, ("stroke-width", "0.1"), ("data-type", NODE), *ids))
