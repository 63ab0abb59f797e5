"""What the tests ask of a product that may be gone in the middle of it."""

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx

from tests.support.product import ADMIN

LABELS = [{"name": "car", "attributes": []}]
_WAIT_SECONDS = 240.0
_ANSWER_SECONDS = 240.0
T = TypeVar("T")


class Running(Protocol):
    """What answers HTTP: a product or a cluster."""

    @property
    def url(self) -> str: ...


class Caller:
    """Asks the product over HTTP as the administrator; signs in again after a restart is not needed.

    Args:
        product: Running now.
    """

    def __init__(self, product: Running) -> None:
        self._client = httpx.Client(base_url=product.url, timeout=_ANSWER_SECONDS, auth=ADMIN)
        key = self._client.post("/api/auth/login", json={"username": ADMIN[0], "password": ADMIN[1]}).json()["key"]
        self._client.close()
        self._client = httpx.Client(base_url=product.url, timeout=_ANSWER_SECONDS, headers={"Authorization": f"Token {key}"})

    def close(self) -> None:
        self._client.close()

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self._client.request(method, path, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer

    def get(self, path: str) -> Any:
        return self.send("GET", path).json()

    def new_task(self, name: str) -> int:
        task_id: int = self.send("POST", "/api/tasks", json={"name": name, "labels": LABELS}).json()["id"]
        return task_id

    def announce(self, task_id: int, name: str, size: int) -> str:
        """Announce a resumable file; returns its path."""
        self.send("POST", f"/api/tasks/{task_id}/data/", headers={"Upload-Start": "true"})
        metadata = f"filename {base64.b64encode(name.encode()).decode()}"
        headers = {"Upload-Length": str(size), "Upload-Metadata": metadata, "Tus-Resumable": "1.0.0"}
        location = self.send("POST", f"/api/tasks/{task_id}/data/", headers=headers).headers["location"]
        return httpx.URL(location).path

    def append(self, path: str, offset: int, data: bytes) -> int:
        """Send bytes from an offset on; returns the offset the server then names."""
        headers = {
            "Upload-Offset": str(offset),
            "Tus-Resumable": "1.0.0",
            "Content-Type": "application/offset+octet-stream",
        }
        return int(self.send("PATCH", path, headers=headers, content=data).headers["upload-offset"])

    def offset(self, path: str) -> int:
        """Return how far the server says a file is."""
        return int(self.send("HEAD", path, headers={"Tus-Resumable": "1.0.0"}).headers["upload-offset"])

    def upload(self, task_id: int, file: Path) -> None:
        """Send a whole file."""
        path = self.announce(task_id, file.name, file.stat().st_size)
        assert self.append(path, 0, file.read_bytes()) == file.stat().st_size

    def start_data(self, task_id: int) -> str:
        """Say that all files are there; returns the request's id."""
        headers = {"Upload-Finish": "true"}
        answer = self.send("POST", f"/api/tasks/{task_id}/data/", headers=headers, json={"image_quality": 70})
        request_id: str = answer.json()["rq_id"]
        return request_id

    def data_task(self, name: str, file: Path) -> int:
        """Make a task with data and wait until it is ready."""
        task_id = self.new_task(name)
        self.upload(task_id, file)
        self.finish(self.start_data(task_id))
        return task_id

    def first_job(self, task_id: int) -> int:
        job_id: int = self.get(f"/api/jobs?task_id={task_id}")["results"][0]["id"]
        return job_id

    def label_id(self, task_id: int) -> int:
        label_id: int = self.get(f"/api/labels?task_id={task_id}")["results"][0]["id"]
        return label_id

    def finish(self, request_id: str) -> dict[str, Any]:
        """Wait until background work is done and return its request."""

        def look() -> dict[str, Any] | None:
            request = self.get(f"/api/requests/{request_id}")
            assert request["status"] != "failed", request["message"]
            return request if request["status"] == "finished" else None

        return wait_for(look)

    def requests_of(self, task_id: int, kind: str) -> list[dict[str, Any]]:
        found = self.get("/api/requests?page_size=100")["results"]
        of_task = [request["operation"] | request for request in found if request["operation"]["task_id"] == task_id]
        return [request for request in of_task if request["type"] == kind]


def wait_for(look: Callable[[], T | None]) -> T:
    """Return what ``look`` finds, asking until it finds something."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(f"nothing came within {_WAIT_SECONDS:.0f} s")
