"""Our archives of the recorded objects, compared with the recorded archives."""

import json
import re
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from lxml import etree

from tests.unit.exports.comparing import assert_same, canonical_xml, decode_picture, ordered
from tests.unit.exports.golden_differences import expects
from tests.unit.exports.golden_objects import FORMATS, golden_archive, golden_object

REPORT = "export-report.json"
FOLDERS = {
    "cvat-for-images-1-1": "CVAT for images 1.1",
    "cvat-for-video-1-1": "CVAT for video 1.1",
    "coco-1-0": "COCO 1.0",
    "datumaro-1-0": "Datumaro 1.0",
    "pascal-voc-1-1": "PASCAL VOC 1.1",
    "yolo-1-1": "YOLO 1.1",
}


def keys(folder: str) -> list[str]:
    return sorted(path.stem for path in (FORMATS / folder).glob("*.zip") if ".with-images" not in path.name)


def both(folder: str, key: str) -> tuple[dict[str, bytes], dict[str, bytes]]:
    ours, report = golden_object(key).export(FOLDERS[folder])
    assert (REPORT in ours) == bool(report.dropped) == expects("report", folder, key)
    ours.pop(REPORT, None)
    return ours, golden_archive(folder, key)


def without_rotation(value: Any, label: str) -> None:
    """Forget the rotation of boxes of a label, in place, wherever a format keeps it."""
    if isinstance(value, dict):
        if value.get("given", {}).get("label") == label:
            value["given"].pop("rotation", None)
        for item in value.values():
            without_rotation(item, label)
    elif isinstance(value, list):
        for item in value:
            without_rotation(item, label)


def xml_members(folder: str, key: str) -> tuple[Any, Any]:
    ours, golden = both(folder, key)
    assert ours.keys() == golden.keys() == {"annotations.xml"}
    return etree.fromstring(ours["annotations.xml"]), etree.fromstring(golden["annotations.xml"])


def meta(root: Any) -> Any:
    found = root.find("meta")
    found.remove(found.find("dumped"))
    for subsets in found.iter("subsets"):
        subsets.text = "\n".join(sorted(subsets.text.split("\n")))
    return canonical_xml(found)


def images_by_name(root: Any) -> dict[str, Any]:
    return {f"{image.get('task_id')} {image.get('name')}": canonical_xml(image) for image in root.iterfind("image")}


def tag_order(element: Any) -> list[str]:
    return [child.tag for child in element if child.tag not in ("tasks", "labels", "segments")]


@pytest.mark.parametrize("key", keys("cvat-for-images-1-1"))
def test_cvat_for_images(key: str) -> None:
    ours, golden = xml_members("cvat-for-images-1-1", key)
    assert tag_order(ours.find("meta")[0]) == tag_order(golden.find("meta")[0])
    assert_same(meta(ours), meta(golden))
    sides = [images_by_name(root) for root in (ours, golden)]
    if expects("opposite-rotation", "cvat-for-images-1-1", key):
        assert sides[0] != sides[1]
        for side in sides:
            without_rotation(side, "vehicle")
            for image in side.values():
                image["children"] = ordered(image["children"])
    assert_same(*sides)


@pytest.mark.parametrize("key", keys("cvat-for-video-1-1"))
def test_cvat_for_video(key: str) -> None:
    ours, golden = xml_members("cvat-for-video-1-1", key)
    assert_same(meta(ours), meta(golden))
    sides = []
    for root in (ours, golden):
        tracks = [canonical_xml(track) for track in root.iterfind("track")]
        for track in tracks:
            track["given"].pop("id")
            for child in track["children"]:
                # Rows have no label of their own.
                if track["given"]["label"] == "vehicle" and expects("opposite-rotation", "cvat-for-video-1-1", key):
                    child["given"].pop("rotation", None)
        sides.append(tracks)
    closed = drop_late_closings(key, sides[0])
    assert bool(closed) == expects("late-closing", "cvat-for-video-1-1", key)
    assert_same(ordered(sides[0]), ordered(sides[1]))


def drop_late_closings(key: str, tracks: list[Any]) -> int:
    """Remove the outside row on the last frame from tracks that are single shapes of the frame before."""
    lasts = {}
    for task in golden_object(key).tasks:
        job = golden_object(key).context.job
        stop = task.info.size - 1 if job is None else job.stop
        lasts[task.info.id] = task.info.start_frame + stop * task.info.step
    count = 0
    for track in tracks:
        rows = track["children"]
        last = lasts[int(track["given"].get("task_id", next(iter(lasts))))]
        if len(rows) == 2 and rows[1]["given"]["frame"] == last and is_outside(rows[1]) and not is_outside(rows[0]):
            rows.pop()
            count += 1
    return count


