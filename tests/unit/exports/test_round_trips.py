"""import(export(x)) == x, up to what each format says it loses."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner_exports.formats import ReadOptions
from limner_model.annotations import LabeledData, Shape, ShapeType, Tag, Track
from limner_model.conversions import mask_from_polygons, shape_mask
from limner_model.interpolation import sweep
from limner_model.rle import points_from_mask
from tests.unit.exports.builders import BODY, SCHEMA, SIZE, document, export, import_bytes, only_tracks, video_task
from tests.unit.exports.strategies import box_tracks, documents

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ALL = list(ShapeType)
AREAS = [ShapeType.RECTANGLE, ShapeType.POLYGON, ShapeType.MASK, ShapeType.ELLIPSE]


def values(item: Any) -> str:
    """A shape or tag without id and score, as text."""
    document = msgspec.to_builtins(item)

    def tidy(value: dict[str, Any]) -> dict[str, Any]:
        kept = {name: found for name, found in value.items() if name not in ("id", "score")}
        kept["points"] = [round(number, 2) for number in kept.get("points", [])]
        kept["attributes"] = sorted((one["spec_id"], one["value"]) for one in kept.get("attributes", []))
        kept["elements"] = sorted((tidy(one) for one in kept.get("elements", [])), key=lambda one: one["label_id"])
        return kept

    return repr(tidy(document))


def check(found: list[Any], expected: list[Any]) -> None:
    one, other = Counter(map(values, found)), Counter(map(values, expected))
    assert list((one - other).elements()) == list((other - one).elements())


def replaced(shape: Shape, **changes: Any) -> Shape:
    return msgspec.structs.replace(shape, **changes)


def as_mask(shape: Shape) -> Shape | None:
    """The mask that an ellipse becomes."""
    mask = shape_mask(shape.type, shape.points, shape.rotation, width=SIZE[0], height=SIZE[1])
    return None if mask is None else replaced(shape, type=ShapeType.MASK, points=points_from_mask(mask), rotation=0.0)


def regrouped(data: LabeledData) -> dict[tuple[int, int], int]:
    """New number of (frame, group): groups of two and more count from 1 on each frame."""
    sizes = Counter((item.frame, item.group) for item in [*data.tags, *data.shapes])
    numbers: dict[tuple[int, int], int] = {}
    for frame, group in sorted(sizes):
        kept = [key for key in numbers if key[0] == frame]
        if group and sizes[frame, group] > 1:
            numbers[frame, group] = len(kept) + 1
    return numbers


@quick
@given(documents(ALL))
def test_cvat_for_images_keeps_everything(data: LabeledData) -> None:
    archive, report = export("CVAT for images 1.1", data)
    assert not report.dropped
    found = import_bytes("CVAT 1.1", archive)
    assert found.warnings == []
    for item in [*data.shapes, *data.tags, *(part for shape in data.shapes for part in shape.elements)]:
        item.source = "file"
    check(found.shapes, data.shapes)
    check(found.tags, data.tags)


@quick
@given(documents(ALL))
def test_datumaro_loses_cuboids_and_ellipses(data: LabeledData) -> None:
    for shape in data.shapes:
        if shape.type is ShapeType.CUBOID:
            shape.group = 0
    archive, report = export("Datumaro 1.0", data)
    kept = [shape for shape in data.shapes if shape.type is not ShapeType.CUBOID]
    assert sum(report.dropped.values()) == len(data.shapes) - len(kept)
    numbers = regrouped(data)
    expected = []
    for shape in kept:
        same = as_mask(shape) if shape.type is ShapeType.ELLIPSE else shape
        assert same is not None
        group = numbers.get((shape.frame, shape.group or 0), 0)
        parts = [msgspec.structs.replace(part, group=group) for part in same.elements]
        expected.append(replaced(same, group=group, elements=parts))
    found = import_bytes("Datumaro 1.0", archive)
    check(found.shapes, expected)
    check(found.tags, data.tags)


@quick
@given(documents(AREAS, groups=False))
def test_coco_keeps_boxes_polygons_and_masks(data: LabeledData) -> None:
    archive, report = export("COCO 1.0", data)
    assert sum(report.dropped.values()) == len(data.tags)
    expected = []
    for shape in data.shapes:
        same = as_mask(shape) if shape.type is ShapeType.ELLIPSE else shape
        assert same is not None
        expected.append(replaced(same, z_order=0))
    check(import_bytes("COCO 1.0", archive).shapes, expected)


@quick
@given(documents([ShapeType.RECTANGLE, ShapeType.POLYGON, ShapeType.POINTS], groups=False))
def test_voc_keeps_boxes_and_tags(data: LabeledData) -> None:
    archive, _ = export("PASCAL VOC 1.1", data)
    found = import_bytes("PASCAL VOC 1.1", archive)
    boxes = [replaced(shape, z_order=0) for shape in data.shapes if shape.type is ShapeType.RECTANGLE]
    check(found.shapes, boxes)
    check(found.tags, data.tags)


@quick
@given(documents([ShapeType.MASK], groups=False, most_per_frame=1))
def test_voc_keeps_masks_that_do_not_overlap(data: LabeledData) -> None:
    archive, _ = export("PASCAL VOC 1.1", data)
    found = import_bytes("PASCAL VOC 1.1", archive, options=ReadOptions(conv_mask_to_poly=False))
    expected = [replaced(shape, z_order=0, attributes=[], occluded=False) for shape in data.shapes]
    check(found.shapes, expected)


def bare(shape: Shape) -> Shape:
    return replaced(shape, z_order=0, attributes=[], occluded=False, group=0)


@quick
@given(documents([ShapeType.RECTANGLE], groups=False), st.sampled_from(["YOLO 1.1", "Ultralytics YOLO Detection 1.0"]))
def test_yolo_keeps_boxes_that_are_not_rotated(data: LabeledData, name: str) -> None:
    archive, report = export(name, data)
    kept = [shape for shape in data.shapes if not shape.rotation]
    assert sum(report.dropped.values()) == len(data.shapes) - len(kept) + len(data.tags)
    check(import_bytes(name, archive).shapes, [bare(shape) for shape in kept])


@quick
@given(documents([ShapeType.POLYGON, ShapeType.POLYLINE], groups=False))
def test_ultralytics_segmentation_keeps_polygons(data: LabeledData) -> None:
    archive, _ = export("Ultralytics YOLO Segmentation 1.0", data)
    expected = [bare(shape) for shape in data.shapes if shape.type is ShapeType.POLYGON]
    check(import_bytes("Ultralytics YOLO Segmentation 1.0", archive).shapes, expected)


@quick
@given(documents([ShapeType.MASK], groups=False, most_per_frame=1, with_tags=False))
def test_masks_written_as_polygons_cover_the_same_pixels(data: LabeledData) -> None:
    name = "Ultralytics YOLO Segmentation 1.0"
    archive, report = export(name, data)
    assert not report.dropped
    found = import_bytes(name, archive).shapes
    for shape in data.shapes:
        rings = [other.points for other in found if other.frame == shape.frame]
        mask = mask_from_polygons(rings, width=SIZE[0], height=SIZE[1])
        assert mask is not None and points_from_mask(mask) == shape.points


def visible(data: LabeledData, size: int) -> list[Any]:
    """What is seen frame by frame, without ids."""
    seen = []
    for frame in sweep(data, SCHEMA, frames=range(size)):
        for shape in frame.shapes:
            points = [round(value, 1) for value in shape.points]
            attributes = sorted((one.spec_id, one.value) for one in shape.attributes)
            seen.append((frame.frame, shape.label_id, points, shape.occluded, attributes))
    return sorted(seen)


@quick
@given(st.lists(box_tracks(12), max_size=3, unique_by=lambda track: track.id))
def test_cvat_for_video_keeps_tracks(tracks: list[Track]) -> None:
    task = video_task(size=12)
    archive, report = export("CVAT for video 1.1", only_tracks(*tracks), task=task)
    assert not report.dropped
    found = import_bytes("CVAT 1.1", archive, task=task)
    assert found.shapes == []
    one = sorted(repr([keyframe(shape) for shape in track.shapes]) for track in found.tracks)
    other = sorted(repr([keyframe(shape) for shape in track.shapes]) for track in tracks)
    assert one == other
    assert sorted(track.attributes[0].value for track in found.tracks) == sorted(
        track.attributes[0].value for track in tracks
    )


def keyframe(shape: Any) -> Any:
    attributes = sorted((one.spec_id, one.value) for one in shape.attributes)
    return shape.frame, [round(value, 2) for value in shape.points], shape.outside, shape.occluded, attributes


def same_path(tracks: list[Track], name: str, importer: str, build: Callable[..., Any]) -> None:
    task = video_task(size=12)
    data = only_tracks(*tracks)
    archive, _ = export(name, data, task=task)
    found = build(import_bytes(importer, archive, task=task))
    assert found.shapes == []
    assert visible(found, 12) == visible(data, 12)


@quick
@given(st.lists(box_tracks(12), max_size=3, unique_by=lambda track: track.id))
def test_generic_formats_rebuild_tracks(tracks: list[Track]) -> None:
    for name in ("Datumaro 1.0", "COCO 1.0", "PASCAL VOC 1.1"):
        same_path(tracks, name, name, document)


def test_a_skeleton_track_survives_datumaro() -> None:
    from limner_model.annotations import ElementTrack, TrackedShape

    def key(frame: int, x: float, *, outside: bool = False) -> TrackedShape:
        return TrackedShape(type=ShapeType.POINTS, frame=frame, points=[x, x], outside=outside)

    def parent(frame: int, *, outside: bool = False) -> TrackedShape:
        return TrackedShape(type=ShapeType.SKELETON, frame=frame, points=[], outside=outside)

    track = Track(
        id=9,
        frame=2,
        label_id=BODY,
        shapes=[parent(2), parent(8, outside=True)],
        elements=[
            ElementTrack(frame=2, label_id=3, shapes=[key(2, 10.0), key(5, 20.0), key(8, 20.0, outside=True)]),
            ElementTrack(frame=2, label_id=4, shapes=[key(2, 30.0), key(8, 30.0, outside=True)]),
        ],
    )
    task = video_task(size=12)
    archive, _ = export("Datumaro 1.0", only_tracks(track), task=task)
    found = import_bytes("Datumaro 1.0", archive, task=task)
    assert len(found.tracks) == 1
    for frame, other in zip(
        sweep(document(found), SCHEMA, frames=range(12)), sweep(only_tracks(track), SCHEMA, frames=range(12)), strict=True
    ):
        points = [[element.points for element in shape.elements] for shape in frame.shapes]
        expected = [[element.points for element in shape.elements] for shape in other.shapes]
        assert [[[round(v, 1) for v in p] for p in s] for s in points] == [
            [[round(v, 1) for v in p] for p in s] for s in expected
        ]


def test_tags_have_attributes_too() -> None:
    from limner_model.annotations import AttributeValue

    tag = Tag(frame=1, label_id=1, attributes=[AttributeValue(spec_id=11, value="3")])
    for exporter, importer in (("CVAT for images 1.1", "CVAT 1.1"), ("Datumaro 1.0", "Datumaro 1.0")):
        archive, _ = export(exporter, LabeledData(tags=[tag]))
        found = import_bytes(importer, archive)
        assert [value.value for value in found.tags[0].attributes] == ["3", "false", ""]
