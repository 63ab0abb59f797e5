"""Datumaro, an independent implementation, reads what we write and writes what we read: shape by shape, never by order.

It is a second opinion, not an oracle. What each version is known to get wrong stands beside the comparison; everything else
has to be equal.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limner_exports.formats import (
    ReadOptions,
    SafeArchive,
    TargetFrame,
    TargetFrames,
    find_importer,
    read_dataset,
)
from limner_model.annotations import AttributeValue, Shape, ShapeType, Tag, Track, TrackedShape
from limner_model.conversions import shape_mask
from limner_model.interpolation import sweep
from limner_model.rle import run_lengths
from tests.unit.exports.builders import CAR, SIZE, SKY, export, only_tracks, video_task
from tests.unit.exports.datumaro_readers import NEW, OLD, Document, Key, read_folders, write_folders
from tests.unit.exports.scenes import LABELS, NAMES, SUBSETS, Scene, make_scene

Normal = tuple[Any, ...]
#: Items by version, plugin and folder.
Read = dict[tuple[str, str, str], dict[Key, Document]]
_WIDTH, _HEIGHT = SIZE
_BOX, _POLYGON, _POLYLINE, _POINTS = (
    ShapeType.RECTANGLE,
    ShapeType.POLYGON,
    ShapeType.POLYLINE,
    ShapeType.POINTS,
)
_BY_ID = LABELS.by_id()
_NOT_IN_CVAT = (ShapeType.ELLIPSE, ShapeType.CUBOID)
_AREAS = frozenset({ShapeType.MASK, ShapeType.ELLIPSE})
_GROUPED = make_scene()
_SINGLE = make_scene(seed=11, has_groups=False)


# -- one form for both sides


def quarters(points: list[float]) -> tuple[float, ...]:
    """Coordinates of scenes are quarters; readers return them less exactly: a rotated box has a centre with two decimals."""
    assert all(abs(value - round(value * 4) / 4) < 0.006 for value in points), points
    return tuple(round(value * 4) / 4 for value in points)


def theirs(annotation: Document) -> Normal:
    """What datumaro printed: type, label, geometry, group, z_order, attributes."""
    geometry: Any = None
    if annotation["type"] == "mask":
        geometry = (tuple(annotation["size"]), tuple(annotation["runs"]))
    elif "points" in annotation:
        geometry = quarters(annotation["points"])
    attributes = annotation["attributes"]
    if "rotation" in annotation:
        attributes = {**attributes, "rotation": annotation["rotation"]}
    pairs = tuple(sorted((name, plain(value)) for name, value in attributes.items()))
    return annotation["type"], annotation["label"], geometry, annotation["group"], annotation["z_order"], pairs


def ours(shape: Shape | Tag) -> Normal:
    """The same of an object that we wrote, ellipses as masks."""
    label = _BY_ID[shape.label_id]
    values: dict[str, Any] = {}
    for spec in label.attributes:
        text = next((value.value for value in shape.attributes if value.spec_id == spec.id), spec.default_value)
        values[spec.name] = {"number": float, "checkbox": lambda text: text == "true"}.get(spec.input_type, str)(text)
    if isinstance(shape, Tag):
        return "label", label.name, None, shape.group or 0, 0, tuple(sorted(values.items()))
    values["occluded"] = shape.occluded
    kind, geometry = str(shape.type), None
    if shape.type is _BOX:
        kind, geometry, values["rotation"] = "bbox", quarters(shape.points), shape.rotation
    elif shape.type in _AREAS:
        kind, geometry = "mask", runs_of(bitmap(shape))
    else:
        geometry = quarters(shape.points)
    pairs = tuple(sorted((name, plain(value)) for name, value in values.items()))
    return kind, label.name, geometry, shape.group or 0, shape.z_order, pairs


def plain(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def bitmap(shape: Shape) -> Any:
    mask = shape_mask(shape.type, shape.points, shape.rotation, width=_WIDTH, height=_HEIGHT)
    assert mask is not None
    full = np.zeros((_HEIGHT, _WIDTH), np.bool_)
    rows, columns = mask.bitmap.shape
    full[mask.top : mask.top + rows, mask.left : mask.left + columns] = mask.bitmap
    return full


def runs_of(full: Any) -> Normal:
    pixels = full.reshape(-1)
    assert not pixels[0]
    return full.shape, tuple(run_lengths(pixels).tolist())


def without(normal: Normal, *names: str, group: bool = False, z_order: bool = False) -> Normal:
    """The same object less what a format or a reader does not keep."""
    kind, label, geometry, number, level, pairs = normal
    kept = tuple(pair for pair in pairs if pair[0] not in names)
    return kind, label, geometry, 0 if group else number, 0 if z_order else level, kept


def sorted_items(items: dict[Key, list[Normal]]) -> dict[Key, list[Normal]]:
    return {key: sorted(values, key=repr) for key, values in items.items()}


# -- our archives, their readers


@dataclass(frozen=True)
class Reading:
    """One of our archives in the eyes of one version.

    ``expected`` is what becomes of a frame's objects; ``seen`` corrects a known defect of the reader.
    """

    version: str
    plugin: str
    format_name: str
    scene: Scene
    expected: Callable[[list[Shape], list[Tag]], list[Normal]]
    seen: Callable[[list[Normal]], list[Normal]] = list
    subset: str | None = None
    subset_seen: str | None = None
    has_flat_names: bool = False
    omits_empty: bool = False

    @property
    def id(self) -> str:
        return f"{self.format_name}-{self.version}".replace(" ", "_").lower()

    @property
    def folder(self) -> str:
        return f"{self.format_name}-{self.subset}"


def in_datumaro(shapes: list[Shape], tags: list[Tag]) -> list[Normal]:
    return [ours(one) for one in [*shapes, *tags] if not is_of(one, ShapeType.CUBOID)]


def is_of(one: Shape | Tag, *kinds: ShapeType) -> bool:
    return isinstance(one, Shape) and one.type in kinds


def in_coco(shapes: list[Shape], _tags: list[Tag]) -> list[Normal]:
    found = []
    for shape in shapes:
        if shape.type in {_BOX, _POLYGON, *_AREAS}:
            kind, label, geometry, group, _, pairs = ours(shape)
            found.append((kind, label, geometry, group, 0, tuple(sorted([*pairs, ("is_crowd", kind == "mask")]))))
    return found


def without_groups(items: list[Normal]) -> list[Normal]:
    """Readers give every instance a group of its own."""
    return [without(item, group=True) for item in items]


def without_hulls(items: list[Normal]) -> list[Normal]:
    """Version 1.13 adds the box around every polygon and mask, in the instance's group."""
    outlined = {item[3] for item in items if item[0] != "bbox"}
    return without_groups([item for item in items if item[0] != "bbox" or item[3] not in outlined])


