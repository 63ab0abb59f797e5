"""Uploads that are broken or meant to harm end in a message that names the place."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from limner_exports.formats import ArchiveLimits, FormatError, ImportErrors, SafeArchive
from limner_model.annotations import LabeledData, Shape, ShapeType
from tests.unit.exports.builders import CAR, export, import_bytes

BOX = LabeledData(shapes=[Shape(type=ShapeType.RECTANGLE, frame=0, label_id=CAR, points=[1.0, 2.0, 30.0, 40.0])])


def zipped(files: dict[str, bytes | str], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def opened(tmp_path: Path, data: bytes, **limits: int) -> SafeArchive:
    path = tmp_path / "upload.zip"
    path.write_bytes(data)
    return SafeArchive(path, limits=ArchiveLimits(**limits) if limits else None)


@pytest.mark.parametrize(
    "name", ["../evil.xml", "/etc/passwd", "a/../../b", "C:/windows/x", "..\\evil", "a\\..\\..\\b"], ids=repr
)
def test_members_outside_of_the_root_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match="outside of its root"):
        opened(tmp_path, zipped({name: b"x"}))


def test_links_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(FormatError, match="link"):
        opened(tmp_path, out.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("other", ["a/b.xml", "a//b.xml", "./a/b.xml", "a\\b.xml"])
def test_equal_names_are_refused(tmp_path: Path, other: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a/b.xml", "1")
        archive.writestr(other, "2")
    with pytest.raises(FormatError, match="two members"):
        opened(tmp_path, out.getvalue())


def test_limits_on_members_total_and_ratio(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="more than 2 members"):
        opened(tmp_path, zipped({str(index): b"" for index in range(3)}), max_members=2)
    with pytest.raises(FormatError, match="more than 100 bytes"):
        opened(tmp_path, zipped({"a": b"x" * 60, "b": b"x" * 60}), max_total_bytes=100)
    bomb = zipped({"a.xml": b"0" * (1 << 20)})
    with pytest.raises(FormatError, match=r"a\.xml: the member is compressed"):
        opened(tmp_path, bomb, max_ratio=100, ratio_floor_bytes=1000)


def test_a_member_that_is_larger_than_it_says_is_cut_off(tmp_path: Path) -> None:
    data = bytearray(zipped({"annotations.xml": b"<annotations>" + b" " * 5000 + b"</annotations>"}))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.index(signature) + offset
        data[at : at + 4] = (20).to_bytes(4, "little")
    with opened(tmp_path, bytes(data)) as archive, pytest.raises(FormatError, match="damaged"):
        archive.read("annotations.xml")


def test_a_truncated_archive_is_refused() -> None:
    archive, _ = export("COCO 1.0", BOX)
    with pytest.raises(FormatError, match="neither a ZIP archive nor"):
        import_bytes("COCO 1.0", archive[: len(archive) // 2])
    with pytest.raises(FormatError):
        import_bytes("COCO 1.0", archive[:10] + archive[14:])


def test_damaged_data_name_the_member() -> None:
    archive = bytearray(zipped({"annotations.xml": b"<annotations><image/></annotations>" * 99}))
    archive[60] ^= 0xFF
    with pytest.raises(FormatError, match=r"annotations\.xml: the file is damaged"):
        import_bytes("CVAT 1.1", bytes(archive))


@pytest.mark.parametrize("data", [b"", b"hello", b"\x00" * 100, b"PK\x03\x04 not really"], ids=repr)
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        import_bytes("CVAT 1.1", data)


ENTITY = '<!DOCTYPE a [<!ENTITY x "boom">]><annotations><image name="&x;"/></annotations>'
LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "&a;" * 10}">' for n in range(9))
    + "]><annotations>&a8;</annotations>"
)
EXTERNAL = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations><version>&x;</version></annotations>'


@pytest.mark.parametrize("text", [ENTITY, LAUGHS, EXTERNAL, ENTITY.replace("<!DOCTYPE", " " * 70000 + "<!DOCTYPE")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_are_refused(text: str, encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    with pytest.raises(FormatError, match=r"document type|not well-formed"):
        import_bytes("CVAT 1.1", zipped({"annotations.xml": (head + text).encode(encoding)}))


def test_broken_xml_names_the_member() -> None:
    with pytest.raises(FormatError, match=r"annotations\.xml: not well-formed"):
        import_bytes("CVAT 1.1", b"<annotations><image></annotations>", name="annotations.xml")


def coco(**changes: Any) -> bytes:
    document = {
        "categories": [{"id": 1, "name": "sky"}],
        "images": [{"id": 7, "file_name": "a.jpg", "width": 200, "height": 120}],
        "annotations": [{"id": 3, "image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": []}],
    }
    annotation = document["annotations"][0] | changes.pop("annotation", {})
    return json.dumps(document | {"annotations": [annotation]} | changes).encode()


def import_coco(data: bytes) -> Any:
    return import_bytes("COCO 1.0", data, name="instances_default.json")


def test_a_bare_json_is_read() -> None:
    assert [shape.points for shape in import_coco(coco()).shapes] == [[1.0, 2.0, 4.0, 6.0]]


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"category_id": 5}, "there is no category with id 5"),
        ({"image_id": 8}, "there is no image with id 8"),
        ({"bbox": [1, 2, 3]}, "expected 4 numbers"),
        ({"bbox": [1, 2, 3, "x"]}, "expected a number"),
        ({"segmentation": [[1, 2, 3, 4]]}, "three points or more"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "three points or more"),
        ({"segmentation": {"counts": [5], "size": [2, 2]}}, "do not fill"),
        ({"segmentation": {"counts": [-4, 8], "size": [2, 2]}}, "do not fill"),
        ({"segmentation": {"counts": "\x7f\x7f", "size": [2, 2]}}, "outside the code"),
        ({"segmentation": {"counts": [0, 10**12], "size": [10**6, 10**6]}}, "too large"),
        ({"segmentation": {"counts": [0, 1, 10**12 - 2, 1], "size": [10**6, 10**6]}}, "too large"),
        ({"segmentation": {"counts": [0, 10**14], "size": [10**7, 10**7]}}, "too large"),
        ({"segmentation": {"counts": [4], "size": [2]}}, "height and width"),
    ],
)
def test_a_wrong_coco_annotation_names_file_and_annotation(annotation: dict[str, Any], message: str) -> None:
    with pytest.raises(ImportErrors, match=message) as caught:
        import_coco(coco(annotation=annotation))
    assert "instances_default.json" in caught.value.errors[0].where
    assert "annotation 3" in caught.value.errors[0].where


@pytest.mark.parametrize("number", ["Infinity", "NaN", "1e999", "1" + "0" * 30])
def test_numbers_that_json_does_not_have_are_refused(number: str) -> None:
    with pytest.raises(FormatError, match="instances_default"):
        import_coco(coco().replace(b"[1, 2, 3, 4]", f"[1, 2, {number}, 4]".encode()))


@pytest.mark.parametrize("data", [b"{", b'{"images": [1, 2', b"[1]", b'{"images": 5}', b'{"categories": [5]}', b"{}"])
def test_wrong_json_names_the_file(data: bytes) -> None:
    with pytest.raises(FormatError, match="instances_default"):
        import_coco(data)


def test_unknown_images_and_labels_are_collected() -> None:
    images = [{"id": index, "file_name": f"no {index}.jpg"} for index in range(3)]
    box = {"category_id": 1, "bbox": [1, 2, 3, 4]}
    annotations = [box | {"id": index, "image_id": index} for index in range(3)]
    with pytest.raises(ImportErrors, match="could not match the item") as caught:
        import_coco(coco(images=images, annotations=annotations))
    assert len(caught.value.errors) == 3
    with pytest.raises(ImportErrors, match="label 'sea' does not exist"):
        import_coco(coco(categories=[{"id": 1, "name": "sea"}]))


def xml_with(inner: str) -> bytes:
    return f'<annotations><image id="0" name="a.jpg">{inner}</image></annotations>'.encode()


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ('<box label="sky" xtl="1" ytl="2" xbr="3"/>', "'ybr' is missing"),
        ('<box label="sky" xtl="1" ytl="2" xbr="3" ybr="x"/>', "'ybr' is not a number"),
        ('<box label="sky" xtl="1" ytl="2" xbr="3" ybr="nan"/>', "not a finite number"),
        ('<box label="none" xtl="1" ytl="2" xbr="3" ybr="4"/>', "label 'none' does not exist"),
        ('<polygon label="sky" points="1,2;3"/>', "wrong number of coordinates"),
        ('<polygon label="sky" points="1,2;3,4"/>', "wrong number of coordinates"),
        ('<points label="sky" points=""/>', "x,y;x,y"),
        ('<mask label="sky" rle="1, 2" left="0" top="0" width="2" height="2"/>', "must fill its box"),
        ('<mask label="sky" rle="-1, 5" left="0" top="0" width="2" height="2"/>', "must not be negative"),
        ('<mask label="sky" rle="4" left="0.5" top="0" width="2" height="2"/>', "not a whole number"),
        ('<mask label="sky" rle="1e99" left="0" top="0" width="1000000" height="1000000"/>', "whole numbers"),
        ('<skeleton label="body"><points label="hand" points="1,2"/></skeleton>', "has no point 'hand'"),
        ('<tag label="car &lt;&amp;&gt;"><attribute name="parked">maybe</attribute></tag>', "cannot be 'maybe'"),
    ],
)
def test_a_wrong_object_of_cvat_xml_names_image_and_object(inner: str, message: str) -> None:
    with pytest.raises(ImportErrors, match=message) as caught:
        import_bytes("CVAT 1.1", xml_with(inner), name="annotations.xml")
    assert caught.value.errors[0].where == "annotations.xml: image 'a.jpg' object 1"


def test_tracks_outside_of_the_task_are_refused() -> None:
    row = '<box frame="99" keyframe="1" outside="0" occluded="0" xtl="1" ytl="1" xbr="2" ybr="2"/>'
    text = f'<annotations><track id="4" label="sky">{row}</track></annotations>'
    with pytest.raises(ImportErrors, match="the task has no frame 99"):
        import_bytes("CVAT 1.1", text.encode(), name="annotations.xml")


YOLO = {"obj.data": "train = data/train.txt\nnames = data/obj.names\n", "obj.names": "sky\n"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "exactly one file 'obj.data'"),
        ({"obj.data": "train"}, "obj.data: line 1: expected 'key = value'"),
        (YOLO, "train.txt: the archive has no such file"),
        (YOLO | {"train.txt": "x/a.jpg", "x/a.txt": "0 .1 .1 .1"}, "x/a.txt: line 1: expected 5 fields, found 4"),
        (YOLO | {"train.txt": "x/a.jpg", "x/a.txt": "\n1 .1 .1 .1 .1"}, "x/a.txt: line 2: there is no class '1'"),
        (YOLO | {"train.txt": "x/a.jpg", "x/a.txt": "0 .1 .1 .1 z"}, "x/a.txt: line 1: not a number"),
        (YOLO | {"train.txt": "x/a.jpg", "x/a.txt": "0 .1 .1 inf .1"}, "not a finite number"),
        (YOLO | {"train.txt": b"\xff\xfe"}, "train.txt: line 1: the text is not UTF-8"),
    ],
)
def test_wrong_yolo_names_file_and_line(files: dict[str, bytes | str], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        import_bytes("YOLO 1.1", zipped(files or {"x": ""}))


ALIASES = "a: &a [x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a]\n" for n in range(30))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "not valid YAML"),
        ("5", "expected keys and values"),
        ("!!python/object/apply:os.system [ls]", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        ("train: train.txt", "'names' must list the classes"),
        ("names: {0: a, 5: b}", "numbered from 0"),
        (ALIASES, "'names' must list"),
        ("names: [sky]\ntrain: [{}]", "path or a list of paths"),
    ],
)
def test_wrong_ultralytics_settings_name_the_file(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        import_bytes("Ultralytics YOLO Detection 1.0", zipped({"data.yaml": text}))
    assert caught.value.where == "data.yaml"


def voc(**files: bytes | str) -> bytes:
    return zipped({name.replace("__", "/").replace("_dot_", "."): data for name, data in files.items()})


def test_wrong_voc_files_name_the_place() -> None:
    lists = {"ImageSets/Main/train.txt": "a\n", "labelmap.txt": "sky:1,2,3::\n"}
    for files, message in (
        ({"x": ""}, "neither 'ImageSets' nor XML"),
        (lists | {"labelmap.txt": "sky"}, "labelmap.txt: line 1"),
        (lists | {"labelmap.txt": "sky:1,2,300::"}, "'1,2,300' is no colour"),
        (lists | {"Annotations/a.xml": "<annotation><object/></annotation>"}, "a.xml: object 0: the object has no"),
        (lists | {"SegmentationClass/a.png": b"no picture"}, "SegmentationClass/a.png: not a PNG"),
        (lists | {"SegmentationClass/a.png": png_header(60000, 60000)}, "too large"),
        (lists | {"SegmentationClass/a.png": png_header(6, 6)}, "cannot be decoded"),
    ):
        with pytest.raises(FormatError, match=message):
            import_bytes("PASCAL VOC 1.1", zipped(files))


def png_header(width: int, height: int) -> bytes:
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + size + b"\x08\x02\x00\x00\x00\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"type": "bbox", "bbox": [1, 2, 3, 4]}, "has no label"),
        ({"type": "bbox", "label_id": 9, "bbox": [1, 2, 3, 4]}, "no label with number 9"),
        ({"type": "blob", "label_id": 0}, "type 'blob' are not known"),
        ({"type": "mask", "label_id": 0, "rle": {"counts": "0", "size": [9, 9]}}, "do not fill"),
        ({"type": "skeleton", "label_id": 0, "points": [1, 2, 2]}, "should have 0 points"),
        (5, "expected an object"),
    ],
)
def test_a_wrong_datumaro_annotation_names_item_and_annotation(annotation: Any, message: str) -> None:
    document = {
        "categories": {"label": {"labels": [{"name": "sky", "parent": "", "attributes": []}]}},
        "items": [{"id": "a", "annotations": [annotation]}],
    }
    files = {"annotations/default.json": json.dumps(document)}
    with pytest.raises(ImportErrors, match=message) as caught:
        import_bytes("Datumaro 1.0", zipped(files))
    assert caught.value.errors[0].where == "annotations/default.json: item 'a' annotation 0"
