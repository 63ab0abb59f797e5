"""Recorded exchanges about media, exports and imports, sent again to a running product that holds the recorded objects."""

import io
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from PIL import Image

from tests.support.golden_rest import RECORDED_HOST, Difference, Record, problems, unneeded
from tests.support.product import ADMIN
from tests.support.recorded_files import sent_file, sent_part, task_input

_USER_PASSWORD = "correct-horse-staple"
_WAIT_SECONDS = 60
#: What an answer must have as recorded beside its body.
_HEADERS = ("tus-resumable", "upload-offset", "upload-length", "upload-filename", "content-disposition")
#: Mean difference of two encodings of one picture, in steps of 255.
_SAME_PICTURE = 6.0

#: Settings of recorded tasks, and of their data.
_SETTINGS: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {
    1: ({"segment_size": 4, "overlap": 1}, {}),
    4: ({"segment_size": 25, "overlap": 5}, {}),
    5: ({}, {"start_frame": 5, "stop_frame": 52, "frame_filter": "step=3"}),
}
#: Recorded jobs: their task and place.
_JOBS = {2: (1, 1), 3: (1, 2), 7: (4, 1)}
#: Recorded formats that are not made yet, and those that are asked for in their place.
_FORMATS = {"KITTI 1.0": "COCO 1.0", "LabelMe 3.0": "YOLO 1.1"}
#: Records that succeed here, and are sent about another task, so that they leave nothing to those that follow.
_APART = {"tus-create-without-origin": 130}
_LABELS = [{"name": name, "attributes": []} for name in ("ship", "sea bird", "unused")]