def is_outside(row: Any) -> bool:
    if row["tag"] == "skeleton":
        return all(child["given"]["outside"] for child in row["children"])
    return bool(row["given"]["outside"])


def signatures(items: list[tuple[str, dict[str, Any], list[float]]]) -> dict[Any, str]:
    """For each track id what the track is: its places over all items."""
    found: dict[Any, list[str]] = defaultdict(list)
    for name, attributes, box in items:
        if "track_id" in attributes:
            found[attributes["track_id"]].append(f"{name} {[round(value) for value in box]}")
    return {track_id: " ".join(sorted(places)) for track_id, places in found.items()}


def coco_annotations(document: dict[str, Any], *, rotation: bool) -> dict[str, list[Any]]:
    names = {image["id"]: image["file_name"] for image in document["images"]}
    tracks = signatures([(names[a["image_id"]], a["attributes"], a["bbox"]) for a in document["annotations"]])
    found: dict[str, list[Any]] = {name: [] for name in names.values()}
    for annotation in document["annotations"]:
        attributes = annotation["attributes"]
        if not rotation and annotation["category_id"] == 1:
            attributes.pop("rotation", None)
        if "track_id" in attributes:
            attributes["track_id"] = tracks[attributes["track_id"]]
        name = names[annotation.pop("image_id")]
        annotation.pop("id")
        found[name].append(annotation)
    return {name: ordered(values) for name, values in found.items()}


@pytest.mark.parametrize("key", keys("coco-1-0"))
def test_coco(key: str) -> None:
    ours, golden = both("coco-1-0", key)
    assert ours.keys() == golden.keys()
    for member in golden:
        one, other = json.loads(ours[member]), json.loads(golden[member])
        assert list(one) == list(other)
        for part in ("licenses", "info", "categories"):
            assert one[part] == other[part]
        if expects("same-name", "coco-1-0", key):
            for image in one["images"]:
                image["file_name"] = re.sub("^(Train|Validation)/", "", image["file_name"])
        images = [{image["file_name"]: image for image in document["images"]} for document in (one, other)]
        if not expects("image-ids", "coco-1-0", key):
            assert images[0] == images[1]
        assert images[0].keys() == images[1].keys()
        rotation = not expects("opposite-rotation", "coco-1-0", key)
        sides = [coco_annotations(document, rotation=rotation) for document in (one, other)]
        # Both ends of a box may be rounded the other way.
        assert_same(*sides, tolerance=0.0201)


def datumaro_items(document: dict[str, Any], *, rotation: bool, images: bool) -> Any:
    boxes = [
        (item["id"], annotation["attributes"], annotation.get("bbox") or annotation.get("points") or [])
        for item in document["items"]
        for annotation in item["annotations"]
    ]
    tracks = signatures(boxes)
    items = {}
    for item in document["items"]:
        for annotation in item["annotations"]:
            attributes = annotation["attributes"]
            if "track_id" in attributes:
                attributes["track_id"] = tracks[attributes["track_id"]]
            if not rotation and annotation["label_id"] == 0:
                attributes.pop("rotation", None)
        if not images:
            item.pop("image", None)
            item.pop("point_cloud", None)
        items[item["id"]] = item | {"annotations": ordered(item["annotations"])}
    return items


@pytest.mark.parametrize("key", keys("datumaro-1-0"))
def test_datumaro(key: str) -> None:
    ours, golden = both("datumaro-1-0", key)
    assert ours.keys() == golden.keys()
    for member in golden:
        one, other = json.loads(ours[member]), json.loads(golden[member])
        assert list(one) == list(other)
        for document in (one, other):
            for skeleton in document["categories"]["points"]["items"]:
                skeleton["joints"].sort()
        assert one["categories"] == other["categories"]
        rotation = not expects("opposite-rotation", "datumaro-1-0", key)
        images = not expects("image-sizes", "datumaro-1-0", key)
        assert_same(
            datumaro_items(one, rotation=rotation, images=images),
            datumaro_items(other, rotation=rotation, images=images),
        )


def voc_document(data: bytes, *, rotation: bool) -> Any:
    root = etree.fromstring(data)
    for attribute in list(root.iter("attribute")):
        name = attribute.findtext("name")
        if name == "track_id" or (name == "rotation" and not rotation):
            attribute.getparent().remove(attribute)
    objects = [plain(found) for found in root.iterfind("object")]
    return {"objects": ordered(objects), "head": [plain(child) for child in root if child.tag != "object"]}


