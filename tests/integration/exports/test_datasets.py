"""Datasets imported into projects, through the gateway and with the real catalog."""

import asyncio
import json
from typing import Any

import pytest

from limner_clients.catalog_orders import CatalogOrders
from limner_exports.formats import FORMATS
from tests.integration.exports.depot import members, zipped
from tests.integration.exports.town import Town
from tests.integration.media.studio import encoded
from tests.support.pictures import picture

CAR = {"name": "car", "attributes": []}


def coco(subsets: dict[str, int], *, label: str = "car", broken: str = "") -> bytes:
    """A dataset of pictures with one box each."""
    files: dict[str, bytes] = {}
    for subset, count in subsets.items():
        names = [f"{subset}_{number}.png" for number in range(count)]
        images = [{"id": i + 1, "file_name": name, "width": 64, "height": 48} for i, name in enumerate(names)]
        boxes = [
            {
                "id": image["id"],
                "image_id": image["id"],
                "category_id": 1,
                "bbox": [1, 2, 10, 12],
                "area": 120,
                "iscrowd": 0,
                "segmentation": [],
                "attributes": {"speed": 5},
            }
            for image in images
        ]
        document = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": label}]}
        files[f"annotations/instances_{subset}.json"] = json.dumps(document).encode()
        for number, name in enumerate(names):
            data = b"broken" if name == broken else encoded(picture(number))
            files[f"images/{subset}/{name}"] = data
    return zipped(files)


async def test_a_dataset_becomes_a_task_for_each_subset(town: Town) -> None:
    project_id = await town.project([CAR])
    ended = await town.send_dataset(project_id, "COCO 1.0", coco({"train": 3, "val": 2}))
    assert (ended["status"], ended["operation"]["type"]) == ("finished", "import:dataset"), ended
    tasks = await town.tasks(project_id)
    assert [(task["name"], task["subset"], task["size"]) for task in tasks] == [("train", "train", 3), ("val", "val", 2)]
    for task in tasks:
        found = await town.call("GET", f"/api/tasks/{task['id']}/annotations")
        assert [shape["points"] for shape in found["shapes"]] == [[1.0, 2.0, 11.0, 14.0]] * task["size"]
    label = (await town.labels(project_id))[0]
    assert [(spec["name"], spec["input_type"]) for spec in label["attributes"]] == [("speed", "number")]
    exported = members(await town.export(f"/api/projects/{project_id}", "CVAT for images 1.1", save_images=True))
    assert sum(name.endswith(".png") for name in exported) == 5


async def test_a_project_without_labels_gets_those_of_the_dataset(town: Town) -> None:
    project_id = await town.project()
    ended = await town.send_dataset(project_id, "COCO 1.0", coco({"default": 1}, label="zeppelin"))
    assert ended["status"] == "finished", ended
    assert [label["name"] for label in await town.labels(project_id)] == ["zeppelin"]


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (coco({"train": 1}, label="zeppelin"), "zeppelin"),
        (coco({"train": 2, "val": 2}, broken="val_1.png"), "val_1.png"),
        (b'{"images": []}', "pictures"),
        (b"this is no archive", "dataset.zip"),
    ],
    ids=["label", "picture", "bare", "no-archive"],
)
async def test_a_wrong_dataset_is_named_and_leaves_no_tasks(town: Town, data: bytes, named: str) -> None:
    project_id = await town.project([CAR])
    ended = await town.send_dataset(project_id, "COCO 1.0", data)
    assert (ended["status"], named in ended["message"]) == ("failed", True), ended
    assert await town.tasks(project_id) == []


async def test_a_dataset_import_goes_on_where_it_was_interrupted(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    project_id = await town.project([CAR])
    put_task = CatalogOrders.put_task
    calls: list[int] = []

    async def put_and_fail(self: CatalogOrders, task_id: int, **values: Any) -> None:
        await put_task(self, task_id, **values)
        calls.append(task_id)
        if len(calls) == 2:
            raise RuntimeError("the process dies after the task was made")

    monkeypatch.setattr(CatalogOrders, "put_task", put_and_fail)
    ended = await town.send_dataset(project_id, "COCO 1.0", coco({"train": 1, "val": 1}))
    assert ended["status"] == "finished", ended
    assert len(await town.tasks(project_id)) == 2
    assert len(calls) == 4 and len(set(calls)) == 2


async def test_all_goes_through_the_gateway(town: Town) -> None:
    formats = await town.call("GET", "/api/server/annotation/formats")
    assert {"name", "ext", "version", "enabled", "dimension"} == set(formats["importers"][0])
    project_id = await town.project([CAR])
    await town.send_dataset(project_id, "COCO 1.0", coco({"train": 2}))
    task = (await town.tasks(project_id))[0]
    jobs = await town.call("GET", "/api/jobs", params={"task_id": task["id"]})
    job_id = jobs["results"][0]["id"]
    archive = await town.export(f"/api/jobs/{job_id}", "CVAT for images 1.1")
    for path in (f"/api/tasks/{task['id']}", f"/api/jobs/{job_id}"):
        accepted = await town.call(
            "POST",
            f"{path}/annotations/",
            status=202,
            params={"format": "CVAT 1.1", "conv_mask_to_poly": "false"},
            files={"annotation_file": ("a.zip", archive, "application/zip")},
        )
        ended = await town.ended(accepted["rq_id"])
        assert (ended["status"], ended["operation"]["type"]) == ("finished", "import:annotations"), ended
        found = await town.call("GET", f"{path}/annotations")
        assert len(found["shapes"]) == 2


async def test_results_of_a_deleted_project_are_gone(town: Town) -> None:
    project_id = await town.project([CAR])
    await town.export(f"/api/projects/{project_id}", "COCO 1.0")
    await town.call("DELETE", f"/api/projects/{project_id}", status=204)
    cleaning = town.bench.container("exports").cleaning
    async with asyncio.timeout(60):
        while await cleaning.sweep() == 0:
            await asyncio.sleep(0.1)


async def test_a_dataset_of_each_format_is_taken(town: Town) -> None:
    source = await town.project([CAR])
    await town.send_dataset(source, "COCO 1.0", coco({"train": 2}))
    for spec in FORMATS:
        if not spec.export_ext:
            continue
        name = spec.display_name
        archive = await town.export(f"/api/projects/{source}", name, save_images=True)
        target = await town.project([CAR])
        ended = await town.send_dataset(target, "CVAT 1.1" if name.startswith("CVAT") else name, archive)
        assert ended["status"] == "finished", (name, ended)
        tasks = await town.tasks(target)
        assert [(task["subset"], task["size"]) for task in tasks] == [("train", 2)], name
        found = await town.call("GET", f"/api/tasks/{tasks[0]['id']}/annotations")
        objects = len(found["shapes"]) + len(found["tracks"])
        assert objects == (0 if "Segmentation" in name else 2), name
