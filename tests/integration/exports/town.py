"""The product but for its clients: requests go through the gateway, work is done in the background."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from tests.support.installation import TestBench

ADMIN = ("admin", "correct-horse-battery")
_PATIENCE_SECONDS = 180.0


class Town:
    """Services with their loops running, and a client of the public interface."""

    def __init__(self, bench: TestBench, client: httpx.AsyncClient) -> None:
        self.bench = bench
        self.client = client
        client.auth = httpx.BasicAuth(*ADMIN)

    async def call(self, method: str, path: str, *, status: int = 200, **options: Any) -> Any:
        """Send a request, require its status and return the body."""
        answer = await self.client.request(method, path, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def project(self, labels: Sequence[dict[str, Any]] = ()) -> int:
        """Make a project."""
        made = await self.call("POST", "/api/projects", status=201, json={"name": "Town", "labels": list(labels)})
        return int(made["id"])

    async def send_dataset(self, project_id: int, format_name: str, data: bytes) -> dict[str, Any]:
        """Import a dataset into a project and return the request as it ended."""
        accepted = await self.call(
            "POST",
            f"/api/projects/{project_id}/dataset/",
            status=202,
            params={"format": format_name},
            files={"dataset_file": ("dataset.zip", data, "application/zip")},
        )
        return await self.ended(accepted["rq_id"])

    async def export(self, path: str, format_name: str, *, save_images: bool = False) -> bytes:
        """Export and download."""
        query = {"format": format_name, "save_images": str(save_images)}
        accepted = await self.call("POST", f"{path}/dataset/export", status=202, params=query)
        request = await self.ended(accepted["rq_id"])
        assert request["status"] == "finished", request
        answer = await self.client.get(request["result_url"])
        assert answer.status_code == 200
        return answer.content

    async def ended(self, request_id: str) -> dict[str, Any]:
        """Wait for the end of a request."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                request: dict[str, Any] = await self.call("GET", f"/api/requests/{request_id}")
                if request["status"] in ("finished", "failed"):
                    return request
                await asyncio.sleep(0.1)

    async def tasks(self, project_id: int) -> list[dict[str, Any]]:
        """Tasks of a project by name."""
        page = await self.call("GET", "/api/tasks", params={"project_id": project_id, "page_size": 100})
        return sorted(page["results"], key=lambda task: str(task["name"]))

    async def labels(self, project_id: int) -> list[dict[str, Any]]:
        """Labels of a project by name."""
        page = await self.call("GET", "/api/labels", params={"project_id": project_id, "page_size": 100})
        return sorted(page["results"], key=lambda label: str(label["name"]))
