"""A plain client of the product: one connection, bytes in and out, as cheap as the standard library allows."""

import http.client
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_POLL_SECONDS = 0.02
_WAIT_SECONDS = 300
_KEPT_ALIVE_SECONDS = 2.0
_BATCH_BYTES = 64 * 1024 * 1024
_BOUNDARY = "limner-bench-boundary"
_FORM_HEADERS = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}

Json = dict[str, Any]


class RequestFailed(Exception):
    """The product answered with an error, or a request of it failed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body decoded."""
        return json.loads(self.body)


class Client:
    """Signed in with a login key; not for use by several threads.

    Args:
        url: Address of the product.
        name: Account.
        password: Its password.
    """

    def __init__(self, url: str, name: str, password: str) -> None:
        address = urlsplit(url)
        self.host, self.port = address.hostname or "localhost", address.port or 80
        self._connection = http.client.HTTPConnection(self.host, self.port, timeout=600)
        self._used_at = time.monotonic()
        self.token = ""
        answer = self.send("POST", "/api/auth/login", {"username": name, "password": password})
        self.token = answer.json()["key"]

    @property
    def headers(self) -> dict[str, str]:
        """Headers that say who asks."""
        return {"Authorization": f"Token {self.token}"} if self.token else {}

    def send(
        self, method: str, path: str, body: Json | bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request and read the whole answer.

        Raises:
            RequestFailed: The status says so.
        """
        sent = {**self.headers, **(headers or {})}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        if time.monotonic() - self._used_at > _KEPT_ALIVE_SECONDS:
            self._connection.close()  # the server closes idle connections; the next request opens a new one
        self._connection.request(method, path, body, sent)
        response = self._connection.getresponse()
        answer = Answer(response.status, dict(response.headers), response.read())
        self._used_at = time.monotonic()
        if answer.status >= 400:
            raise RequestFailed(f"{method} {path}: {answer.status} {answer.body[:300]!r}")
        return answer

    def get(self, path: str) -> Any:
        """Return a decoded answer."""
        return self.send("GET", path).json()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def finish(self, request_id: str) -> Json:
        """Wait until background work is done and return its request.

        Raises:
            RequestFailed: It failed, or takes too long.
        """
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            request: Json = self.get(f"/api/requests/{request_id}")
            if request["status"] == "finished":
                return request
            if request["status"] == "failed":
                raise RequestFailed(f"{request_id}: {request['message']}")
            time.sleep(_POLL_SECONDS)
        raise RequestFailed(f"{request_id} did not finish in {_WAIT_SECONDS} s")

    def new_task(self, name: str, labels: Sequence[Json], **more: Any) -> int:
        """Make a task without data and return its id."""
        task_id: int = self.send("POST", "/api/tasks", {"name": name, "labels": labels, **more}).json()["id"]
        return task_id

    def upload(self, task_id: int, files: Sequence[Path]) -> None:
        """Send the files of a task's data; the work on them has not begun."""
        path = f"/api/tasks/{task_id}/data/"
        self.send("POST", path, b"", {"Upload-Start": "true"})
        for batch in _batches(files):
            fields = [(f"client_files[{number}]", file) for number, file in enumerate(batch)]
            self.send("POST", path, _form(fields), {"Upload-Multiple": "true", **_FORM_HEADERS})

    def send_file(self, path: str, field: str, file: Path) -> Answer:
        """Send one file in a form."""
        return self.send("POST", path, _form([(field, file)]), _FORM_HEADERS)

    def start_data(self, task_id: int, **parameters: Any) -> str:
        """Say that all files are there; returns the id of the request that makes the data."""
        body = {"image_quality": 70, "use_cache": True, **parameters}
        answer = self.send("POST", f"/api/tasks/{task_id}/data/", body, {"Upload-Finish": "true"})
        request_id: str = answer.json()["rq_id"]
        return request_id

    def new_data_task(self, name: str, labels: Sequence[Json], files: Sequence[Path], **parameters: Any) -> int:
        """Make a task with data and wait until it is ready."""
        task_id = self.new_task(name, labels)
        self.upload(task_id, files)
        self.finish(self.start_data(task_id, **parameters))
        return task_id

    def first_job(self, task_id: int) -> int:
        """Return the id of a task's first job."""
        job_id: int = self.get(f"/api/jobs?task_id={task_id}&page_size=1&sort=id")["results"][0]["id"]
        return job_id

    def remove_task(self, task_id: int) -> None:
        """Delete a task."""
        self.send("DELETE", f"/api/tasks/{task_id}")


def _batches(files: Iterable[Path]) -> Iterable[list[Path]]:
    batch: list[Path] = []
    size = 0
    for file in files:
        batch.append(file)
        size += file.stat().st_size
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _form(fields: Sequence[tuple[str, Path]]) -> bytes:
    parts = []
    for name, file in fields:
        parts.append(
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{file.name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n".encode()
        )
        parts += [file.read_bytes(), b"\r\n"]
    return b"".join([*parts, f"--{_BOUNDARY}--\r\n".encode()])
