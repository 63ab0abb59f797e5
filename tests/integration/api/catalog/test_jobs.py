"""Assigning jobs, their progress, and what follows for tasks and projects."""

import asyncio

import pytest

from limner_contracts.catalog.v1.job_event_pb2 import JobEvent
from tests.integration.api.catalog.conftest import Catalog

DONE = {"stage": "acceptance", "state": "completed"}


async def statuses(catalog: Catalog, task_id: int, project_id: int) -> tuple[str, str]:
    task = (await catalog.client.get(f"/api/tasks/{task_id}")).json()
    project = (await catalog.client.get(f"/api/projects/{project_id}")).json()
    return task["status"], project["status"]


async def test_statuses_of_task_and_project_follow_their_jobs(catalog: Catalog) -> None:
    project = await catalog.project()
    task, jobs = await catalog.task_with_data(project_id=project["id"], segment_size=5)
    ids = task["id"], project["id"]
    first = (await catalog.client.patch(f"/api/jobs/{jobs[0]}", json=DONE)).json()
    assert (first["status"], await statuses(catalog, *ids)) == ("completed", ("annotation", "annotation"))
    await catalog.client.patch(f"/api/jobs/{jobs[1]}", json={"stage": "validation"})
    assert await statuses(catalog, *ids) == ("validation", "validation")
    await catalog.client.patch(f"/api/jobs/{jobs[1]}", json=DONE)
    assert await statuses(catalog, *ids) == ("completed", "completed")
    counts = (await catalog.client.get(f"/api/tasks/{task['id']}")).json()["jobs"]
    assert (counts["count"], counts["completed"], counts["validation"]) == (2, 2, 0)
    more = await catalog.task(project_id=project["id"])
    assert (await statuses(catalog, *ids))[1] == "annotation"
    await catalog.client.delete(f"/api/tasks/{more['id']}")
    assert (await statuses(catalog, *ids))[1] == "completed"


async def test_a_new_stage_begins_as_new(catalog: Catalog) -> None:
    _task, jobs = await catalog.task_with_data()
    path = f"/api/jobs/{jobs[0]}"
    await catalog.client.patch(path, json={"state": "completed"})
    job = (await catalog.client.patch(path, json={"stage": "validation"})).json()
    assert (job["stage"], job["state"], job["status"]) == ("validation", "new", "validation")
    same = (await catalog.client.patch(path, json={"stage": "validation", "state": "rejected"})).json()
    assert same["state"] == "rejected"
    assert (await catalog.client.patch(path, json={"stage": "validation"})).json()["state"] == "rejected"


async def test_changes_of_jobs_are_recorded(catalog: Catalog) -> None:
    _task, jobs = await catalog.task_with_data()
    path = f"/api/jobs/{jobs[0]}"
    await catalog.client.patch(path, json={"assignee": 1, "state": "in progress"})
    await catalog.client.patch(path, json={"assignee": 1, "state": "in progress"})
    await catalog.client.patch(path, json={})
    (fact,) = await catalog.recorded(JobEvent, "limner.catalog.job.v1")
    assert list(fact.updated.changed_fields) == ["assignee", "state"]
    assert (fact.updated.stage, fact.updated.state, fact.updated.assignee_id) == ("annotation", "in progress", 1)
    assert fact.meta.subject_user_id == 1


async def test_an_assignee_moves_the_state_only(catalog: Catalog) -> None:
    user_id = await catalog.api.add_user("annie", groups=["worker"])
    annie = await catalog.api.client("annie")
    _task, jobs = await catalog.task_with_data()
    path = f"/api/jobs/{jobs[0]}"
    assert (await annie.patch(path, json={"state": "completed"})).status_code == 403
    assigned = (await catalog.client.patch(path, json={"assignee": user_id})).json()
    assert assigned["assignee"]["username"] == "annie" and assigned["assignee_updated_date"]
    assert (await annie.patch(path, json={"state": "completed"})).json()["state"] == "completed"
    assert (await annie.patch(path, json={"stage": "acceptance"})).status_code == 403
    assert (await annie.patch(path, json={"state": "new", "assignee": None})).status_code == 403
    assert (await annie.get(path)).json()["state"] == "completed"
    assert (await annie.delete(path)).status_code == 403


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"state": "sleeping"}, {"state": ['"sleeping" is not a valid choice.']}),
        ({"stage": "end"}, {"stage": ['"end" is not a valid choice.']}),
        ({"assignee": 99}, {"assignee": ['Invalid pk "99" - object does not exist.']}),
        ({"assignee": "annie"}, {"assignee": ["A valid integer is required."]}),
    ],
)
async def test_wrong_changes_of_jobs(catalog: Catalog, body: dict[str, object], errors: object) -> None:
    _task, jobs = await catalog.task_with_data()
    answer = await catalog.client.patch(f"/api/jobs/{jobs[0]}", json=body)
    assert (answer.status_code, answer.json()) == (400, errors)


async def test_only_ground_truth_jobs_come_and_go_by_themselves(catalog: Catalog) -> None:
    task, jobs = await catalog.task_with_data()
    answer = await catalog.client.delete(f"/api/jobs/{jobs[0]}")
    assert (answer.status_code, answer.json()) == (400, ["Only ground truth jobs can be removed"])
    for kind in ("annotation", "ground_truth", "consensus_replica"):
        refused = await catalog.client.post("/api/jobs", json={"type": kind, "task_id": task["id"]})
        assert (refused.status_code, list(refused.json())) == (400, ["type"])
    unknown = await catalog.client.post("/api/jobs", json={"type": "ground_truth", "task_id": 99})
    assert unknown.status_code == 404


async def test_changes_at_the_same_time_end_in_the_right_status(catalog: Catalog) -> None:
    project = await catalog.project()
    task, jobs = await catalog.task_with_data(project_id=project["id"], segment_size=2)
    async with asyncio.TaskGroup() as group:
        patches = [group.create_task(catalog.client.patch(f"/api/jobs/{job}", json=DONE)) for job in jobs]
    assert [patch.result().status_code for patch in patches] == [200] * 5
    assert await statuses(catalog, task["id"], project["id"]) == ("completed", "completed")


async def test_an_assignee_that_is_deleted_leaves_his_job(catalog: Catalog) -> None:
    user_id = await catalog.api.add_user("annie")
    task, jobs = await catalog.task_with_data(assignee_id=user_id)
    await catalog.client.patch(f"/api/jobs/{jobs[0]}", json={"assignee": user_id})
    assert (await catalog.client.delete(f"/api/users/{user_id}")).status_code == 204
    assert (await catalog.client.get(f"/api/jobs/{jobs[0]}")).json()["assignee"] is None
    assert (await catalog.client.get(f"/api/tasks/{task['id']}")).json()["assignee"] is None
