import pytest

from limner_api.tasks.rules import (
    Location,
    ReplicaLimits,
    Storage,
    check_labels_editable,
    check_labels_or_project,
    check_move,
    check_replicas,
    check_same_organization,
    check_storage,
    check_subset,
)
from limner_common.errors import Invalid


@pytest.mark.parametrize(
    ("labels", "project_id", "expected"),
    [
        pytest.param(["a"], None, ("a",), id="labels"),
        pytest.param([], 1, (), id="project-and-empty-labels"),
        pytest.param(None, 1, (), id="project"),
        pytest.param([], None, (), id="neither"),
    ],
)
def test_labels_or_a_project_or_neither(labels, project_id, expected):
    assert check_labels_or_project(labels, project_id) == expected


def test_labels_and_a_project_are_refused():
    with pytest.raises(Invalid, match=r"^Project must have only one of Label set or project_id$"):
        check_labels_or_project(["a"], 1)


def test_a_task_is_where_its_project_is():
    check_same_organization(None, None)
    check_same_organization(3, 3)
    for project, context in ((3, None), (None, 3), (3, 4)):
        with pytest.raises(Invalid):
            check_same_organization(project, context)


@pytest.mark.parametrize(
    ("initial", "deprecated", "expected"),
    [(None, None, 0), (0, None, 0), (2, None, 2), (11, None, 11), (None, 3, 3), (4, 4, 4), (0, 0, 0)],
)
def test_replicas_have_two_names(initial, deprecated, expected):
    assert check_replicas(initial, deprecated) == expected


@pytest.mark.parametrize(
    ("initial", "deprecated", "field"),
    [
        (1, None, "initial_replicas"),
        (12, None, "initial_replicas"),
        (-1, None, "initial_replicas"),
        (None, 1, "consensus_replicas"),
        (2, 3, "consensus_replicas"),
        (0, 3, "consensus_replicas"),
    ],
)
def test_replicas_are_none_or_a_few(initial, deprecated, field):
    with pytest.raises(Invalid) as caught:
        check_replicas(initial, deprecated)
    assert list(caught.value.fields or ()) == [field]


def test_the_limits_of_replicas_are_a_setting():
    assert check_replicas(12, None, ReplicaLimits(at_most=20)) == 12


@pytest.mark.parametrize(
    ("given", "expected"), [(None, ""), ("", ""), (" Train ", "Train"), ("día 1", "día 1"), ("a.b", "a.b")]
)
def test_a_subset_has_any_name_a_folder_can_have(given, expected):
    assert check_subset(given) == expected


@pytest.mark.parametrize("given", ["a/b", "..", ".", "a\\b", "x" * 65, "a\nb", "a\x00", "c:"])
def test_other_names_of_subsets_are_refused(given):
    with pytest.raises(Invalid) as caught:
        check_subset(given)
    assert list(caught.value.fields or ()) == ["subset"]


def test_a_cloud_storage_is_named():
    assert check_storage("source_storage", Location.LOCAL, 5) == Storage(Location.LOCAL)
    assert check_storage("source_storage", Location.CLOUD_STORAGE, 5) == Storage(Location.CLOUD_STORAGE, 5)
    with pytest.raises(Invalid) as caught:
        check_storage("source_storage", Location.CLOUD_STORAGE, None)
    assert list(caught.value.fields or ()) == ["source_storage"]


@pytest.mark.parametrize(
    ("origin", "goal", "dimension", "project_dimension", "moves"),
    [
        pytest.param(None, 1, "2d", "2d", True, id="into"),
        pytest.param(1, 2, "2d", None, True, id="to-another"),
        pytest.param(None, 1, None, "3d", True, id="without-data"),
        pytest.param(1, 1, "2d", "3d", False, id="stays"),
        pytest.param(None, None, "2d", None, False, id="stays-outside"),
    ],
)
def test_a_task_moves_between_projects(origin, goal, dimension, project_dimension, moves):
    found = check_move(from_project_id=origin, to_project_id=goal, dimension=dimension, project_dimension=project_dimension)
    assert found is moves


@pytest.mark.parametrize(
    ("origin", "goal", "dimension", "project_dimension"),
    [pytest.param(1, None, "2d", None, id="out"), pytest.param(None, 1, "2d", "3d", id="mixing")],
)
def test_moves_that_lose_labels_or_mix_dimensions_are_refused(origin, goal, dimension, project_dimension):
    with pytest.raises(Invalid) as caught:
        check_move(from_project_id=origin, to_project_id=goal, dimension=dimension, project_dimension=project_dimension)
    assert list(caught.value.fields or ()) == ["project_id"]


def test_labels_of_a_project_change_through_the_project():
    assert check_labels_editable(["a"], None) == ("a",)
    assert check_labels_editable([], 1) == ()
    with pytest.raises(Invalid) as caught:
        check_labels_editable(["a"], 1)
    assert list(caught.value.fields or ()) == ["labels"]
