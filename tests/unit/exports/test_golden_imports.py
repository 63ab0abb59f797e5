"""Imports of the recorded archives, compared with what the recorded imports left in the task."""

import json
from collections import Counter
from typing import Any

import pytest

from limner_exports.formats import (
    FormatError,
    ReadOptions,
    SafeArchive,
    TargetFrame,
    TargetFrames,
    find_importer,
    plan_labels,
    read_dataset,
    scan_dataset,
)
from tests.unit.exports.comparing import rounded
from tests.unit.exports.golden_differences import import_differences
from tests.unit.exports.golden_imports import plain_data, read_archive, recorded, stored
from tests.unit.exports.golden_objects import FORMATS, golden_object

IMPORTERS = {
    "cvat-for-images-1-1": "CVAT 1.1",
    "cvat-for-video-1-1": "CVAT 1.1",
    "coco-1-0": "COCO 1.0",
    "datumaro-1-0": "Datumaro 1.0",
    "pascal-voc-1-1": "PASCAL VOC 1.1",
    "yolo-1-1": "YOLO 1.1",
}


def successful_imports() -> list[tuple[str, str]]:
    """Folder and name of the recorded imports into a task that worked and whose archive is here."""
    found = []
    for folder in IMPORTERS:
        for path in sorted((FORMATS / folder).glob("*.imported.json")):
            name = path.name.removesuffix(".imported.json")
            is_project = name.startswith("c_project")
            has_archive = (FORMATS / folder / f"{archive_name(name)}.zip").exists()
            if has_archive and not is_project and json.loads(path.read_text())["status"] == 201:
                found.append((folder, name))
    return found


def archive_name(name: str) -> str:
    return name.replace(".masks-kept", "")


@pytest.mark.parametrize(("folder", "name"), successful_imports())
def test_an_import_leaves_what_the_recorded_one_left(folder: str, name: str) -> None:
    target = golden_object(name.partition(".")[0])
    path = FORMATS / folder / f"{archive_name(name)}.zip"
    read = read_archive(path, IMPORTERS[folder], target, conv_mask_to_poly="masks-kept" not in name)
    differences = import_differences(folder, name.removesuffix(".masks-kept"))
    exact = "number-text" not in differences
    ours = plain_data(stored(read, target), target.context.labels, exact_numbers=exact)
    golden = plain_data(*recorded(folder, name), exact_numbers=exact)
    for side in (ours, golden):
        for difference in differences & ADJUSTMENTS.keys():
            ADJUSTMENTS[difference](side)
    if "mask-tracks" in differences:
        take_mask_tracks(ours, golden)
    for kind in ("tags", "shapes", "tracks"):
        one, other = (Counter(repr(rounded(item)) for item in side[kind]) for side in (ours, golden))
        assert list((one - other).elements()) == list((other - one).elements()) == [], kind


def forget_element_groups(side: dict[str, Any]) -> None:
    for shape in side["shapes"]:
        for element in shape["elements"]:
            element["group"] = 0


def forget_mask_source(side: dict[str, Any]) -> None:
    for shape in side["shapes"]:
        if shape["type"] == "mask":
            shape["source"] = "file"


def forget_outside_elements(side: dict[str, Any]) -> None:
    for track in side["tracks"]:
        for element in track["elements"]:
            if all(shape["outside"] for shape in element["shapes"]):
                element["shapes"] = []


def forget_skeleton_outside(side: dict[str, Any]) -> None:
    for track in side["tracks"]:
        for shape in track["shapes"]:
            shape["outside"] = shape["outside"] and not track["elements"]


def forget_groups(side: dict[str, Any]) -> None:
    for item in side["tags"] + side["shapes"]:
        item["group"] = 0


def forget_masks(side: dict[str, Any]) -> None:
    side["shapes"] = [shape for shape in side["shapes"] if shape["type"] != "mask"]


def forget_holed_polygons(side: dict[str, Any]) -> None:
    """Only masks of the label `patch` have holes in the recorded objects."""
    side["shapes"] = [shape for shape in side["shapes"] if (shape["type"], shape["label"]) != ("polygon", "patch")]


ADJUSTMENTS = {
    "element-groups": forget_element_groups,
    "mask-source": forget_mask_source,
    "outside-elements": forget_outside_elements,
    "skeleton-outside": forget_skeleton_outside,
    "box-groups": forget_groups,
    "mask-pixels": forget_masks,
    "mask-holes": forget_holed_polygons,
}


