"""What is told of annotations moves the dates of job, task and project, and never back."""

from datetime import UTC, datetime, timedelta

from limner_api.jobs.annotations_saved import on_annotations_event
from limner_common.events import new_message
from limner_contracts.annotations.v1.job_annotations_event_pb2 import JobAnnotationsEvent
from tests.integration.api.catalog.conftest import Catalog, delivery_of

LATER = datetime.now(UTC) + timedelta(hours=1)


async def tell(catalog: Catalog, task_id: int, job_id: int, moment: datetime) -> None:
    event = JobAnnotationsEvent(job_id=job_id, task_id=task_id)
    event.saved.SetInParent()
    message = new_message("limner.annotations.job.v1", job_id, event, producer="annotations")
    event.ParseFromString(message.payload)
    event.meta.occurred_at.FromDatetime(moment)
    message = type(message)(message.event_id, message.topic, message.key, event.SerializeToString(), message.headers)
    await on_annotations_event(catalog.api.container.database, delivery_of(message))


async def dates(catalog: Catalog, *paths: str) -> list[datetime]:
    answers = [await catalog.client.get(f"/api/{path}") for path in paths]
    return [datetime.fromisoformat(answer.json()["updated_date"]) for answer in answers]


async def test_dates_of_job_task_and_project_move_to_the_save_and_not_back(catalog: Catalog) -> None:
    project = await catalog.project()
    task, jobs = await catalog.task_with_data(project_id=project["id"], segment_size=5)
    saved, beside = f"jobs/{jobs[0]}", f"jobs/{jobs[1]}"
    paths = (saved, f"tasks/{task['id']}", f"projects/{project['id']}")
    before = await dates(catalog, beside)
    await tell(catalog, task["id"], jobs[0], LATER)
    assert await dates(catalog, *paths) == [LATER] * 3
    await tell(catalog, task["id"], jobs[0], LATER - timedelta(minutes=1))
    assert await dates(catalog, *paths) == [LATER] * 3
    assert await dates(catalog, beside) == before


async def test_dates_that_lie_behind_move_even_where_others_are_ahead(catalog: Catalog) -> None:
    task, jobs = await catalog.task_with_data(segment_size=5)
    await tell(catalog, task["id"], jobs[0], LATER)
    earlier = LATER - timedelta(minutes=1)
    await tell(catalog, task["id"], jobs[1], earlier)
    assert await dates(catalog, f"jobs/{jobs[1]}", f"tasks/{task['id']}") == [earlier, LATER]


async def test_a_job_that_is_gone_moves_nothing(catalog: Catalog) -> None:
    task, jobs = await catalog.task_with_data(segment_size=5)
    paths = (f"jobs/{jobs[0]}", f"tasks/{task['id']}")
    before = await dates(catalog, *paths)
    await tell(catalog, 10**9, 10**9, LATER)
    assert await dates(catalog, *paths) == before