def in_voc(shapes: list[Shape], tags: list[Tag]) -> list[Normal]:
    """Boxes with attributes as texts, labels of tags, and what is seen of masks that cover each other."""
    found: list[Normal] = []
    for box in (shape for shape in shapes if shape.type is _BOX):
        kind, label, geometry, _, _, pairs = ours(box)
        own = [("difficult", False), ("truncated", False)]
        texts = [(name, value if name == "occluded" else str(value)) for name, value in pairs]
        found.append((kind, label, geometry, 0, 0, tuple(sorted([*own, *texts]))))
    found += [("label", label, None, 0, 0, ()) for label in {_BY_ID[tag.label_id].name for tag in tags}]
    painted = np.zeros((_HEIGHT, _WIDTH), np.int64)
    masks = sorted((shape for shape in shapes if shape.type in _AREAS), key=lambda shape: (shape.z_order, shape.id))
    for number, mask in enumerate(masks, 1):
        painted[bitmap(mask)] = number
    for number, mask in enumerate(masks, 1):
        if (painted == number).any():
            found.append(("mask", _BY_ID[mask.label_id].name, runs_of(painted == number), 0, 0, ()))
    return found


def in_yolo(shapes: list[Shape], _tags: list[Tag]) -> list[Normal]:
    boxes = [shape for shape in shapes if shape.type is _BOX and not shape.rotation]
    return [without((*ours(box)[:5], ()), z_order=True) for box in boxes]


