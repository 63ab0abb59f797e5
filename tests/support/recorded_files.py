"""Files like those that were sent when the exchanges were recorded: drawn or written here, or kept with the recordings."""

import io
import json
import zipfile
from pathlib import Path

from PIL import Image

from tests.support.pictures import picture

_GOLDEN = Path(__file__).parents[1] / "golden"
_SENT_BY_TUS = 760
_KEPT = {
    1: "media/a_images/input.zip",
    3: "media/a_related/input.zip",
    4: "media/b_video/input.mp4",
    5: "media/b_video/input.mp4",
    6: "media/d_3d/input.zip",
}
#: Recorded tasks whose pictures do not matter but for sizes and names.
_DRAWN = {
    17: {"000000.png": (64, 48), "000001.png": (64, 48), "street/000002.jpg": (64, 48)},
    19: {"000000.png": (64, 48)},
    21: {"none.jpg": (144, 108), "sub/y 2.png": (128, 96), "y1.jpg": (120, 90), "y3.jpg": (136, 102)},
    131: {"none.jpg": (144, 108), "sub/y 2.png": (128, 96), "y1.jpg": (120, 90), "y3.jpg": (136, 102)},
}
_SUBSET_TASK = 37


def task_input(number: int) -> tuple[str, bytes]:
    """Return name and content of what the recorded task of this number was made of."""
    if number in _KEPT:
        path = _GOLDEN / _KEPT[number]
        return ("clip.mp4" if path.suffix == ".mp4" else path.name), path.read_bytes()
    if number == _SUBSET_TASK:
        return "input.zip", _subset()
    return "input.zip", _zipped({name: _encoded(*size, name) for name, size in _DRAWN[number].items()})


def _subset() -> bytes:
    with zipfile.ZipFile(_GOLDEN / "formats/yolo-1-1/c_project.with-images.zip") as archive:
        folder = "obj_Validation_data/"
        names = [name for name in archive.namelist() if name.startswith(folder) and not name.endswith(".txt")]
        return _zipped({name.removeprefix(folder): archive.read(name) for name in names})


def sent_part(path: str, size: int, offset: int) -> bytes:
    """Return the part of a resumable upload that a record sent."""
    whole = sent_file("", "x.png").ljust(_SENT_BY_TUS, b"\0") if "/data" in path else sent_file("", "y.zip")
    start = 0 if size == len(whole) or offset == 0 else len(whole) - size
    return whole[start : start + size]


def sent_file(record: str, name: str) -> bytes:
    """Return a file like the one that was sent; several have one name."""
    contents = {
        "import-not-a-zip": b"this is no archive",
        "import-other-format": (_GOLDEN / "formats/yolo-1-1/e_yolo.zip").read_bytes(),
        "import-coco-unknown-category": _coco("y1.jpg", "zeppelin"),
        "import-coco-unknown-image": _coco("nowhere.jpg", "ship"),
        "import-coco-not-json": b"{nothing}",
        "import-cvat-xml-bad-label": _cvat("y1.jpg", "zeppelin"),
        "import-cvat-xml-broken": b"<annotations",
        "import-cvat-xml-unknown-image": _cvat("nowhere.jpg", "ship"),
        "x": b"x",
        "x.png": _encoded(96, 64, "x.png"),
        "y.jpg": _encoded(64, 96, "y.jpg"),
        "note.txt": b"a note",
        "broken.jpg": _encoded(64, 96, "y.jpg")[:200],
        "b.zip": b"this is no archive",
        "e.zip": _zipped({}),
        "clip.mp4": (_GOLDEN / "media/b_video/input.mp4").read_bytes(),
        "y.zip": (_GOLDEN / "formats/yolo-1-1/e_yolo.zip").read_bytes(),
    }
    return contents[record] if record in contents else contents[name]


def _encoded(width: int, height: int, name: str) -> bytes:
    data = io.BytesIO()
    if name.endswith(".png"):
        Image.new("RGB", (width, height), "#306090").save(data, "PNG")
    else:
        picture(1, width, height).save(data, "JPEG")
    return data.getvalue()


def _zipped(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def _coco(image: str, category: str) -> bytes:
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 8, 8], "area": 64, "iscrowd": 0, "segmentation": []}
    images = [{"id": 1, "file_name": image, "width": 120, "height": 90}]
    return json.dumps({"images": images, "annotations": [box], "categories": [{"id": 1, "name": category}]}).encode()


def _cvat(image: str, label: str) -> bytes:
    box = f'<box label="{label}" occluded="0" xtl="1" ytl="1" xbr="9" ybr="9"/>'
    return f'<annotations><version>1.1</version><image id="0" name="{image}">{box}</image></annotations>'.encode()
