import itertools

import pytest

from limner_api.jobs.rules import (
    JobCounts,
    JobType,
    Progress,
    Stage,
    State,
    Status,
    check_deletion,
    check_ground_truth_frames,
    combined_status,
    count_jobs,
    read_type,
)
from limner_common.errors import Invalid

ANNOTATION, VALIDATION, ACCEPTANCE = Stage
NEW, IN_PROGRESS, COMPLETED, REJECTED = State


@pytest.mark.parametrize(
    ("stage", "state", "expected"),
    [
        (ANNOTATION, NEW, Status.ANNOTATION),
        (ANNOTATION, COMPLETED, Status.ANNOTATION),
        (VALIDATION, NEW, Status.VALIDATION),
        (VALIDATION, COMPLETED, Status.VALIDATION),
        (ACCEPTANCE, NEW, Status.VALIDATION),
        (ACCEPTANCE, REJECTED, Status.VALIDATION),
        (ACCEPTANCE, COMPLETED, Status.COMPLETED),
    ],
)
def test_status_follows_from_stage_and_state(stage, state, expected):
    assert Progress(stage, state).status is expected


@pytest.mark.parametrize(
    ("stage", "state", "expected"),
    [
        pytest.param(None, None, (ANNOTATION, IN_PROGRESS), id="nothing"),
        pytest.param(None, COMPLETED, (ANNOTATION, COMPLETED), id="state"),
        pytest.param(VALIDATION, None, (VALIDATION, NEW), id="stage-begins-anew"),
        pytest.param(VALIDATION, COMPLETED, (VALIDATION, COMPLETED), id="both"),
        pytest.param(ANNOTATION, None, (ANNOTATION, IN_PROGRESS), id="same-stage-keeps-state"),
        pytest.param(ACCEPTANCE, COMPLETED, (ACCEPTANCE, COMPLETED), id="finish"),
    ],
)
def test_a_new_stage_begins_as_new(stage, state, expected):
    changed = Progress(ANNOTATION, IN_PROGRESS).changed(stage=stage, state=state)
    assert (changed.stage, changed.state) == expected


def test_jobs_are_counted_by_what_is_left():
    jobs = [Progress(), Progress(VALIDATION, COMPLETED), Progress(ACCEPTANCE, NEW), Progress(ACCEPTANCE, COMPLETED)]
    assert count_jobs(jobs) == JobCounts(count=4, completed=1, validation=1)
    assert count_jobs([]) == JobCounts()


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], Status.ANNOTATION),
        ([Status.COMPLETED], Status.COMPLETED),
        ([Status.COMPLETED, Status.VALIDATION], Status.VALIDATION),
        ([Status.VALIDATION, Status.ANNOTATION, Status.COMPLETED], Status.ANNOTATION),
    ],
)
def test_the_part_furthest_behind_decides_for_all(parts, expected):
    for order in itertools.permutations(parts):
        assert combined_status(order) is expected


def test_replicas_have_an_older_name():
    assert read_type("consensus_replica") is JobType.REPLICA
    assert read_type("ground_truth") is JobType.GROUND_TRUTH
    with pytest.raises(ValueError, match="other"):
        read_type("other")


@pytest.mark.parametrize(
    ("type_", "in_pool", "allowed"),
    [
        (JobType.GROUND_TRUTH, False, True),
        (JobType.GROUND_TRUTH, True, False),
        (JobType.ANNOTATION, False, False),
        (JobType.REPLICA, False, False),
    ],
)
def test_only_ground_truth_in_no_use_is_deleted(type_, in_pool, allowed):
    if allowed:
        check_deletion(type_, is_in_pool_task=in_pool)
    else:
        with pytest.raises(Invalid):
            check_deletion(type_, is_in_pool_task=in_pool)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        pytest.param([], "cannot be empty", id="none"),
        pytest.param([1, 2, 1], "must not repeat: 1.", id="twice"),
        pytest.param([0, 10], "no such frames: 10.", id="beyond"),
        pytest.param([-1], "no such frames: -1.", id="negative"),
        pytest.param(list(range(10, 30)), "…", id="many"),
    ],
)
def test_frames_picked_by_hand_lie_in_the_task_once(frames, words):
    with pytest.raises(Invalid) as caught:
        check_ground_truth_frames(frames, 10)
    assert words in str(caught.value.fields)


def test_frames_inside_the_task_are_fine():
    check_ground_truth_frames([9, 0, 4], 10)
