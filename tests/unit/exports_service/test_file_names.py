"""Names of downloaded files."""

import re
from datetime import UTC, datetime

import pytest

from limner_exports.exporting.file_names import result_name, wanted_name
from limner_exports.formats import ScopeKind

MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ACCEPTED = re.compile(r"[A-Za-z0-9_\-][A-Za-z0-9_.\- ]*\.zip")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Street 1", "task_street_1_annotations_2026_03_04_05_06_07_coco_1.0.zip"),
        ("žluťoučký kůň", "task_zlutoucky_kun_annotations_2026_03_04_05_06_07_coco_1.0.zip"),
        ("車", "task_7_annotations_2026_03_04_05_06_07_coco_1.0.zip"),
        ("../../etc", "task_.._.._etc_annotations_2026_03_04_05_06_07_coco_1.0.zip"),
        ('a"b\r\nc', "task_a_b_c_annotations_2026_03_04_05_06_07_coco_1.0.zip"),
    ],
    ids=["plain", "accents", "nothing-left", "path", "quotes"],
)
def test_a_result_is_named_in_plain_ascii(name: str, expected: str) -> None:
    found = result_name(ScopeKind.TASK, 7, name, "COCO 1.0", has_images=False, made_at=MOMENT)
    assert found == expected
    assert ACCEPTED.fullmatch(found)


def test_a_long_name_is_cut() -> None:
    found = result_name(ScopeKind.PROJECT, 7, "x" * 5000, "CVAT for images 1.1", has_images=True, made_at=MOMENT)
    assert len(found) <= 254 and found.endswith("_dataset_2026_03_04_05_06_07_cvat_for_images_1.1.zip")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My export.zip", "My export.zip"),
        ("no extension", "no extension.zip"),
        ("/home/ann/out.zip", "out.zip"),
        ("C:\\temp\\out.zip", "out.zip"),
        (".hidden.zip", "hidden.zip"),
        ("..", ""),
        ("", ""),
        ("車.zip", ""),
        ("a" * 999, "a" * 200 + ".zip"),
    ],
)
def test_a_wanted_name_becomes_one_that_clients_accept(name: str, expected: str) -> None:
    found = wanted_name(name)
    assert found == expected
    assert not found or ACCEPTED.fullmatch(found)