def plain(element: Any) -> Any:
    if len(element):
        return [element.tag, *[plain(child) for child in element]]
    try:
        return [element.tag, float(element.text)]
    except (TypeError, ValueError):
        return [element.tag, element.text or ""]


@pytest.mark.parametrize("key", keys("pascal-voc-1-1"))
def test_pascal_voc(key: str) -> None:
    ours, golden = both("pascal-voc-1-1", key)
    if expects("same-name", "pascal-voc-1-1", key):
        moved = {name for name in ours if re.search("/(Train|Validation)/", name)}
        assert moved == {"Annotations/Train/same.xml", "Annotations/Validation/same.xml"}
        for name in moved:
            del ours[name]
    assert ours.keys() == golden.keys()
    rotation = not expects("opposite-rotation", "pascal-voc-1-1", key)
    for name, data in golden.items():
        if name.endswith(".png"):
            assert np.array_equal(decode_picture(ours[name]), decode_picture(data)), name
        elif name.endswith(".xml"):
            assert_same(voc_document(ours[name], rotation=rotation), voc_document(data, rotation=rotation), path=name)
        elif name == "labelmap.txt":
            assert ours[name] == data
        else:
            text = re.sub(rb"(?m)^(Train|Validation)/same", b"same", ours[name])
            assert sorted(text.splitlines()) == sorted(data.splitlines()), name


@pytest.mark.parametrize("key", keys("yolo-1-1"))
def test_yolo(key: str) -> None:
    ours, golden = both("yolo-1-1", key)
    assert ours.keys() == golden.keys()
    top = [label.name for label in golden_object(key).context.labels.labels]
    rotated = rounded = 0
    for name, data in golden.items():
        lines, expected = ours[name].decode().splitlines(), data.decode().splitlines()
        if name == "obj.names":
            assert lines == top
            assert (lines != expected) == expects("top-labels", "yolo-1-1", key)
        elif name == "obj.data":
            assert lines[0] == f"classes = {len(top)}"
            assert sorted(lines[1:]) == sorted(expected[1:])
        elif "_data/" in name:
            rotated += len(expected) - len(lines)
            for line in set(lines) - set(expected):
                rounded += 1
                assert any(is_near(line, other) for other in expected), name
        else:
            assert sorted(lines) == sorted(expected)
    assert bool(rotated) == expects("rotated-boxes", "yolo-1-1", key)
    assert bool(rounded) == expects("pixel-rounding", "yolo-1-1", key)


def is_near(line: str, other: str) -> bool:
    """Whether two lines are equal up to the rounding of pixels to two decimals, in pictures of 90 pixels and more."""
    one, two = ([float(field) for field in text.split()] for text in (line, other))
    return one[0] == two[0] and all(abs(a - b) <= 0.01 / 90 for a, b in zip(one, two, strict=True))


def test_a_skeleton_is_written_to_datumaro() -> None:
    """The recording failed as soon as a skeleton was annotated, so there is no archive to compare with."""
    ours, _ = golden_object("e_keypoints").export("Datumaro 1.0")
    document = json.loads(ours["annotations/default.json"])
    skeletons = [a for item in document["items"] for a in item["annotations"] if a["type"] == "skeleton"]
    assert len(skeletons) == 4
    labels = {item["label_id"]: item["labels"] for item in document["categories"]["points"]["items"]}
    for skeleton in skeletons:
        assert len(skeleton["points"]) == 3 * len(labels[skeleton["label_id"]])
        assert len(skeleton["points_attributes"]) == len(labels[skeleton["label_id"]])


def recorded_with_pictures() -> list[tuple[str, str]]:
    paths = sorted(path for folder in FOLDERS for path in (FORMATS / folder).glob("*.with-images.zip"))
    return [(path.parent.name, path.name.removesuffix(".with-images.zip")) for path in paths]


@pytest.mark.parametrize(("folder", "key"), recorded_with_pictures())
def test_pictures_lie_where_the_recording_has_them(folder: str, key: str) -> None:
    ours, _ = golden_object(key).export(FOLDERS[folder], with_media=True)
    golden = golden_archive(folder, f"{key}.with-images")
    added = set(ours) - set(golden) - {REPORT}
    assert set(golden) <= set(ours)
    if not expects("same-name", folder, key):
        assert not added
    else:
        assert {name.rpartition("/")[2].partition(".")[0] for name in added} == {"same"}
