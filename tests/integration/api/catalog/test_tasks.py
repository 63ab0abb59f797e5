"""Making, changing, moving and deleting tasks."""

from typing import Any

import pytest

from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from tests.integration.api.catalog.conftest import Catalog, created

TOPIC = "limner.catalog.task.v1"


async def test_a_new_task_has_no_data_and_belongs_to_whoever_made_it(catalog: Catalog) -> None:
    task = await catalog.task("t", subset=" Train ", segment_size="5", bug_tracker="x", overlap=None)
    assert task["owner"]["username"] == "admin"
    assert (task["subset"], task["segment_size"], task["overlap"], task["mode"]) == ("Train", 5, None, "")
    assert (task["size"], task["status"], task["organization"]) == (0, "annotation", None)
    assert "data" not in task and "image_quality" not in task


async def test_an_empty_list_of_labels_is_the_same_as_none(catalog: Catalog) -> None:
    project = await catalog.project()
    task = await created(catalog.client, "/api/tasks", {"name": "t", "labels": [], "project_id": project["id"]})
    assert task["project_name"] == "p"
    assert await catalog.labels(task_id=task["id"]) == await catalog.labels(project_id=project["id"])


async def test_replicas_have_two_names(catalog: Catalog) -> None:
    task = await catalog.task(consensus_replicas=2)
    assert task["initial_replicas"] == 2
    jobs = await catalog.give_data(task["id"])
    answer = await catalog.client.get(f"/api/jobs?task_id={task['id']}&type=replica")
    assert [job["parent_job_id"] for job in answer.json()["results"]] == [jobs[0]] * 2
    assert (await catalog.client.get(f"/api/jobs/{jobs[0]}")).json()["replicas_count"] == 2


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"name": ["This field is required."]}),
        ({"name": " "}, {"name": ["This field may not be blank."]}),
        ({"name": "a\x00b"}, {"name": ["Null characters are not allowed."]}),
        ({"name": True}, {"name": ["Not a valid string."]}),
        ({"name": "t", "overlap": -1}, {"overlap": ["Ensure this value is greater than or equal to 0."]}),
        ({"name": "t", "segment_size": "many"}, {"segment_size": ["A valid integer is required."]}),
        ({"name": "t", "initial_replicas": 1}, {"initial_replicas": ["Must be 0 or between 2 and 11."]}),
        (
            {"name": "t", "assignee_id": 10**30},
            {"assignee_id": [f"Ensure this value is less than or equal to {2**63 - 1}."]},
        ),
        ({"name": "t", "assignee_id": 77}, {"assignee_id": ['Invalid pk "77" - object does not exist.']}),
        ({"name": "t", "project_id": 77}, ["Project matching query does not exist."]),
        ({"name": "t", "labels": [{"name": ""}]}, {"labels": [{"name": ["This field may not be blank."]}]}),
        ({"name": "t", "labels": [{"name": "a"}, {"name": "a"}]}, ["All label names must be unique"]),
        (
            {"name": "t", "source_storage": {"location": "cloud_storage", "cloud_storage_id": 7}},
            {"source_storage": {"cloud_storage_id": ['Invalid pk "7" - object does not exist.']}},
        ),
        (
            {"name": "t", "target_storage": {"location": "moon"}},
            {"target_storage": {"location": ['"moon" is not a valid choice.']}},
        ),
    ],
)
async def test_a_task_that_breaks_a_rule_is_refused_and_leaves_nothing(
    catalog: Catalog, body: dict[str, Any], errors: object
) -> None:
    answer = await catalog.client.post("/api/tasks", json=body)
    assert (answer.status_code, answer.json()) == (400, errors)
    assert (await catalog.client.get("/api/tasks")).json()["count"] == 0


async def test_numbers_are_texts_and_unknown_fields_are_passed_over(catalog: Catalog) -> None:
    task = await created(catalog.client, "/api/tasks", {"name": 5, "colour": "red", "target_storage": {"location": "local"}})
    assert task["name"] == "5"
    assert task["target_storage"] == {"location": "local", "cloud_storage_id": None}


async def test_a_patch_changes_what_is_sent_and_nothing_else(catalog: Catalog) -> None:
    task = await catalog.task(bug_tracker="b", subset="Train")
    user_id = await catalog.api.add_user("annie")
    answer = await catalog.client.patch(f"/api/tasks/{task['id']}", json={"name": "new", "assignee_id": user_id})
    changed = answer.json()
    assert (changed["name"], changed["assignee"]["username"]) == ("new", "annie")
    assert (changed["bug_tracker"], changed["subset"], changed["owner"]) == ("b", "Train", task["owner"])
    assert changed["assignee_updated_date"] is not None
    assert changed["updated_date"] > task["updated_date"]
    unassigned = (await catalog.client.patch(f"/api/tasks/{task['id']}", json={"assignee_id": None})).json()
    assert unassigned["assignee"] is None


