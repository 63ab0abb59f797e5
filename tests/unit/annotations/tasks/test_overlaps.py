"""The merged view of jobs while they stream by, and what it shows as one."""

import random
from itertools import count
from operator import attrgetter

import pytest

from limner_annotations.revisions.documents import Kind, assign_ids, decode_documents
from limner_annotations.revisions.stored import StoredDoc
from limner_annotations.tasks.overlaps import Layout, OverlapMerger, Segment, merge_tracks, stored_docs
from limner_annotations.tasks.unions import Unions, find_unions
from limner_model.annotations import LabeledData, Shape, Tag
from limner_model.merging import JobPart, merge_jobs
from tests.unit.model.builders import boxes_track, comparable, rectangle

LAYOUT = Layout([Segment(1, 0, 9), Segment(2, 8, 17), Segment(3, 16, 25), Segment(4, 24, 30)], overlap=2, is_3d=False)


def random_jobs(seed: int) -> dict[int, LabeledData]:
    """Return documents with ids in which neighbours share many objects, nearly or exactly; some jobs are empty."""
    chance = random.Random(seed)
    ids = count(1)
    jobs = {}
    for segment in LAYOUT.segments:
        shapes = [
            rectangle(chance.randint(segment.start, segment.stop), chance.choice([0.0, 0.5, 3.0, 40.0]))
            for _ in range(chance.choice([0, 5, 30]))
        ]
        tags = [
            Tag(frame=chance.randint(segment.start, segment.stop), label_id=chance.choice([1, 8]))
            for _ in range(chance.choice([0, 12]))
        ]
        starts = [chance.randint(segment.start, segment.stop - 2) for _ in range(chance.choice([0, 3]))]
        tracks = [boxes_track((start, chance.choice([0.0, 1.0, 60.0])), (start + 2, 2.0)) for start in starts]
        data = LabeledData(tags=tags, shapes=shapes, tracks=tracks)
        for items in (data.tags, data.shapes, data.tracks):
            items.sort(key=attrgetter("frame"))  # as they are read: the order decides between equals
        assign_ids(data, ids)
        jobs[segment.job_id] = data
    return jobs


def stream(jobs: dict[int, LabeledData], kind: Kind) -> list[StoredDoc]:
    return [row for job_id, data in jobs.items() for row in stored_docs(job_id, data) if row.kind == kind]


@pytest.mark.parametrize("seed", range(30))
def test_streaming_merges_as_merging_at_once_does(seed: int) -> None:
    jobs = random_jobs(seed)
    parts = [JobPart(segment.start, jobs[segment.job_id]) for segment in LAYOUT.segments]
    whole = merge_jobs(parts, overlap=LAYOUT.overlap)
    merged: dict[Kind, list[StoredDoc]] = {}
    for kind in (Kind.TAG, Kind.SHAPE):
        rows = stream(jobs, kind)
        merger = OverlapMerger(LAYOUT, kind)
        cut = seed % 7 + 1
        merged[kind] = [row for at in range(0, len(rows), cut) for row in merger.push(rows[at : at + cut])]
        merged[kind] += merger.flush()
        frames = [row.frame for row in merged[kind]]
        assert frames == sorted(frames)
    merged[Kind.TRACK] = merge_tracks(LAYOUT, stream(jobs, Kind.TRACK))
    found = LabeledData()
    for kind, rows in merged.items():
        part = decode_documents(kind, (row.doc for row in rows))
        found.tags += part.tags
        found.shapes += part.shapes
        found.tracks += part.tracks
    assert comparable(found) == comparable(whole)


@pytest.mark.parametrize("seed", range(30))
def test_unions_join_what_the_merge_absorbs(seed: int) -> None:
    jobs = random_jobs(seed)
    rows = [row for kind in Kind for row in stream(jobs, kind)]
    unions = find_unions(LAYOUT, rows)
    parts = [JobPart(segment.start, jobs[segment.job_id]) for segment in LAYOUT.segments]
    whole = merge_jobs(parts, overlap=LAYOUT.overlap)
    seen = {item.id for items in (whole.tags, whole.shapes, whole.tracks) for item in items}
    for row in rows:
        members = {object_id for _, object_id in unions.of((row.job_id, row.id))}
        assert row.id in members
        assert len(members & seen) == 1, "what is seen as one is there once"


def test_a_single_job_and_jobs_without_overlap_pass_through() -> None:
    shapes: list[Shape] = [rectangle(frame, 0.0, id=frame + 1) for frame in (0, 9, 10)]
    apart = Layout([Segment(1, 0, 9), Segment(2, 10, 19)], overlap=0, is_3d=False)
    rows = stored_docs(1, LabeledData(shapes=shapes[:2])) + stored_docs(2, LabeledData(shapes=shapes[2:]))
    merger = OverlapMerger(apart, Kind.SHAPE)
    assert [*merger.push(rows), *merger.flush()] == rows
    single = Layout([Segment(1, 0, 99)], overlap=5, is_3d=False)
    merger = OverlapMerger(single, Kind.SHAPE)
    assert [*merger.push(rows[:2]), *merger.flush()] == rows[:2]
    path = stored_docs(1, LabeledData(tracks=[boxes_track((3, 0.0), id=4)]))
    assert merge_tracks(single, path) == path
    assert merge_tracks(apart, []) == []


def test_shared_frames_are_those_of_two_jobs() -> None:
    assert LAYOUT.shared_frames(range(31)) == {8, 9, 16, 17, 24, 25}


def test_unions_grow_together() -> None:
    unions = Unions()
    unions.join((1, 1), (2, 2))
    unions.join((3, 3), (4, 4))
    unions.join((2, 2), (3, 3))
    assert unions.of((4, 4)) == {(1, 1), (2, 2), (3, 3), (4, 4)}
    assert unions.of((9, 9)) == {(9, 9)}
