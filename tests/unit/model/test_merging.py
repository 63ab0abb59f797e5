import pytest

from limner_model.annotations import LabeledData, Shape, ShapeType, Tag, Track
from limner_model.attributes import fill_defaults
from limner_model.keyframes import normalise_track
from limner_model.merging import JobPart, merge_jobs
from limner_model.similarity import geometry_similarities
from limner_model.slicing import slice_data
from tests.unit.model.builders import (
    GOLDEN,
    boxes_track,
    comparable,
    element_track,
    golden_document,
    golden_schema,
    keys_of,
    point,
    read_golden,
    rectangle,
    skeleton_key,
    skeleton_track,
)


def merge_two(first: LabeledData, second: LabeledData, *, start: int = 8, overlap: int = 2) -> LabeledData:
    return merge_jobs([JobPart(0, first), JobPart(start, second)], overlap=overlap)


def test_alike_rectangles_of_an_overlap_become_one() -> None:
    first = [rectangle(8, 0.0, id=1), rectangle(9, 0.0, id=2)]
    second = [rectangle(8, 1.0, id=3), rectangle(9, 3.0, id=4), rectangle(12, 0.0, id=5)]
    merged = merge_two(LabeledData(shapes=first), LabeledData(shapes=second))
    assert sorted(shape.id or 0 for shape in merged.shapes) == [1, 2, 4, 5]


def test_tags_of_the_same_label_become_one() -> None:
    first = [Tag(id=1, frame=8, label_id=1), Tag(id=2, frame=9, label_id=2)]
    second = [Tag(id=3, frame=8, label_id=1), Tag(id=4, frame=8, label_id=2)]
    merged = merge_two(LabeledData(tags=first), LabeledData(tags=second))
    assert sorted(tag.id or 0 for tag in merged.tags) == [1, 2, 4]


@pytest.mark.parametrize(
    ("first", "second", "overlap", "start", "expected"),
    [
        pytest.param(
            boxes_track((0, 0.0), (9, 9.0)),
            boxes_track((8, 8.0), (15, 15.0)),
            2,
            8,
            [[(0, 0.0), (8, 8.0), (9, 9.0), (15, 15.0)]],
            id="agreeing tracks are joined",
        ),
        pytest.param(
            boxes_track((0, 0.0), (9, 9.0)),
            boxes_track((8, 14.0), (15, 15.0)),
            2,
            8,
            [[(0, 0.0), (9, 9.0), (10, 9.0, "out")], [(8, 14.0), (15, 15.0)]],
            id="others are closed after the segment",
        ),
        pytest.param(
            boxes_track((0, 0.0), (9, 9.0)),
            boxes_track((10, 10.0), (15, 15.0)),
            0,
            10,
            [[(0, 0.0), (9, 9.0), (10, 9.0, "out")], [(10, 10.0), (15, 15.0)]],
            id="without overlap nothing is joined",
        ),
        pytest.param(
            boxes_track((0, 0.0), (5, 5.0, True)),
            boxes_track((8, 8.0)),
            2,
            8,
            [[(0, 0.0), (5, 5.0, "out")], [(8, 8.0)]],
            id="an ended track stays as it is",
        ),
        pytest.param(boxes_track((0, 0.0)), None, 2, 8, [[(0, 0.0), (10, 0.0, "out")]], id="an empty job closes the track"),
        pytest.param(
            boxes_track((7, 9.0)),
            boxes_track((6, 9.0), (15, 9.0)),
            4,
            6,
            # The reference loses the keyframes of the later job here.
            [[(6, 9.0), (7, 9.0), (15, 9.0)]],
            id="the later job's track begins earlier",
        ),
    ],
)
def test_tracks(first: Track, second: Track | None, overlap: int, start: int, expected: list[object]) -> None:
    rest = LabeledData(tracks=[] if second is None else [second])
    merged = merge_two(LabeledData(tracks=[first]), rest, start=start, overlap=overlap)
    assert [keys_of(parsed) for parsed in merged.tracks] == expected


def test_each_track_finds_the_best_counterpart() -> None:
    first = [boxes_track((0, 0.0), id=1), boxes_track((0, 4.0), id=2)]
    second = [boxes_track((8, 3.0)), boxes_track((8, 1.0))]
    merged = merge_two(LabeledData(tracks=first), LabeledData(tracks=second))
    assert {parsed.id: keys_of(parsed) for parsed in merged.tracks} == {1: [(0, 0.0), (8, 1.0)], 2: [(0, 4.0), (8, 3.0)]}


def test_elements_of_a_closed_skeleton_are_closed_too() -> None:
    parsed = skeleton_track(
        skeleton_key(0), elements=[element_track(3, point(0, 1)), element_track(4, point(0, 2), point(4, 2, outside=True))]
    )
    (merged,) = merge_two(LabeledData(tracks=[parsed]), LabeledData()).tracks
    assert [shape.frame for shape in merged.shapes] == [0, 10]
    assert [keys_of(element) for element in merged.elements] == [[(0, 1.0), (10, 1.0, "out")], [(0, 2.0), (4, 2.0, "out")]]
    assert [shape.frame for shape in parsed.shapes] == [0]


def test_the_parts_are_not_changed() -> None:
    first = LabeledData(tracks=[boxes_track((0, 0.0))])
    before = comparable(first)
    merge_two(first, LabeledData(tracks=[boxes_track((8, 0.0))]))
    assert comparable(first) == before


CUBE = [0.0, 0, 0, 0, 0, 0, 4, 2, 2, *[0.0] * 7]


