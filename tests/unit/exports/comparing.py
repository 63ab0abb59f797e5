"""Comparing archives by meaning: order, ids and dates do not matter, numbers have a tolerance."""

import math
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from lxml import etree

Plain = Any


def canonical_xml(element: etree._Element) -> Plain:
    """An element as nested plain values; ``<attribute>`` children become a mapping."""
    attributes = {child.get("name"): child.text or "" for child in element if child.tag == "attribute"}
    children = [canonical_xml(child) for child in element if child.tag != "attribute"]
    return {
        "tag": element.tag,
        "given": {name: _number(value) for name, value in element.attrib.items()},
        "attributes": attributes,
        "children": ordered(children),
        "text": (element.text or "").strip(),
    }


def ordered(values: Iterable[Plain]) -> list[Plain]:
    """Values in an order that depends on their content alone."""
    return sorted(values, key=_sort_key)


def assert_same(ours: Plain, golden: Plain, *, tolerance: float = 0.0101, path: str = "") -> None:
    """Compare nested plain values; numbers may differ by ``tolerance``."""
    if isinstance(golden, bool) or isinstance(ours, bool):
        assert ours is golden, f"{path}: {ours!r} != {golden!r}"
    elif isinstance(golden, int | float) and isinstance(ours, int | float):
        assert math.isclose(ours, golden, abs_tol=tolerance, rel_tol=1e-9), f"{path}: {ours} != {golden}"
    elif isinstance(golden, dict):
        assert isinstance(ours, dict) and ours.keys() == golden.keys(), f"{path}: {ours} != {golden}"
        for name, value in golden.items():
            assert_same(ours[name], value, tolerance=tolerance, path=f"{path}.{name}")
    elif isinstance(golden, list | tuple):
        assert len(ours) == len(golden), f"{path}: {len(ours)} != {len(golden)}\n{ours}\n{golden}"
        for index, (one, other) in enumerate(zip(ours, golden, strict=True)):
            assert_same(one, other, tolerance=tolerance, path=f"{path}[{index}]")
    else:
        assert ours == golden, f"{path}: {ours!r} != {golden!r}"


def decode_picture(data: bytes) -> "np.ndarray[Any, Any]":
    """Pixels of a picture."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def _sort_key(value: Plain) -> str:
    return repr(rounded(value))


def rounded(value: Plain) -> Plain:
    """Numbers with one decimal, mappings as sorted pairs: for comparing as sets."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float | int):
        return round(float(value), 1)
    if isinstance(value, dict):
        return sorted((str(name), rounded(item)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def _number(text: str) -> Plain:
    try:
        return float(text)
    except ValueError:
        return text
