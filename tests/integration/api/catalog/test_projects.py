"""Making, changing and deleting projects, and what goes with organizations."""

import pytest

from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent
from tests.integration.api.catalog.conftest import Catalog, created


async def test_a_new_project_is_empty(catalog: Catalog) -> None:
    project = await catalog.project("p", source_storage={"location": "local"}, target_storage=None)
    assert (project["dimension"], project["task_subsets"], project["tasks"]["count"]) == (None, [], 0)
    assert project["source_storage"] == {"location": "local", "cloud_storage_id": None}
    assert (project["target_storage"], project["status"], project["owner"]["username"]) == (None, "annotation", "admin")


async def test_a_project_shows_what_its_tasks_are(catalog: Catalog) -> None:
    project = await catalog.project()
    for subset in ("Train", "Test", "Train", ""):
        task = await catalog.task(project_id=project["id"], subset=subset)
    await catalog.give_data(task["id"], dimension="3d")
    shown = (await catalog.client.get(f"/api/projects/{project['id']}")).json()
    assert (shown["dimension"], shown["task_subsets"], shown["tasks"]["count"]) == ("3d", ["Test", "Train"], 4)


async def test_a_patch_changes_what_is_sent_and_nothing_else(catalog: Catalog) -> None:
    project = await catalog.project(bug_tracker="b")
    user_id = await catalog.api.add_user("annie")
    path = f"/api/projects/{project['id']}"
    changed = (await catalog.client.patch(path, json={"name": "n", "assignee_id": user_id})).json()
    assert (changed["name"], changed["bug_tracker"], changed["assignee"]["username"]) == ("n", "b", "annie")
    facts = await catalog.recorded(ProjectEvent, "limner.catalog.project.v1")
    assert list(facts[1].updated.changed_fields) == ["assignee", "name"]


async def test_fields_are_authorized_one_by_one(catalog: Catalog) -> None:
    annie_id = await catalog.api.add_user("annie")
    annie = await catalog.api.client("annie")
    mine = await catalog.project(client=annie)
    assert (await annie.patch(f"/api/projects/{mine['id']}", json={"owner_id": 1})).status_code == 403
    assert (await annie.patch(f"/api/projects/{mine['id']}", json={"assignee_id": 1})).status_code == 200
    given = await catalog.project(assignee_id=annie_id)
    path = f"/api/projects/{given['id']}"
    assert (await annie.patch(path, json={"name": "n", "labels": [{"name": "new"}]})).status_code == 200
    for field in ("owner_id", "assignee_id", "organization_id"):
        assert (await annie.patch(path, json={field: None})).status_code == 403, field
    assert (await annie.delete(path)).status_code == 403


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"name": None}, {"name": ["This field may not be null."]}),
        ({"assignee_id": 99}, {"assignee_id": ['Invalid pk "99" - object does not exist.']}),
        ({"labels": "cat"}, {"labels": ["Expected a list of items."]}),
        ({"labels": [{"id": 99, "name": "x"}]}, {"detail": "Not found label with id #99 to change"}),
    ],
)
async def test_wrong_changes_change_nothing(catalog: Catalog, body: dict[str, object], errors: object) -> None:
    project = await catalog.project()
    answer = await catalog.client.patch(f"/api/projects/{project['id']}", json={"bug_tracker": "new", **body})
    assert (answer.status_code in (400, 404), answer.json()) == (True, errors)
    after = (await catalog.client.get(f"/api/projects/{project['id']}")).json()
    assert after == project


async def test_a_project_goes_with_its_tasks(catalog: Catalog) -> None:
    project = await catalog.project()
    task, jobs = await catalog.task_with_data(project_id=project["id"])
    assert (await catalog.client.delete(f"/api/projects/{project['id']}")).status_code == 204
    for path in (f"projects/{project['id']}", f"tasks/{task['id']}", f"jobs/{jobs[0]}"):
        assert (await catalog.client.get(f"/api/{path}")).status_code == 404
    tasks = await catalog.recorded(TaskEvent, "limner.catalog.task.v1")
    assert (tasks[-1].WhichOneof("fact"), list(tasks[-1].deleted.job_ids)) == ("deleted", jobs)
    projects = await catalog.recorded(ProjectEvent, "limner.catalog.project.v1")
    assert projects[-1].WhichOneof("fact") == "deleted"


async def test_an_organization_goes_with_its_projects_and_tasks(catalog: Catalog) -> None:
    organization = await created(catalog.client, "/api/organizations", {"slug": "lab"})
    project = await created(catalog.client, "/api/projects?org=lab", {"name": "p"})
    inside = await catalog.task("inside", project_id=project["id"])
    alone = await created(catalog.client, "/api/tasks?org=lab", {"name": "alone"})
    kept = await catalog.task("kept")
    assert (await catalog.client.delete(f"/api/organizations/{organization['id']}")).status_code == 204
    left = (await catalog.client.get("/api/tasks")).json()["results"]
    assert [task["id"] for task in left] == [kept["id"]]
    facts = await catalog.recorded(TaskEvent, "limner.catalog.task.v1")
    deleted = {fact.task_id for fact in facts if fact.WhichOneof("fact") == "deleted"}
    assert deleted == {inside["id"], alone["id"]}


async def test_a_project_without_data_has_no_preview(catalog: Catalog) -> None:
    project = await catalog.project()
    await catalog.task(project_id=project["id"])
    answer = await catalog.client.get(f"/api/projects/{project['id']}/preview")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Project image preview not found"})


async def test_the_preview_is_that_of_the_newest_task_with_data(catalog: Catalog) -> None:
    project = await catalog.project()
    tasks = [await catalog.task(project_id=project["id"]) for _ in range(3)]
    for task in tasks[:2]:
        await catalog.give_data(task["id"])
    media = MediaStub()
    catalog.api.container.resources.upstreams._apps["media"] = media
    answer = await catalog.client.get(f"/api/projects/{project['id']}/preview")
    assert (answer.status_code, answer.content) == (200, b"picture")
    (headers,) = media.seen[f"/api/tasks/{tasks[1]['id']}/preview"]
    assert b"x-limner-grant" in headers and b"cookie" not in headers


class MediaStub:
    """Answers every request with a picture and remembers what it was asked."""

    def __init__(self) -> None:
        self.seen: dict[str, list[set[bytes]]] = {}

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        self.seen.setdefault(scope["path"], []).append({key for key, _ in scope["headers"]})
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"image/jpeg")]})
        await send({"type": "http.response.body", "body": b"picture"})