@pytest.mark.parametrize(
    ("kind", "first", "second", "is_3d", "expected"),
    [
        pytest.param("rectangle", [0, 0, 10, 10], [1, 0, 11, 10], False, 9 / 11, id="boxes"),
        pytest.param("rectangle", [0, 0, 10, 10], [10, 10, 0, 0], False, 1.0, id="reversed corners"),
        pytest.param("rectangle", [0, 0, 10, 10], [20, 0, 30, 10], False, 0.0, id="boxes apart"),
        pytest.param("rectangle", [0, 0, 0, 10], [0, 0, 0, 10], False, 0.0, id="box without area"),
        pytest.param("polygon", [0, 0, 10, 0, 10, 10], [0, 0, 10, 0, 10, 10], False, 1.0, id="polygons"),
        pytest.param("polygon", [0, 0, 4, 0, 4, 4, 0, 4], [2, 0, 6, 0, 6, 4, 2, 4], False, 1 / 3, id="polygons overlap"),
        pytest.param("polygon", [0, 0, 4, 4, 4, 0, 0, 4], [0, 0, 4, 0, 4, 4, 0, 4], False, 0.0, id="crossing itself"),
        pytest.param("polygon", [0, 0, 4, 4, 8, 8], [0, 0, 4, 4, 8, 8], False, 0.0, id="polygon without area"),
        pytest.param("polygon", [0, 0, 1, 0, 1, 1], [5, 5, 6, 5, 6, 6], False, 0.0, id="polygons apart"),
        pytest.param("cuboid", CUBE, CUBE, True, 1.0, id="3D cuboids"),
        pytest.param("cuboid", CUBE, [2.0, *CUBE[1:]], True, 1 / 9, id="3D cuboids overlap in both views"),
        pytest.param("cuboid", CUBE, CUBE, False, 0.0, id="2D cuboids are never alike"),
        pytest.param("ellipse", [5, 5, 9, 1], [5, 5, 9, 1], False, 0.0, id="ellipses are never alike"),
        pytest.param("mask", [0, 1, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], False, 0.0, id="masks are never alike"),
    ],
)
def test_similarity(kind: str, first: list[float], second: list[float], is_3d: bool, expected: float) -> None:
    found = list(geometry_similarities(ShapeType(kind), [first], [second], is_3d=is_3d))
    assert [value for _, _, value in found] == pytest.approx([expected] if expected else [])


def test_shapes_of_other_labels_or_types_stay() -> None:
    first = [rectangle(8, 0.0), rectangle(9, 0.0)]
    second = [
        rectangle(8, 0.0, label_id=8),
        Shape(type=ShapeType.POLYGON, frame=9, label_id=1, points=[0, 0, 10, 0, 10, 10]),
    ]
    assert len(merge_two(LabeledData(shapes=first), LabeledData(shapes=second)).shapes) == 4


# The reference stores the closing keyframe of frame 15 twice and cannot export the task afterwards; here it is stored once.
REPEATED_KEYFRAME = {"task-track-outside-gap"}


def written_jobs(case: dict[str, object]) -> list[LabeledData]:
    """Do the recorded writes and return the documents of the jobs."""
    segments = case["jobs"]
    jobs = [LabeledData() for _ in segments]  # type: ignore[attr-defined]
    for write in case["writes"]:  # type: ignore[attr-defined]
        if "body" not in write:
            continue
        data = golden_document(write["body"])
        for parsed in data.tracks:
            normalise_track(parsed)
        if write["write"] == "task":
            jobs = [slice_data(data, segment["start"], segment["stop"]) for segment in segments]  # type: ignore[attr-defined]
            continue
        _, number, _, action = write["write"].split()
        job = jobs[int(number)]
        kept = [] if action == "update" else job.tracks
        jobs[int(number)] = LabeledData(
            tags=job.tags + data.tags, shapes=job.shapes + data.shapes, tracks=kept + data.tracks
        )
    return jobs


def once_per_frame(data: LabeledData) -> LabeledData:
    for parsed in data.tracks:
        normalise_track(parsed)
    return data


@pytest.mark.parametrize("name", sorted(path.stem for path in (GOLDEN / "merge").glob("*.json")))
def test_recorded_writes_are_stored_and_read_as_the_reference_did(name: str) -> None:
    case = read_golden(f"merge/{name}.json")
    schema = golden_schema(case["labels"])
    jobs = written_jobs(case)
    parts = [JobPart(segment["start"], job) for segment, job in zip(case["jobs"], jobs, strict=True)]
    merged = merge_jobs(parts, overlap=case["overlap"])
    expected = [golden_document(document) for document in [*case["per_job"], case["task"]]]
    if name in REPEATED_KEYFRAME:
        expected = [once_per_frame(document) for document in expected]
    found = [comparable(fill_defaults(document, schema)) for document in [merged, *jobs]]
    assert found == [comparable(expected[-1]), *(comparable(document) for document in expected[:-1])]


@pytest.mark.parametrize("key", ["a_images", "b_video"])
def test_recorded_jobs_are_read_as_the_reference_did(key: str) -> None:
    schema = golden_schema(read_golden(f"objects/{key}/labels.json"))
    jobs = [golden_document(read_golden(f"objects/{key}/job-{index}-annotations.json")) for index in range(3)]
    starts = [job["start_frame"] for job in read_golden(f"objects/{key}/jobs.json")]
    overlap = read_golden(f"objects/{key}/task.json")["overlap"]
    merged = merge_jobs([JobPart(start, job) for start, job in zip(starts, jobs, strict=True)], overlap=overlap)
    expected = golden_document(read_golden(f"objects/{key}/annotations.json"))
    assert comparable(fill_defaults(merged, schema)) == comparable(fill_defaults(expected, schema))
