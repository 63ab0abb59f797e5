"""The unmodified command line client annotates tasks, and exports and imports them in every format."""

import json
import zipfile
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.conftest import Cli, at_once
from tests.support.pictures import write_pictures

pytestmark = pytest.mark.e2e

EXPORT_FORMATS = [
    "CVAT for images 1.1",
    "CVAT for video 1.1",
    "COCO 1.0",
    "YOLO 1.1",
    "Ultralytics YOLO Detection 1.0",
    "Ultralytics YOLO Segmentation 1.0",
    "PASCAL VOC 1.1",
    "Datumaro 1.0",
]
IMPORT_NAME = {"CVAT for images 1.1": "CVAT 1.1", "CVAT for video 1.1": "CVAT 1.1"}

_TASKS_AT_ONCE = 4

DETECTOR = """
import PIL.Image
import cvat_sdk.auto_annotation as cvataa
from cvat_sdk import models

spec = cvataa.DetectionFunctionSpec(labels=[cvataa.label_spec("car", 0), cvataa.label_spec("person", 1)])


def detect(context, image):
    width, height = image.size
    return [
        cvataa.rectangle(0, [1, 2, width / 2, height / 2]),
        cvataa.shape(1, type="polygon", points=[0, 0, 10, 0, 10, 10]),
    ]
"""


@pytest.fixture(scope="module")
def tasks(cli: Cli, labels: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """An annotated task for each format."""
    folder = tmp_path_factory.mktemp("formats")
    pictures = write_pictures(folder / "pictures", 5)
    function = folder / "detector.py"
    function.write_text(DETECTOR)

    def make(name: str) -> str:
        task = cli("task", "create", name, "--labels", labels, "local", *pictures).split()[-1]
        cli("task", "auto-annotate", task, "--function-file", function, "--allow-unmatched-labels")
        return task

    made: list[str] = []
    for first in range(0, len(EXPORT_FORMATS), _TASKS_AT_ONCE):
        made += at_once(*(partial(make, name) for name in EXPORT_FORMATS[first : first + _TASKS_AT_ONCE]))
    return {name: int(task) for name, task in zip(EXPORT_FORMATS, made, strict=True)}


@pytest.mark.parametrize("format_name", EXPORT_FORMATS)
def test_a_dataset_is_exported_and_imported_again(cli: Cli, tasks: dict[str, int], tmp_path: Path, format_name: str) -> None:
    task, archive, with_images = tasks[format_name], tmp_path / "out.zip", tmp_path / "images.zip"
    export = partial(cli, "task", "export-dataset", task)
    at_once(
        partial(export, archive, "--format", format_name, "--with-images", "no"),
        partial(export, with_images, "--format", format_name, "--with-images", "yes"),
    )
    with zipfile.ZipFile(archive) as opened:
        assert opened.namelist() and opened.testzip() is None
    with zipfile.ZipFile(with_images) as opened:
        assert sum(name.lower().endswith(".png") for name in opened.namelist()) >= 5
    cli("task", "import-dataset", task, archive, "--format", IMPORT_NAME.get(format_name, format_name))


def test_auto_annotation_with_a_function_of_the_user(cli: Cli, tasks: dict[str, int], tmp_path: Path) -> None:
    out = tmp_path / "coco.zip"
    cli("task", "export-dataset", tasks["CVAT for images 1.1"], out, "--format", "COCO 1.0")
    with zipfile.ZipFile(out) as archive:
        document = json.loads(archive.read("annotations/instances_default.json"))
    assert len(document["annotations"]) == 10