async def test_every_change_is_recorded_with_its_author(catalog: Catalog) -> None:
    task = await catalog.task("first")
    await catalog.client.patch(f"/api/tasks/{task['id']}", json={"name": "second", "bug_tracker": "", "owner_id": 1})
    await catalog.client.patch(f"/api/tasks/{task['id']}", json={"labels": [{"name": "more"}]})
    jobs = await catalog.give_data(task["id"], size=4)
    await catalog.client.delete(f"/api/tasks/{task['id']}")
    facts = await catalog.recorded(TaskEvent, TOPIC)
    kinds = [fact.WhichOneof("fact") for fact in facts]
    assert kinds == ["created", "updated", "labels_changed", "jobs_created", "deleted"]
    assert list(facts[1].updated.changed_fields) == ["name"]
    assert list(facts[4].deleted.job_ids) == jobs
    assert {fact.meta.subject_username for fact in facts} == {"admin", ""}
    assert facts[3].meta.subject_username == ""


async def test_labels_of_a_task_change_with_it(catalog: Catalog) -> None:
    task = await catalog.task()
    labels = await catalog.labels(task_id=task["id"])
    body = {
        "labels": [
            {"id": labels["cat"]["id"], "name": "lion"},
            {"name": "bird"},
            {"id": labels["dog"]["id"], "deleted": True},
        ]
    }
    answer = await catalog.client.patch(f"/api/tasks/{task['id']}", json=body)
    assert answer.status_code == 200
    after = await catalog.labels(task_id=task["id"])
    assert set(after) == {"lion", "bird"} and after["lion"]["id"] == labels["cat"]["id"]
    (fact,) = [fact for fact in await catalog.recorded(TaskEvent, TOPIC) if fact.WhichOneof("fact") == "labels_changed"]
    assert list(fact.labels_changed.deleted_label_ids) == [labels["dog"]["id"]]


async def test_labels_of_a_project_do_not_change_through_its_tasks(catalog: Catalog) -> None:
    project = await catalog.project()
    task = await catalog.task(project_id=project["id"])
    answer = await catalog.client.patch(f"/api/tasks/{task['id']}", json={"labels": [{"name": "x"}]})
    assert (answer.status_code, list(answer.json())) == (400, ["labels"])


class TestMoving:
    async def test_a_task_takes_the_labels_of_its_new_project(self, catalog: Catalog) -> None:
        project = await catalog.project()
        task, _jobs = await catalog.task_with_data()
        mine, theirs = await catalog.labels(task_id=task["id"]), await catalog.labels(project_id=project["id"])
        answer = await catalog.client.patch(f"/api/tasks/{task['id']}", json={"project_id": project["id"]})
        assert (answer.status_code, answer.json()["project_id"]) == (200, project["id"])
        assert await catalog.labels(task_id=task["id"]) == theirs
        (fact,) = [f for f in await catalog.recorded(TaskEvent, TOPIC) if f.WhichOneof("fact") == "labels_mapped"]
        assert dict(fact.labels_mapped.label_ids) == {mine[name]["id"]: theirs[name]["id"] for name in mine}

    async def test_from_project_to_project(self, catalog: Catalog) -> None:
        first, second = await catalog.project("a"), await catalog.project("b")
        task = await catalog.task(project_id=first["id"])
        assert (await catalog.client.patch(f"/api/tasks/{task['id']}", json={"project_id": second["id"]})).status_code == 200
        assert set(await catalog.labels(project_id=first["id"])) == {"cat", "dog"}
        counts = {p["name"]: p["tasks"]["count"] for p in (await catalog.client.get("/api/projects")).json()["results"]}
        assert counts == {"a": 0, "b": 1}

    async def test_a_label_without_counterpart_keeps_it_where_it_is(self, catalog: Catalog) -> None:
        project = await catalog.project()
        task = await catalog.task(labels=[{"name": "zebra"}])
        answer = await catalog.client.patch(f"/api/tasks/{task['id']}", json={"project_id": project["id"]})
        message = "All task or project label names must be mapped to the target project"
        assert (answer.status_code, answer.json()) == (400, {"non_field_errors": [message]})
        assert set(await catalog.labels(task_id=task["id"])) == {"zebra"}

    async def test_never_out_of_its_project(self, catalog: Catalog) -> None:
        project = await catalog.project()
        task = await catalog.task(project_id=project["id"])
        answer = await catalog.client.patch(f"/api/tasks/{task['id']}", json={"project_id": None})
        assert (answer.status_code, list(answer.json())) == (400, ["project_id"])

    async def test_not_into_a_foreign_project(self, catalog: Catalog) -> None:
        project = await catalog.project()
        odile = await catalog.api.user("odile")
        task = await catalog.task(client=odile)
        answer = await odile.patch(f"/api/tasks/{task['id']}", json={"project_id": project["id"]})
        assert answer.status_code == 403

    async def test_dimensions_do_not_mix(self, catalog: Catalog) -> None:
        project = await catalog.project()
        inside = await catalog.task(project_id=project["id"])
        await catalog.give_data(inside["id"], dimension="3d")
        task, _jobs = await catalog.task_with_data()
        answer = await catalog.client.patch(f"/api/tasks/{task['id']}", json={"project_id": project["id"]})
        assert (answer.status_code, list(answer.json())) == (400, ["project_id"])


