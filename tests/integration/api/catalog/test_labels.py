"""Labels by their own address, and what is stored of them."""

from typing import Any

from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent
from tests.integration.api.catalog.conftest import Catalog

_NODE = '<circle cx="{0}" cy="{0}" r="1" data-type="element node" data-node-id="{0}" data-label-name="{1}"></circle>'
SKELETON = {
    "name": "hand",
    "type": "skeleton",
    "sublabels": [
        {"name": "wrist", "attributes": [{"name": "bent", "mutable": True, "input_type": "checkbox"}]},
        {"name": "thumb"},
    ],
    "svg": '<line x1="1" y1="1" x2="9" y2="9" data-type="edge" data-node-from="1" data-node-to="9"></line>'
    + _NODE.format(1, "wrist")
    + _NODE.format(9, "thumb"),
}
NUMBER = {"name": "age", "mutable": True, "input_type": "number", "values": ["0", "20", "1"], "default_value": "3"}


async def test_names_are_swapped_in_one_patch(catalog: Catalog) -> None:
    project = await catalog.project()
    before = await catalog.labels(project_id=project["id"])
    cat, dog = before["cat"]["id"], before["dog"]["id"]
    body = {"labels": [{"id": cat, "name": "dog"}, {"id": dog, "name": "cat"}]}
    answer = await catalog.client.patch(f"/api/projects/{project['id']}", json=body)
    assert answer.status_code == 200
    after = await catalog.labels(project_id=project["id"])
    assert (after["dog"]["id"], after["cat"]["id"]) == (cat, dog)
    assert after["cat"]["type"] == "polygon"


async def test_names_of_attributes_are_swapped_in_one_patch(catalog: Catalog) -> None:
    other = {"name": "size", "mutable": False, "input_type": "text", "values": [""]}
    task = await catalog.task(labels=[{"name": "cat", "attributes": [NUMBER, other]}])
    label = (await catalog.labels(task_id=task["id"]))["cat"]
    age, size = (attribute["id"] for attribute in label["attributes"])
    body = {"attributes": [{"id": age, "name": "size"}, {"id": size, "name": "age"}]}
    answer = await catalog.client.patch(f"/api/labels/{label['id']}", json=body)
    assert [(a["id"], a["name"], a["input_type"]) for a in answer.json()["attributes"]] == [
        (age, "size", "number"),
        (size, "age", "text"),
    ]


async def test_a_label_is_changed_where_others_stay(catalog: Catalog) -> None:
    task = await catalog.task(labels=[{"name": "cat", "attributes": [NUMBER]}, {"name": "dog"}])
    label = (await catalog.labels(task_id=task["id"]))["cat"]
    attribute = label["attributes"][0]["id"]
    more = {"name": "tame", "mutable": False, "input_type": "checkbox", "values": ["true"]}
    body = {"id": 7, "name": "lion", "color": "#010203", "attributes": [{"id": attribute, "deleted": True}, more]}
    answer = await catalog.client.patch(f"/api/labels/{label['id']}", json=body)
    changed = answer.json()
    assert (changed["id"], changed["name"], changed["color"]) == (label["id"], "lion", "#010203")
    assert [(a["name"], a["default_value"]) for a in changed["attributes"]] == [("tame", "true")]
    assert set(await catalog.labels(task_id=task["id"])) == {"lion", "dog"}


async def test_a_skeleton_refers_to_its_points_by_id(catalog: Catalog) -> None:
    task = await catalog.task(labels=[SKELETON, {"name": "wrist"}])
    labels = await catalog.labels(task_id=task["id"])
    hand = labels["hand"]
    points = {point["name"]: point for point in hand["sublabels"]}
    assert list(labels) == ["hand", "wrist"] and list(points) == ["wrist", "thumb"]
    assert all(f'data-label-id="{point["id"]}"' in hand["svg"] for point in points.values())
    assert "data-label-name" not in hand["svg"] and "svg" not in labels["wrist"]
    assert points["wrist"]["attributes"][0]["default_value"] == "false"
    assert points["wrist"]["has_parent"] is True and hand["has_parent"] is False
    point = (await catalog.client.get(f"/api/labels/{points['thumb']['id']}")).json()
    assert (point["parent_id"], point["has_parent"], point["task_id"]) == (hand["id"], True, task["id"])


