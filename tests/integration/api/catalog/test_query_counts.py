"""Lists read the database as often for many rows as for one."""

import pytest

from tests.integration.api.catalog.conftest import Catalog
from tests.support.queries import counted_statements

#: One statement finds the caller, one the page; labels need their points and attributes besides.
STATEMENTS = {"projects": 2, "tasks": 2, "jobs": 2, "labels": 4, "requests": 2}


@pytest.mark.parametrize("path", STATEMENTS)
async def test_lists_take_a_fixed_number_of_statements(catalog: Catalog, path: str) -> None:
    counts = []
    for rows in (1, 4):
        for _ in range(rows):
            project = await catalog.project()
            await catalog.task_with_data(project_id=project["id"], segment_size=5)
        with counted_statements(catalog.api.container.database) as statements:
            answer = await catalog.client.get(
                f"/api/{path}?page_size=50&search=a" if path == "labels" else f"/api/{path}?page_size=50"
            )
        assert answer.status_code == 200, answer.text
        counts.append(len(statements))
    assert counts == [STATEMENTS[path]] * 2


async def test_labels_of_a_job_take_one_more(catalog: Catalog) -> None:
    _task, jobs = await catalog.task_with_data()
    with counted_statements(catalog.api.container.database) as statements:
        await catalog.client.get(f"/api/labels?job_id={jobs[0]}")
    assert len(statements) == 5