def take_mask_tracks(ours: dict[str, Any], golden: dict[str, Any]) -> None:
    """Check that each mask track of the recording is a row of masks here, and take both away."""
    tracks = [track for track in golden["tracks"] if track["shapes"][0]["type"] == "mask"]
    assert tracks
    golden["tracks"] = [track for track in golden["tracks"] if track not in tracks]
    for track in tracks:
        keys = {shape["frame"]: shape["points"] for shape in track["shapes"]}
        row = {
            shape["frame"]: shape for shape in ours["shapes"] if shape["type"] == "mask" and shape["label"] == track["label"]
        }
        assert {frame: row[frame]["points"] for frame in keys} == keys
        assert list(row) == list(range(min(row), max(row) + 1))
        ours["shapes"] = [shape for shape in ours["shapes"] if shape not in row.values()]


def test_masks_of_a_voc_archive_come_back_exactly() -> None:
    target = golden_object("a_plain")
    read = read_archive(FORMATS / "pascal-voc-1-1" / "a_plain.zip", "PASCAL VOC 1.1", target, conv_mask_to_poly=False)
    expected = {tuple(shape.points) for shape in target.tasks[0].data.shapes if shape.type == "mask"}
    assert expected <= {tuple(shape.points) for shape in read.shapes}


def test_number_attributes_come_back_as_they_were_stored() -> None:
    target = golden_object("a_plain")
    read = read_archive(FORMATS / "coco-1-0" / "a_plain.zip", "COCO 1.0", target)
    doors = next(spec for spec in target.context.labels.labels[0].attributes if spec.name == "doors")
    values = {item.value for shape in read.shapes for item in shape.attributes if item.spec_id == doors.id}
    assert values == {"0", "2", "6"}


@pytest.mark.parametrize(
    ("folder", "importer"),
    [
        ("coco-1-0", "COCO 1.0"),
        ("cvat-for-images-1-1", "CVAT 1.1"),
        ("datumaro-1-0", "Datumaro 1.0"),
        ("pascal-voc-1-1", "PASCAL VOC 1.1"),
        ("yolo-1-1", "YOLO 1.1"),
    ],
)
def test_a_project_archive_shows_its_pictures_and_labels(folder: str, importer: str) -> None:
    labels = golden_object("c_project").context.labels
    with SafeArchive(FORMATS / folder / "c_project.with-images.zip") as archive:
        summary = scan_dataset(find_importer(importer), archive, labels)
    names = {subset: {picture.name for picture in pictures} for subset, pictures in summary.media.items()}
    assert names["Train"] == {"p0_0.jpg", "p0_1.jpg", "same.png"}
    assert names["Test"] == {"in ner/q.jpg", "p1_0.jpg", "p1_1.jpg", "same.png"}
    assert names["Validation"] == {"p2_0.jpg", "p2_1.jpg", "same.png"}
    assert {"cat"} <= summary.labels.keys() <= {"cat", "cloth", "smudge", "indoor", "face", "background"}
    assert plan_labels(summary, labels) == []


@pytest.mark.parametrize(("folder", "importer"), [("cvat-for-images-1-1", "CVAT 1.1"), ("yolo-1-1", "YOLO 1.1")])
def test_a_project_archive_is_read_subset_by_subset(folder: str, importer: str) -> None:
    """The recorded import of CVAT XML into a project reads boxes and polygons only; ours reads everything."""
    recorded_tasks = json.loads((FORMATS / folder / "c_project.with-images.imported.json").read_text())["tasks"]
    labels = golden_object("c_project").context.labels
    names = {label.id: label.name for label in labels.labels}
    spec = find_importer(importer)
    for task in recorded_tasks:
        frames = task["meta"]["frames"]
        golden_names = {label["id"]: label["name"] for label in recorded_labels(folder)}
        golden = Counter(
            (shape["frame"], golden_names[shape["label_id"]], str(rounded(shape["points"])))
            for shape in task["annotations"]["shapes"]
        )
        targets = TargetFrames(
            [TargetFrame(i, frame["name"], frame["width"], frame["height"]) for i, frame in enumerate(frames)],
            size=len(frames),
        )
        options = ReadOptions(subset=task["task"]["subset"], drops_background=True)
        with SafeArchive(FORMATS / folder / "c_project.with-images.zip") as archive:
            shapes = [shape for batch in read_dataset(spec, archive, targets, labels, options) for shape in batch.shapes]
        ours = Counter(
            (shape.frame, names[shape.label_id], str(rounded(shape.points))) for shape in shapes if shape.type != "mask"
        )
        assert ours == golden


def recorded_labels(folder: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FORMATS / folder / "c_project.with-images.imported.json").read_text())[
        "labels"
    ]
    return found


def test_a_wrong_format_is_an_error() -> None:
    target = golden_object("a_plain")
    for folder, importer in (("coco-1-0", "YOLO 1.1"), ("yolo-1-1", "COCO 1.0"), ("yolo-1-1", "CVAT 1.1")):
        archive = next(iter(sorted((FORMATS / folder).glob("a_images.zip"))))
        with pytest.raises(FormatError):
            read_archive(archive, importer, target)
