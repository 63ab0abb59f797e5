"""Other people's readers understand our archives."""

import io
import zipfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import supervision as sv
from pycocotools.coco import COCO

from limner_exports.formats import ExportFrame, FrameMedia, find_exporter, write_dataset
from limner_model.annotations import LabeledData, Shape, ShapeType
from limner_model.conversions import shape_mask
from limner_model.rle import mask_from_points, points_from_mask
from tests.unit.exports.builders import CAR, SIZE, SKY, context_of, frames_of, image_task
from tests.unit.exports.golden_objects import golden_object

# The readers themselves are behind numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NAMES = ("a.jpg", "b.jpg", "c d.jpg", "e.jpg")
ELLIPSE = [100.0, 60.0, 140.0, 40.0]
MASK = [1.0, 3.0, 2.0, 1.0, 1.0, 1.0, 10.0, 20.0, 12.0, 22.0]


def data(*kinds: ShapeType) -> LabeledData:
    shapes = [
        Shape(type=ShapeType.RECTANGLE, frame=0, label_id=CAR, points=[10.5, 20.25, 60.75, 80.5]),
        Shape(type=ShapeType.RECTANGLE, frame=2, label_id=SKY, points=[0.0, 0.0, 200.0, 120.0]),
        Shape(type=ShapeType.POLYGON, frame=0, label_id=SKY, points=[100.0, 10.0, 150.0, 15.5, 120.25, 60.0]),
        Shape(type=ShapeType.MASK, frame=2, label_id=CAR, points=MASK),
        Shape(type=ShapeType.ELLIPSE, frame=3, label_id=SKY, points=ELLIPSE, rotation=30.0),
    ]
    return LabeledData(shapes=[shape for shape in shapes if shape.type in kinds])


def unpacked(name: str, folder: Path, document: LabeledData) -> Path:
    """Write an archive with real pictures and unpack it."""
    task = image_task()
    is_written, picture = cv2.imencode(".jpg", np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    assert is_written

    def frames() -> Any:
        for frame in frames_of(task, document, names=NAMES):
            yield ExportFrame(
                task_id=frame.task_id,
                frame=frame.frame,
                number=frame.number,
                name=frame.name,
                subset=frame.subset,
                width=frame.width,
                height=frame.height,
                annotations=frame.annotations,
                media=FrameMedia(".jpg", lambda: [picture.tobytes()]),
            )

    out = io.BytesIO()
    write_dataset(find_exporter(name), context_of(task, save_images=True), frames(), None, out)
    with zipfile.ZipFile(out) as archive:
        archive.extractall(folder)
    return folder


def quiet_coco(path: Path) -> COCO:
    with redirect_stdout(io.StringIO()):
        return COCO(str(path))


def test_pycocotools_reads_our_coco(tmp_path: Path) -> None:
    document = data(ShapeType.RECTANGLE, ShapeType.POLYGON, ShapeType.MASK, ShapeType.ELLIPSE)
    coco = quiet_coco(unpacked("COCO 1.0", tmp_path, document) / "annotations" / "instances_default.json")
    assert {image["file_name"] for image in coco.imgs.values()} == set(NAMES)
    assert [category["name"] for category in coco.cats.values()] == ["car <&>", "body", "head", "foot", "sky"]
    assert len(coco.anns) == len(document.shapes)
    for shape in document.shapes:
        image_id = next(key for key, image in coco.imgs.items() if image["file_name"] == NAMES[shape.frame])
        found = [coco.anns[key] for key in coco.getAnnIds(imgIds=[image_id])]
        if shape.type is ShapeType.RECTANGLE:
            boxes = [[a["bbox"][0], a["bbox"][1], a["bbox"][0] + a["bbox"][2], a["bbox"][1] + a["bbox"][3]] for a in found]
            assert any(np.allclose(box, shape.points) for box in boxes)
            continue
        mask = shape_mask(shape.type, shape.points, shape.rotation, width=SIZE[0], height=SIZE[1])
        assert mask is not None
        full = np.zeros((SIZE[1], SIZE[0]), np.uint8)
        rows, columns = mask.bitmap.shape
        full[mask.top : mask.top + rows, mask.left : mask.left + columns] = mask.bitmap
        matches = [a for a in found if a["segmentation"] and np.array_equal(coco.annToMask(a), full)]
        assert len(matches) == 1
        assert matches[0]["area"] == full.sum()


@pytest.mark.parametrize("key", ["a_images", "a_plain", "b_video", "e_yolo"])
def test_pycocotools_decodes_every_recorded_object(tmp_path: Path, key: str) -> None:
    members, _ = golden_object(key).export("COCO 1.0")
    path = tmp_path / "instances.json"
    path.write_bytes(members["annotations/instances_default.json"])
    coco = quiet_coco(path)
    assert len(coco.anns) == max(coco.anns)
    for annotation in coco.anns.values():
        if annotation["segmentation"]:
            assert coco.annToMask(annotation).sum() == annotation["area"]


def detections(dataset: sv.DetectionDataset) -> dict[str, sv.Detections]:
    return {Path(path).name: found for path, found in dataset.annotations.items()}


def test_supervision_reads_our_boxes(tmp_path: Path) -> None:
    document = data(ShapeType.RECTANGLE)
    root = unpacked("Ultralytics YOLO Detection 1.0", tmp_path, document)
    dataset = sv.DetectionDataset.from_yolo(
        str(root / "images" / "train"), str(root / "labels" / "train"), str(root / "data.yaml")
    )
    assert dataset.classes == ["car <&>", "body", "sky"]
    found = detections(dataset)
    assert {name for name, one in found.items() if len(one)} == {"a.jpg", "c d.jpg"}
    for shape in document.shapes:
        assert np.allclose(found[NAMES[shape.frame]].xyxy, [shape.points], atol=0.01)
    assert found["a.jpg"].class_id.tolist() == [0]
    assert found["c d.jpg"].class_id.tolist() == [2]


def test_supervision_reads_our_polygons(tmp_path: Path) -> None:
    document = data(ShapeType.POLYGON, ShapeType.MASK)
    root = unpacked("Ultralytics YOLO Segmentation 1.0", tmp_path, document)
    dataset = sv.DetectionDataset.from_yolo(
        str(root / "images" / "train"), str(root / "labels" / "train"), str(root / "data.yaml"), force_masks=True
    )
    found = detections(dataset)
    assert {name for name, one in found.items() if len(one)} == {"a.jpg", "c d.jpg"}
    polygon = document.shapes[0].points
    box = [min(polygon[::2]), min(polygon[1::2]), max(polygon[::2]), max(polygon[1::2])]
    assert np.allclose(found["a.jpg"].xyxy, [box], atol=1)
    assert points_from_mask(mask_from_points(MASK)) == MASK


def test_supervision_reads_our_voc(tmp_path: Path) -> None:
    document = data(ShapeType.RECTANGLE)
    root = unpacked("PASCAL VOC 1.1", tmp_path, document)
    for path in (root / "Annotations").glob("*.xml"):
        # This reader takes whole numbers only, and counts pixels from 1.
        text = path.read_text().replace(".5<", "<").replace(".25<", "<").replace(".75<", "<").replace(".0<", "<")
        path.write_text(text)
    dataset = sv.DetectionDataset.from_pascal_voc(str(root / "JPEGImages"), str(root / "Annotations"))
    found = detections(dataset)
    for shape in document.shapes:
        assert np.allclose(found[NAMES[shape.frame]].xyxy, [shape.points], atol=2)