async def test_points_of_a_skeleton_are_changed_through_it(catalog: Catalog) -> None:
    task = await catalog.task(labels=[SKELETON])
    hand = (await catalog.labels(task_id=task["id"]))["hand"]
    wrist, thumb = (point["id"] for point in hand["sublabels"])
    for method, done in (("PATCH", "modified"), ("DELETE", "deleted")):
        answer = await catalog.client.request(method, f"/api/labels/{wrist}", json={"name": "q"})
        assert answer.status_code == 400 and f"Sublabels cannot be {done}" in answer.json()[0]
    body = {"sublabels": [{"id": wrist, "name": "thumb"}, {"id": thumb, "name": "wrist"}]}
    changed = (await catalog.client.patch(f"/api/labels/{hand['id']}", json=body)).json()
    assert [(point["id"], point["name"]) for point in changed["sublabels"]] == [(wrist, "thumb"), (thumb, "wrist")]
    assert changed["svg"] == hand["svg"]


async def test_deleting_a_skeleton_tells_of_its_points_too(catalog: Catalog) -> None:
    project = await catalog.project(labels=[SKELETON, {"name": "stays"}])
    hand = (await catalog.labels(project_id=project["id"]))["hand"]
    assert (await catalog.client.delete(f"/api/labels/{hand['id']}")).status_code == 204
    assert set(await catalog.labels(project_id=project["id"])) == {"stays"}
    facts = await catalog.recorded(ProjectEvent, "limner.catalog.project.v1")
    assert [fact.WhichOneof("fact") for fact in facts] == ["created", "labels_changed"]
    ids = [hand["id"], *(point["id"] for point in hand["sublabels"])]
    assert list(facts[1].labels_changed.deleted_label_ids) == ids
    assert facts[1].meta.subject_username == "admin"
    assert (await catalog.client.delete(f"/api/labels/{hand['id']}")).status_code == 404


async def test_labels_are_listed_through_what_uses_them(catalog: Catalog) -> None:
    project = await catalog.project()
    _task, jobs = await catalog.task_with_data(project_id=project["id"])
    await catalog.task(labels=[SKELETON])
    assert await catalog.labels(job_id=jobs[0]) == await catalog.labels(project_id=project["id"])
    everything = (await catalog.client.get("/api/labels?sort=name")).json()
    assert [label["name"] for label in everything["results"]] == ["cat", "dog", "hand"]
    found = (await catalog.client.get("/api/labels?search=AND&type=skeleton")).json()
    assert [label["name"] for label in found["results"]] == ["hand"]
    page = (await catalog.client.get(f"/api/labels?project_id={project['id']}&page=2&page_size=1")).json()
    assert (page["count"], page["results"][0]["name"]) == (2, "dog")


async def test_wrong_questions_for_labels(catalog: Catalog) -> None:
    async def ask(query: str) -> tuple[int, Any]:
        answer = await catalog.client.get(f"/api/labels?{query}")
        return answer.status_code, answer.json()

    assert await ask("task_id=1&job_id=1") == (400, ["job_id, task_id and project_id parameters cannot be used together"])
    assert await ask("task_id=x") == (400, {"task_id": ["Enter a number."]})
    assert await ask("task_id=99") == (404, {"detail": "Not found."})


async def test_an_assignee_of_a_job_sees_its_labels_and_changes_none(catalog: Catalog) -> None:
    user_id = await catalog.api.add_user("willy", groups=["worker"])
    willy = await catalog.api.client("willy")
    task, jobs = await catalog.task_with_data()
    assert (await willy.get(f"/api/labels?job_id={jobs[0]}")).status_code == 403
    await catalog.client.patch(f"/api/jobs/{jobs[0]}", json={"assignee": user_id})
    listed = (await willy.get(f"/api/labels?job_id={jobs[0]}&org=")).json()["results"]
    assert [label["name"] for label in listed] == ["cat", "dog"]
    assert (await willy.get(f"/api/labels?task_id={task['id']}")).status_code == 403
    assert (await willy.get("/api/labels")).json()["count"] == 0
    assert (await willy.patch(f"/api/labels/{listed[0]['id']}", json={"name": "x"})).status_code == 403