@dataclass
class Replay:
    """Sends records in their order and keeps which of our ids stand for the recorded ones."""

    url: str
    ids: dict[str, str] = field(default_factory=dict)
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def __enter__(self) -> "Replay":
        self.clients["admin"] = httpx.Client(base_url=self.url, auth=ADMIN, timeout=120)
        account = {"username": "odile", "email": "odile@example.com", "first_name": "O", "last_name": "Outsider"}
        passwords = {"password1": _USER_PASSWORD, "password2": _USER_PASSWORD}
        httpx.post(f"{self.url}/api/auth/register", json=account | passwords, timeout=120).raise_for_status()
        self.clients["odile"] = httpx.Client(base_url=self.url, auth=("odile", _USER_PASSWORD), timeout=120)
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients.values():
            client.close()

    def make_tasks(self, *numbers: int) -> None:
        """Make what the recorded server held under these numbers of tasks; all are read at once."""
        requests = [self._make_task(number) for number in numbers]
        for request_id in requests:
            assert self._follow(request_id) == "finished"
        for job, (task, place) in _JOBS.items():
            if task in numbers:
                page = self._json("GET", f"/api/jobs?task_id={self.ids[f'tasks/{task}']}&sort=id")
                self.ids[f"jobs/{job}"] = str(page["results"][place]["id"])

    def make_empty(self, kind: str, *numbers: int) -> None:
        """Make tasks without data, or projects without tasks."""
        for number in numbers:
            made = self._json("POST", f"/api/{kind}", json={"name": f"empty {number}", "labels": _LABELS})
            self.ids[f"{kind}/{number}"] = str(made["id"])

    def change(self, recorded: str, rest: str, body: Any) -> None:
        """Change one of the things that were made."""
        kind = recorded.partition("/")[0]
        self._json("PATCH", f"/api/{kind}/{self.ids[recorded]}{rest}", json=body)

    def check(self, record: Record, difference: Difference | None) -> list[str]:
        """Send a record and return where our answer is not what it should be."""
        answer = self._send(record)
        deadline = time.monotonic() + _WAIT_SECONDS
        wanted_status = record.status if difference is None or difference.status is None else difference.status
        while _is_early(answer) and wanted_status != 202 and time.monotonic() < deadline:
            time.sleep(0.1)
            answer = self._send(record)
        body = _body(answer)
        self._learn(record, answer)
        if isinstance(body, dict) and "rq_id" in body:
            self._follow(body["rq_id"])
        found = problems(record, difference, answer.status_code, body, self.url)
        other = list(_other_problems(record, answer)) if answer.status_code == record.status else []
        if difference is not None and difference.has_other_content:
            other = [] if other else ["the content is as recorded, without the difference"]
        elif not other:
            other = unneeded(record, difference, answer.status_code, body, self.url)
        return [f"{record.number:03} {record.name}: {problem}" for problem in found + other]

    def _make_task(self, number: int) -> str:
        name, content = task_input(number)
        spec, data = _SETTINGS.get(number, ({}, {}))
        task = self._json("POST", "/api/tasks", json={"name": f"recorded {number}", "labels": _LABELS, **spec})
        self.ids[f"tasks/{number}"] = str(task["id"])
        fields = {"image_quality": "70", "use_zip_chunks": "true", **{key: str(value) for key, value in data.items()}}
        path = f"/api/tasks/{task['id']}/data"
        return str(self._json("POST", path, data=fields, files={"client_files[0]": (name, content)})["rq_id"])

    def _follow(self, request_id: str) -> str:
        deadline = time.monotonic() + _WAIT_SECONDS
        while (status := self._json("GET", f"/api/requests/{request_id}")["status"]) not in ("finished", "failed"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return str(status)

    def _json(self, method: str, path: str, **more: Any) -> Any:
        return self.clients["admin"].request(method, path, **more).raise_for_status().json()

    def _send(self, record: Record) -> httpx.Response:
        client = self.clients[record.who]
        headers = {name: value.replace(RECORDED_HOST, self.url) for name, value in record.headers.items()}
        match record.body:
            case {"multipart": {"fields": fields, "files": files}}:
                parts = {part: (name, sent_file(record.name, name)) for part, name in files.items()}
                return client.request(record.method, self._path(record), headers=headers, data=fields, files=parts)
            case {"form_or_raw": str() as size}:
                content = sent_part(record.path, int(size.strip("<> bytes")), int(headers.get("Upload-Offset", 0)))
                return client.request(record.method, self._path(record), headers=headers, content=content)
            case _:
                return client.request(record.method, self._path(record), headers=headers, json=record.body)

    def _path(self, record: Record) -> str:
        path = record.path.replace("tasks/120", f"tasks/{_APART[record.name]}") if record.name in _APART else record.path
        path = re.sub(r"(tasks|jobs|projects)/(\d+)", lambda found: f"{found[1]}/{self.ids.get(found[0], found[2])}", path)
        for recorded, ours in self.ids.items():
            path = path if "/" in recorded else path.replace(recorded, ours)
        for recorded, ours in _FORMATS.items():
            path = path.replace(recorded.replace(" ", "%20"), ours.replace(" ", "%20"))
        return path

    def _learn(self, record: Record, answer: httpx.Response) -> None:
        """Keep what later records say again: the address of an upload, the id of a request."""
        if "location" in record.answer_headers and "location" in answer.headers:
            theirs, ours = (
                url.rpartition("/")[2] for url in (record.answer_headers["location"], answer.headers["location"])
            )
            self.ids[theirs] = ours
        match record.answer, _body(answer):
            case {"rq_id": str(theirs)}, {"rq_id": str(ours)}:
                self.ids[theirs.replace(":", "%3A")] = ours.replace(":", "%3A")


def _is_early(answer: httpx.Response) -> bool:
    """Tell whether the answer says that the work is not done yet."""
    match _body(answer):
        case {"state": "Queued" | "Started"}:
            return True
    return answer.status_code == 202 and not answer.content and answer.request.method in ("GET", "PUT")


def _body(answer: httpx.Response) -> Any:
    kind = answer.headers.get("content-type", "")
    return answer.json() if answer.content and "json" in kind else None


def _other_problems(record: Record, answer: httpx.Response) -> Iterator[str]:
    if answer.is_error:
        return
    for name in _HEADERS:
        wanted = record.answer_headers.get(name)
        if wanted is not None and not wanted.startswith("inline") and answer.headers.get(name) != wanted:
            yield f"{name} {answer.headers.get(name)!r} instead of {wanted!r}"
    kind = record.answer_headers.get("content-type", "")
    if not kind.startswith(("image/", "application/zip")):
        return
    if answer.headers["content-type"] != kind:
        yield f"{answer.headers['content-type']} instead of {kind}"
    elif record.members is not None and "download" not in record.name:
        yield from _zip_problems(record, answer.content)
    elif record.content is not None and kind.startswith("image/"):
        yield from _picture_problems(record.content, answer.content)


def _zip_problems(record: Record, content: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if archive.namelist() != record.members:
            yield f"{archive.namelist()} instead of {record.members}"
        elif record.content is not None:
            with zipfile.ZipFile(io.BytesIO(record.content)) as recorded:
                for name in archive.namelist():
                    if name.endswith((".jpg", ".jpeg", ".png")):
                        yield from _picture_problems(recorded.read(name), archive.read(name))


def _picture_problems(recorded: bytes, content: bytes) -> Iterator[str]:
    if recorded == content:
        return
    theirs, ours = (Image.open(io.BytesIO(data)).convert("RGB") for data in (recorded, content))
    if theirs.size != ours.size:
        yield f"a picture of {ours.size} instead of {theirs.size}"
        return
    mean = float(np.abs(np.asarray(theirs, np.int16) - np.asarray(ours, np.int16)).mean())
    if mean > _SAME_PICTURE:
        yield f"another picture: {mean:.1f} steps on average"