def in_cvat(shapes: list[Shape], tags: list[Tag]) -> list[Normal]:
    """There is no rotation where a box is not rotated."""
    return [ours(one) if getattr(one, "rotation", 0.0) else without(ours(one), "rotation") for one in [*shapes, *tags]]


def in_old_cvat(shapes: list[Shape], tags: list[Tag]) -> list[Normal]:
    """Version 0.3 knows no rotation."""
    return [without(item, "rotation") for item in in_cvat(shapes, tags)]


def voc_with_texts(items: list[Normal]) -> list[Normal]:
    """Readers number the objects of a frame as groups, and read an empty text as nothing."""
    return [
        (*item[:5], tuple((name, "" if value is None else value) for name, value in item[5]))
        for item in without_groups(items)
    ]


READINGS = [
    Reading(OLD, "datumaro", "Datumaro 1.0", _GROUPED, in_datumaro),
    Reading(NEW, "datumaro", "Datumaro 1.0", _GROUPED, in_datumaro),
    Reading(OLD, "coco", "COCO 1.0", _SINGLE, in_coco, without_groups),
    Reading(NEW, "coco", "COCO 1.0", _SINGLE, in_coco, without_hulls),
    Reading(OLD, "voc", "PASCAL VOC 1.1", _SINGLE, in_voc, voc_with_texts),
    Reading(NEW, "voc", "PASCAL VOC 1.1", _SINGLE, in_voc, voc_with_texts),
    Reading(OLD, "yolo", "YOLO 1.1", _SINGLE, in_yolo),
    # Version 1.13 numbers objects as groups, fails on names with folders, and lists only pictures that have a text file.
    Reading(NEW, "yolo", "YOLO 1.1", _SINGLE, in_yolo, without_groups),
    Reading(
        NEW,
        "yolo",
        "Ultralytics YOLO Detection 1.0",
        _SINGLE,
        in_yolo,
        without_groups,
        has_flat_names=True,
        omits_empty=True,
    ),
    # Both give the attributes of an object of a type they do not know to the one before it. Version 0.3 knows no masks and
    # no head of a project's file, and takes the name of the file for the subset.
    Reading(NEW, "cvat", "CVAT for images 1.1", _GROUPED.less(*_NOT_IN_CVAT), in_cvat),
    Reading(
        OLD,
        "cvat",
        "CVAT for images 1.1",
        _GROUPED.less(ShapeType.MASK, *_NOT_IN_CVAT),
        in_old_cvat,
        subset="train",
        subset_seen="annotations",
    ),
]


# A video: boxes of tracks on every frame, numbered as in the source. Readers know no tracks, but their numbers.
_VIDEO = video_task(size=12)


def key(frame: int, x: float, *, outside: bool = False) -> TrackedShape:
    attributes = [AttributeValue(spec_id=12, value="true"), AttributeValue(spec_id=13, value="n")]
    return TrackedShape(type=_BOX, frame=frame, points=[x, 10.0, x + 20, 30.25], outside=outside, attributes=attributes)


_TRACKS = only_tracks(
    Track(
        id=5,
        frame=1,
        label_id=CAR,
        shapes=[key(1, 4.5), key(4, 10.0), key(8, 10.0, outside=True)],
        attributes=[AttributeValue(spec_id=11, value="6")],
    ),
    Track(id=9, frame=3, label_id=SKY, group=2, shapes=[TrackedShape(type=_BOX, frame=3, points=[0.0, 0.0, 50.0, 60.5])]),
)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """What each version read of all archives; one process for each version."""
    root = tmp_path_factory.mktemp("archives")
    for case in READINGS:
        archive = case.scene.archive(case.format_name, has_flat_names=case.has_flat_names, subset=case.subset)
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            opened.extractall(root / case.folder)
    with zipfile.ZipFile(io.BytesIO(export("CVAT for video 1.1", _TRACKS, task=_VIDEO)[0])) as opened:
        opened.extractall(root / "video")
    found = {}
    for version in (OLD, NEW):
        folders = [(case.plugin, root / case.folder) for case in READINGS if case.version == version]
        folders.append(("cvat", root / "video"))
        for (plugin, folder), items in read_folders(version, folders).items():
            found[version, plugin, folder] = items
    return found


