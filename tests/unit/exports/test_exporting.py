"""What every writer does alike: nothing to write, bad objects, odd names, several tasks."""

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import replace

import msgspec
import pytest
from lxml import etree

from limner_exports.formats import ExportFrame, FormatError, FrameMedia, find_exporter, format_list, write_dataset
from limner_model.annotations import LabeledData, Shape, ShapeType, Tag, Track, TrackedShape
from tests.unit.exports.builders import (
    CAR,
    NAMES,
    SCHEMA,
    SKY,
    context_of,
    export,
    frames_of,
    image_task,
    import_bytes,
    only_tracks,
    video_task,
)

EXPORTERS = [str(row["name"]) for row in format_list()["exporters"]]
IMPORTER_OF = {name: "CVAT 1.1" if name.startswith("CVAT") else name for name in EXPORTERS}


def box(frame: int, *points: float, label: int = CAR) -> Shape:
    return Shape(type=ShapeType.RECTANGLE, frame=frame, label_id=label, points=list(points) or [1.0, 2.0, 3.0, 4.0])


def files(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.mark.parametrize("name", EXPORTERS)
def test_an_empty_task_comes_back_empty(name: str) -> None:
    archive, report = export(name, LabeledData())
    assert not report.dropped
    assert report.frames == len(NAMES)
    found = import_bytes(IMPORTER_OF[name], archive)
    assert found.tags == found.shapes == found.tracks == []


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_task_without_frames_can_be_written(name: str) -> None:
    archive, _ = export(name, LabeledData(), task=image_task(size=0))
    assert import_bytes(IMPORTER_OF[name], archive).shapes == []


@pytest.mark.parametrize("name", EXPORTERS)
def test_bad_objects_are_reported_and_the_rest_is_written(name: str) -> None:
    good = box(0, 10.0, 10.0, 20.0, 20.0)
    if "Segmentation" in name:
        good = Shape(type=ShapeType.POLYGON, frame=0, label_id=CAR, points=[1.0, 1.0, 9.0, 1.0, 9.0, 9.0])
    bad = [
        box(0, 1.0, 2.0, 3.0),
        box(0, 1.0, 2.0, 3.0, float("nan")),
        box(0, 1.0, 2.0, 3.0, float("inf")),
        box(0, label=99),
        Shape(type=ShapeType.MASK, frame=0, label_id=CAR, points=[3.0, 0.0, 0.0, 5.0, 5.0]),
        Shape(type=ShapeType.POLYGON, frame=1, label_id=CAR, points=[1.0, 2.0, 3.0]),
    ]
    archive, report = export(name, LabeledData(shapes=[*bad, good], tags=[Tag(frame=0, label_id=98)]))
    assert sum(report.dropped.values()) == 7
    document = json.loads(files(archive)["export-report.json"])
    assert {row["reason"] for row in document["left_out"]} >= {
        "a coordinate is not a finite number",
        "the label does not exist",
        "wrong number of coordinates",
    }
    found = import_bytes(IMPORTER_OF[name], archive)
    assert len(found.shapes) + len(found.tracks) == 1


def test_a_damaged_track_is_reported() -> None:
    keys = [
        TrackedShape(type=ShapeType.RECTANGLE, frame=0, points=[1.0, 2.0, 3.0, 4.0]),
        TrackedShape(type=ShapeType.POLYGON, frame=5, points=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    ]
    whole = Track(id=2, frame=0, label_id=CAR, shapes=[keys[0]])
    tracks = only_tracks(Track(id=1, frame=0, label_id=CAR, shapes=keys), whole)
    task = video_task(size=8)
    out = io.BytesIO()
    from limner_exports.formats import ExportTrack

    spec = find_exporter("CVAT for video 1.1")
    given = [ExportTrack(task=task, subset="default", track=track, stop=8) for track in tracks.tracks]
    report = write_dataset(spec, context_of(task), frames_of(task, LabeledData()), lambda: given, out)
    assert [kind for _, kind in report.dropped] == ["track"]
    assert etree.fromstring(files(out.getvalue())["annotations.xml"]).xpath("count(track)") == 1


@pytest.mark.parametrize("name", EXPORTERS)
def test_odd_names_stay_inside_of_the_archive(name: str) -> None:
    names = ["../up.jpg", "/abs.jpg", "a\\b.jpg", "new\nline.jpg"]
    task = image_task()
    out = io.BytesIO()
    write_dataset(
        find_exporter(name),
        context_of(task, save_images=True),
        frames_of(task, LabeledData(), names=names, with_media=True),
        None,
        out,
    )
    for member in files(out.getvalue()):
        assert ".." not in member.split("/") and not member.startswith("/") and "\n" not in member


@pytest.mark.parametrize("name", EXPORTERS)
def test_names_that_differ_in_the_extension_do_not_overwrite_each_other(name: str) -> None:
    if name == "CVAT for video 1.1":
        pytest.skip("frames of this format are numbers")
    names = ["a.jpg", "a.png", "b.jpg", "c.jpg"]
    task = image_task()
    if "Segmentation" in name:
        shapes = [
            Shape(type=ShapeType.POLYGON, frame=frame, label_id=SKY, points=[frame + 1.0, 1.0, 9.0, 1.0, 9.0, 9.0])
            for frame in (0, 1)
        ]
    else:
        shapes = [box(0, label=SKY), box(1, 5.0, 5.0, 8.0, 8.0, label=SKY)]
    out = io.BytesIO()
    frames = frames_of(task, LabeledData(shapes=shapes), names=names, with_media=True)
    write_dataset(find_exporter(name), context_of(task, save_images=True), frames, None, out)
    written = files(out.getvalue())
    assert {b"picture of " + other.encode() for other in names} <= set(written.values())


@pytest.mark.parametrize("name", EXPORTERS)
def test_control_characters_and_markup_in_text_are_harmless(name: str) -> None:
    from limner_model.annotations import AttributeValue

    shape = box(0)
    shape.attributes = [AttributeValue(spec_id=13, value='\x00\x0b<a & "b">\'\n]]>\ufffe')]
    archive, report = export(name, LabeledData(shapes=[shape]))
    written = files(archive)
    assert written and report.frames == 4
    for member, data in written.items():
        if member.endswith(".xml"):
            etree.fromstring(data)
        elif member.endswith(".json"):
            json.loads(data)


def test_reserved_subsets_are_refused() -> None:
    task = image_task(subset="names")
    for name in ("YOLO 1.1", "Ultralytics YOLO Detection 1.0"):
        with pytest.raises(FormatError, match="'names' is reserved"):
            write_dataset(find_exporter(name), context_of(task), frames_of(task, LabeledData()), None, io.BytesIO())


def test_a_format_is_asked_for_its_direction() -> None:
    spec = replace(find_exporter("COCO 1.0"), make_writer=None)
    with pytest.raises(FormatError, match="cannot be exported"):
        write_dataset(spec, context_of(image_task()), [], None, io.BytesIO())


def test_media_errors_end_the_export_and_leave_no_archive() -> None:
    def lost() -> Iterable[bytes]:
        yield b"start"
        raise OSError("the picture is gone")

    task = image_task()

    def frames() -> Iterable[ExportFrame]:
        for frame in frames_of(task, LabeledData()):
            yield replace(frame, media=FrameMedia(".jpg", lost))

    out = io.BytesIO()
    with pytest.raises(OSError, match="gone"):
        write_dataset(find_exporter("COCO 1.0"), context_of(task), frames(), None, out)
    assert not zipfile.is_zipfile(out)


def test_the_shape_of_a_frame_is_not_changed_by_writing() -> None:
    data = LabeledData(
        shapes=[box(0), Shape(type=ShapeType.MASK, frame=0, label_id=CAR, points=[0.0, 4.0, 1.0, 1.0, 2.0, 2.0])]
    )
    before = msgspec.json.encode(data)
    for name in EXPORTERS:
        export(name, data)
    assert msgspec.json.encode(data) == before
    assert SCHEMA.labels[0].id == CAR
