"""Exports: every format of a task, job and project, sameness, reuse, files left behind."""

import pytest

from limner_exports.formats import FORMATS
from limner_model.annotations import LabeledData
from tests.integration.exports.depot import Depot, box, members, polygon, tag, track

EXPORTED = [spec.display_name for spec in FORMATS if spec.export_ext]
DATA = LabeledData(tags=[tag(1)], shapes=[box(0), box(1, 20.0), polygon(1), box(3, 7.5)], tracks=[track(0, 2)])


@pytest.mark.parametrize("format_name", EXPORTED)
async def test_a_task_is_exported_with_its_pictures(depot: Depot, format_name: str) -> None:
    task = await depot.image_task()
    await depot.annotate(task.id, DATA)
    answer = await depot.export("task", task.id, format_name, save_images=True)
    found = members(answer.content)
    pictures = [name for name in found if name.endswith(".png") and "image_" in name and "Segmentation" not in name]
    assert len(pictures) == 4
    assert depot.scratch() == []
