"""Tasks of a project share one dataset."""

from limner_exports.formats import project_layout
from tests.unit.exports.builders import image_task


def test_tasks_of_a_subset_are_chained() -> None:
    tasks = [image_task(task_id=1, subset="a", size=3), image_task(task_id=2, subset="a", size=4)]
    tasks += [image_task(task_id=3, subset="b", size=2), image_task(task_id=4, subset="a", size=1)]
    places = project_layout(tasks)
    assert [(places[task.id].subset, places[task.id].offset) for task in tasks] == [("a", 0), ("a", 3), ("b", 0), ("a", 7)]


def test_tasks_without_subset_share_one_that_is_free() -> None:
    tasks = [image_task(task_id=1), image_task(task_id=2, subset="default"), image_task(task_id=3)]
    places = project_layout(tasks)
    assert [places[task.id].subset for task in tasks] == ["default_1", "default", "default_1"]
    assert project_layout(tasks[:1])[1].subset == "default"


def test_repeated_names_get_a_number() -> None:
    tasks = [image_task(task_id=1), image_task(task_id=2), image_task(task_id=3, subset="other")]
    places = project_layout(tasks)
    given = [(1, "d/a.x.jpg"), (1, "d/a.x_1.jpg"), (2, "d/a.x.jpg"), (2, "b.jpg"), (3, "b.jpg"), (2, "d/a.x.jpg")]
    names = [places[task_id].frame_name(name) for task_id, name in given]
    assert names == ["d/a.x.jpg", "d/a.x_1.jpg", "d/a.x_2.jpg", "b.jpg", "b.jpg", "d/a.x_3.jpg"]