@pytest.mark.parametrize("case", READINGS, ids=lambda case: case.id)
def test_datumaro_reads_our_archives(read: Read, case: Reading) -> None:
    documents = read[case.version, case.plugin, case.folder]
    assert [line["error"] for line in documents.values() if "error" in line] == []
    found = {key: case.seen([theirs(one) for one in line["annotations"]]) for key, line in documents.items()}
    expected = {}
    for name, subset, shapes, tags in case.scene.frames():
        objects = case.expected(shapes, tags)
        if case.subset in (None, subset) and not (case.omits_empty and not objects):
            expected[name.replace("/", "_") if case.has_flat_names else name, case.subset_seen or subset] = objects
    assert sorted_items(found) == sorted_items(expected)
    assert {tuple(line["size"]) for line in documents.values()} == {(_HEIGHT, _WIDTH)}


def boxes_of_tracks() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for frame in sweep(_TRACKS, LABELS, frames=range(_VIDEO.size)):
        name = f"frame_{_VIDEO.start_frame + frame.frame * _VIDEO.step:06d}"
        for shape in frame.shapes:
            attributes = {"doors": 6.0, "parked": True, "note": "n"} if shape.label_id == CAR else {}
            attributes |= {"occluded": False, "outside": False, "keyframe": shape.keyframe}
            attributes["track_id"] = 0 if shape.track_id == 5 else 1
            points = [round(value, 2) for value in shape.points]
            found.setdefault(name, []).append((_BY_ID[shape.label_id].name, points, shape.group, attributes))
    return {name: sorted(boxes, key=repr) for name, boxes in found.items()}


@pytest.mark.parametrize("version", [OLD, NEW])
def test_datumaro_reads_the_boxes_of_our_tracks(read: Read, version: str) -> None:
    found: dict[str, list[Any]] = {}
    for (name, _), line in read[version, "cvat", "video"].items():
        for box in line["annotations"]:
            points = [round(value, 2) for value in box["points"]]
            if not box["attributes"]["outside"]:
                found.setdefault(name, []).append((box["label"], points, box["group"], box["attributes"]))
    assert {name: sorted(boxes, key=repr) for name, boxes in found.items()} == boxes_of_tracks()


# -- their archives, our readers

_TARGETS = [name for subset in SUBSETS for name in NAMES[subset]]
_ATTRIBUTES = {label.name: [spec.name for spec in label.attributes] for label in LABELS.labels}


@dataclass(frozen=True)
class Writing:
    """An archive of datumaro's in our eyes.

    ``kept`` are the types of annotations that its writer is given, ``lost`` the attributes that the format does not hold.
    """

    version: str
    plugin: str
    format_name: str
    kept: frozenset[str]
    lost: tuple[str, ...] = ()
    loses_level: bool = False

    @property
    def id(self) -> str:
        return f"{self.plugin}-{self.version}"

    def normal(self, one: Shape | Tag) -> Normal:
        """What is left of an object."""
        found = without(ours(one), *self.lost, z_order=self.loses_level)
        # Lists of PASCAL VOC say that a picture has a class, and no more.
        return (*found[:5], ()) if found[0] == "label" and self.plugin == "voc" else found


