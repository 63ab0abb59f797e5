"""Names of the public API."""

import json

import pytest

from limner_exports.formats import FORMATS, UnknownFormat, find_exporter, find_importer, format_list
from tests.unit.exports.golden_objects import FORMATS as GOLDEN_FORMATS

NEWER = {"Ultralytics YOLO Detection 1.0", "Ultralytics YOLO Segmentation 1.0"}


def test_the_list_agrees_with_the_recorded_one() -> None:
    recorded = json.loads((GOLDEN_FORMATS / "formats.json").read_text())
    ours = format_list()
    assert ours.keys() == recorded.keys()
    for kind, rows in ours.items():
        known = {row["name"]: row for row in recorded[kind]}
        for row in rows:
            if row["name"] in NEWER:
                continue
            expected = known[str(row["name"])]
            if row["name"] == "Datumaro 1.0" and kind == "importers":
                expected = expected | {"ext": "JSON, ZIP"}  # Newer servers take bare files (FORMATS.md §1).
            assert row == expected


def test_every_listed_format_works_in_its_direction() -> None:
    for row in format_list()["exporters"]:
        assert find_exporter(str(row["name"])).make_writer is not None
    for row in format_list()["importers"]:
        assert find_importer(str(row["name"])).make_reader is not None


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("COCO 1.1", "COCO 1.0"),
        ("Pascal VOC ZIP 1.1", "PASCAL VOC 1.1"),
        ("YOLO ZIP 1.0", "YOLO 1.1"),
        ("CVAT for images 1.1", "CVAT 1.1"),
        ("CVAT for video 1.1", "CVAT 1.1"),
        ("YOLOv8 Detection 1.0", "Ultralytics YOLO Detection 1.0"),
    ],
)
def test_import_aliases(alias: str, name: str) -> None:
    assert find_importer(alias).display_name == name


def test_unknown_names_and_wrong_directions() -> None:
    for name in ("NOPE 9", "CVAT 1.1", "coco 1.0"):
        with pytest.raises(UnknownFormat):
            find_exporter(name)
    with pytest.raises(UnknownFormat):
        find_importer("COCO")


def test_display_names_are_unique() -> None:
    names = [spec.display_name for spec in FORMATS]
    assert len(names) == len(set(names))