class TestTransfer:
    async def test_an_owner_takes_his_task_into_his_organization(self, catalog: Catalog) -> None:
        annie = await catalog.api.user("annie")
        organization = await created(annie, "/api/organizations", {"slug": "lab"})
        task = await catalog.task(client=annie)
        answer = await annie.patch(f"/api/tasks/{task['id']}", json={"organization_id": organization["id"]})
        assert (answer.status_code, answer.json()["organization_id"]) == (200, organization["id"])
        back = await annie.patch(f"/api/tasks/{task['id']}", json={"organization_id": None})
        assert (back.status_code, back.json()["organization"]) == (200, None)

    async def test_not_into_a_foreign_one_nor_one_that_is_not_there(self, catalog: Catalog) -> None:
        annie = await catalog.api.user("annie")
        organization = await created(catalog.client, "/api/organizations", {"slug": "lab"})
        task = await catalog.task(client=annie)
        foreign = await annie.patch(f"/api/tasks/{task['id']}", json={"organization_id": organization["id"]})
        assert foreign.status_code == 403
        unknown = await catalog.client.patch(f"/api/tasks/{task['id']}", json={"organization_id": 99})
        assert (unknown.status_code, list(unknown.json())) == (400, ["organization_id"])

    async def test_a_task_in_a_project_goes_with_it(self, catalog: Catalog) -> None:
        organization = await created(catalog.client, "/api/organizations", {"slug": "lab"})
        project = await catalog.project()
        task = await catalog.task(project_id=project["id"])
        alone = await catalog.client.patch(f"/api/tasks/{task['id']}", json={"organization_id": organization["id"]})
        assert (alone.status_code, list(alone.json())) == (400, ["organization_id"])
        await catalog.client.patch(f"/api/projects/{project['id']}", json={"organization_id": organization["id"]})
        assert (await catalog.client.get(f"/api/tasks/{task['id']}")).json()["organization"] == organization["id"]

    async def test_a_new_task_lies_where_its_project_does(self, catalog: Catalog) -> None:
        organization = await created(catalog.client, "/api/organizations", {"slug": "lab"})
        project = await created(catalog.client, "/api/projects?org=lab", {"name": "p"})
        assert (await catalog.task(project_id=project["id"]))["organization"] == organization["id"]
        elsewhere = await catalog.client.post("/api/tasks?org=", json={"name": "t", "project_id": project["id"]})
        assert (elsewhere.status_code, list(elsewhere.json())) == (400, ["project_id"])


async def test_fields_are_authorized_one_by_one(catalog: Catalog) -> None:
    annie_id = await catalog.api.add_user("annie", groups=["worker"])
    annie = await catalog.api.client("annie")
    task = await catalog.task(assignee_id=annie_id)
    path = f"/api/tasks/{task['id']}"
    assert (await annie.patch(path, json={"name": "by assignee"})).status_code == 200
    for field in ("owner_id", "assignee_id", "project_id", "organization_id"):
        assert (await annie.patch(path, json={"name": "again", field: None})).status_code == 403, field
    assert (await annie.delete(path)).status_code == 403
    assert (await annie.get(path)).json()["name"] == "by assignee"


async def test_facts_get_a_new_version_with_every_change(catalog: Catalog) -> None:
    project = await catalog.project()
    task = await catalog.task(project_id=project["id"])
    internal = catalog.api.bench.internal_client("api")
    versions = [(await internal.get(f"/internal/tasks/{task['id']}")).json()["version"]]
    labels = await catalog.labels(project_id=project["id"])
    await catalog.client.patch(f"/api/tasks/{task['id']}", json={"name": "n"})
    versions.append((await internal.get(f"/internal/tasks/{task['id']}")).json()["version"])
    await catalog.client.patch(f"/api/labels/{labels['cat']['id']}", json={"name": "lion"})
    answer = (await internal.get(f"/internal/tasks/{task['id']}")).json()
    versions.append(answer["version"])
    assert len(set(versions)) == 3
    assert [label["name"] for label in answer["labels"]] == ["lion", "dog"]
    await internal.aclose()