_DRAWINGS = frozenset({"label", "bbox", "polygon", "polyline", "points"})
_BOXES = frozenset({"bbox"})
_ALL = ("doors", "parked", "note", "occluded", "rotation")
WRITINGS = [
    Writing(OLD, "datumaro", "Datumaro 1.0", _DRAWINGS | {"mask"}),
    Writing(NEW, "datumaro", "Datumaro 1.0", _DRAWINGS | {"mask"}),
    # Version 0.3 cannot write run lengths of masks with today's numpy.
    Writing(OLD, "coco_instances", "COCO 1.0", frozenset({"bbox", "polygon"}), loses_level=True),
    Writing(NEW, "coco_instances", "COCO 1.0", frozenset({"bbox", "polygon", "mask"}), loses_level=True),
    Writing(OLD, "voc", "PASCAL VOC 1.1", _BOXES | {"label"}, loses_level=True),
    Writing(NEW, "voc", "PASCAL VOC 1.1", _BOXES | {"label"}, loses_level=True),
    Writing(OLD, "yolo", "YOLO 1.1", _BOXES, _ALL, loses_level=True),
    Writing(NEW, "yolo", "YOLO 1.1", _BOXES, _ALL, loses_level=True),
    Writing(NEW, "yolo_ultralytics", "Ultralytics YOLO Detection 1.0", _BOXES, _ALL, loses_level=True),
    # Rotation is an attribute here, which both leave out.
    Writing(OLD, "cvat", "CVAT 1.1", _DRAWINGS, ("rotation",)),
    Writing(NEW, "cvat", "CVAT 1.1", _DRAWINGS, ("rotation",)),
]


def items_for_datumaro() -> Iterator[Document]:
    """The scene as the writing script takes it."""
    for number, (name, subset, shapes, tags) in enumerate(_SINGLE.frames()):
        annotations = []
        for one in [*tags, *shapes]:
            if is_of(one, ShapeType.ELLIPSE, ShapeType.CUBOID):
                continue
            kind, label, geometry, group, z_order, pairs = ours(one)
            annotation = {"type": kind, "label": label, "group": group, "z_order": z_order, "attributes": dict(pairs)}
            if kind == "mask":
                annotation |= {"size": geometry[0], "runs": geometry[1]}
            elif geometry is not None:
                annotation["points"] = geometry
            annotations.append(annotation)
        yield {"name": name, "subset": subset, "frame": number, "size": [_HEIGHT, _WIDTH], "annotations": annotations}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders VERSION/PLUGIN; one process for each version."""
    root = tmp_path_factory.mktemp("written")
    for version in (OLD, NEW):
        cases = [case for case in WRITINGS if case.version == version]
        folders = [(case.plugin, case.kept, root / version / case.plugin) for case in cases]
        errors = write_folders(version, _ATTRIBUTES, items_for_datumaro(), folders)
        assert errors == dict.fromkeys([case.plugin for case in cases])
    return root


def imported(folder: Path, format_name: str, archive: Path) -> dict[str, list[Shape | Tag]]:
    """What our reader finds in a folder, by name of the frame."""
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, path.relative_to(folder))
    targets = TargetFrames([TargetFrame(index, name, *SIZE) for index, name in enumerate(_TARGETS)], size=len(_TARGETS))
    found: dict[str, list[Shape | Tag]] = {}
    options = ReadOptions(conv_mask_to_poly=False)
    with SafeArchive(archive, name="theirs.zip") as opened:
        for batch in read_dataset(find_importer(format_name), opened, targets, LABELS, options):
            assert not batch.tracks
            for one in [*batch.shapes, *batch.tags]:
                found.setdefault(_TARGETS[one.frame].removesuffix(".jpg"), []).append(one)
    return found


@pytest.mark.parametrize("case", WRITINGS, ids=lambda case: case.id)
def test_we_read_archives_of_datumaro(written: Path, tmp_path: Path, case: Writing) -> None:
    found = imported(written / case.version / case.plugin, case.format_name, tmp_path / "theirs.zip")
    expected = {}
    for name, _, shapes, tags in _SINGLE.frames():
        objects = [case.normal(one) for one in [*shapes, *tags] if not is_of(one, ShapeType.ELLIPSE, ShapeType.CUBOID)]
        expected[name] = sorted([one for one in objects if one[0] in case.kept], key=repr)
    assert {name: sorted(map(case.normal, objects), key=repr) for name, objects in found.items()} == {
        name: objects for name, objects in expected.items() if objects
    }
