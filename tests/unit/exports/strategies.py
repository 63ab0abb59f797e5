"""Random annotations. Coordinates are quarters, so that two decimals and six digits of a fraction hold them exactly."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from limner_model.annotations import AttributeValue, Element, LabeledData, Shape, ShapeType, Tag, Track, TrackedShape
from limner_model.rle import CroppedMask, points_from_mask
from tests.unit.exports.builders import BODY, CAR, FOOT, HEAD, NAMES, SIZE, SKY

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=8).map(str.strip)


def coordinate(limit: int) -> st.SearchStrategy[float]:
    return st.integers(0, limit * 4).map(lambda value: value / 4)


@st.composite
def box_points(draw: st.DrawFn) -> list[float]:
    x = sorted(draw(st.lists(coordinate(SIZE[0]), min_size=2, max_size=2, unique=True)))
    y = sorted(draw(st.lists(coordinate(SIZE[1]), min_size=2, max_size=2, unique=True)))
    return [x[0], y[0], x[1], y[1]]


def pairs(least: int, most: int = 6) -> st.SearchStrategy[list[float]]:
    pair = st.tuples(coordinate(SIZE[0]), coordinate(SIZE[1]))
    return st.lists(pair, min_size=least, max_size=most).map(lambda found: [value for one in found for value in one])


@st.composite
def mask_points(draw: st.DrawFn) -> list[float]:
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    bits = draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    bitmap = np.array(bits, dtype=np.bool_).reshape(height, width)
    bitmap[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    left, top = draw(st.integers(0, SIZE[0] - width)), draw(st.integers(0, SIZE[1] - height))
    return points_from_mask(CroppedMask(bitmap, left, top))


@st.composite
def car_attributes(draw: st.DrawFn) -> list[AttributeValue]:
    return [
        AttributeValue(spec_id=11, value=str(draw(st.integers(0, 9)))),
        AttributeValue(spec_id=12, value=draw(st.sampled_from(["true", "false"]))),
        AttributeValue(spec_id=13, value=draw(TEXT)),
    ]


def element(draw: st.DrawFn, label_id: int, frame: int) -> Element:
    state = draw(st.sampled_from(["visible", "occluded"]))
    return Element(
        type=ShapeType.POINTS,
        label_id=label_id,
        frame=frame,
        points=draw(pairs(1, 1)),
        occluded=state == "occluded",
    )


@st.composite
def shapes(draw: st.DrawFn, kinds: list[ShapeType], *, rotated: bool, groups: bool, frame: int) -> Shape:
    kind = draw(st.sampled_from(kinds))
    points: dict[ShapeType, st.SearchStrategy[list[float]]] = {
        ShapeType.RECTANGLE: box_points(),
        ShapeType.POLYGON: pairs(3),
        ShapeType.POLYLINE: pairs(2),
        ShapeType.POINTS: pairs(1),
        ShapeType.ELLIPSE: st.just([50.0, 40.0, 62.5, 20.25]),
        ShapeType.CUBOID: pairs(8, 8),
        ShapeType.MASK: mask_points(),
        ShapeType.SKELETON: st.just([]),
    }
    is_skeleton = kind is ShapeType.SKELETON
    turns = kind in (ShapeType.RECTANGLE, ShapeType.ELLIPSE) and rotated
    label = BODY if is_skeleton else draw(st.sampled_from([CAR, SKY]))
    shape = Shape(
        type=kind,
        frame=frame,
        label_id=label,
        points=draw(points[kind]),
        occluded=False if is_skeleton else draw(st.booleans()),
        z_order=draw(st.integers(-2, 2)),
        rotation=draw(st.sampled_from([0.0, 15.25, 350.5])) if turns else 0.0,
        group=draw(st.integers(0, 2)) if groups else 0,
        attributes=draw(car_attributes()) if label == CAR else [],
        elements=[element(draw, part, frame) for part in (HEAD, FOOT)] if is_skeleton else [],
    )
    for part in shape.elements:
        part.group = shape.group
    return shape


def tags(frame: int) -> st.SearchStrategy[Tag]:
    return st.builds(Tag, frame=st.just(frame), label_id=st.just(SKY))


@st.composite
def documents(
    draw: st.DrawFn,
    kinds: list[ShapeType],
    *,
    rotated: bool = True,
    groups: bool = True,
    with_tags: bool = True,
    most_per_frame: int = 4,
) -> LabeledData:
    data = LabeledData()
    for frame in range(len(NAMES)):
        wanted: Any = shapes(kinds, rotated=rotated, groups=groups, frame=frame)
        data.shapes += draw(st.lists(wanted, max_size=most_per_frame))
        if with_tags:
            data.tags += draw(st.lists(tags(frame), max_size=1))
    return data


@st.composite
def box_tracks(draw: st.DrawFn, size: int) -> Track:
    """A track of boxes; where it leaves, the outside keyframe repeats the last box, as editors do."""
    frames = sorted(draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=5, unique=True)))
    keys: list[TrackedShape] = []
    for index, frame in enumerate(frames):
        leaves = index > 0 and not keys[-1].outside and draw(st.booleans())
        points = list(keys[-1].points) if leaves else draw(box_points())
        keys.append(
            TrackedShape(
                type=ShapeType.RECTANGLE,
                frame=frame,
                points=points,
                outside=leaves,
                occluded=draw(st.booleans()),
                rotation=0.0,
                attributes=[
                    AttributeValue(spec_id=12, value=draw(st.sampled_from(["true", "false"]))),
                    AttributeValue(spec_id=13, value=draw(TEXT)),
                ],
            )
        )
    fixed = [AttributeValue(spec_id=11, value=str(draw(st.integers(0, 9))))]
    return Track(id=draw(st.integers(1, 10**6)), frame=frames[0], label_id=CAR, shapes=keys, attributes=fixed)
