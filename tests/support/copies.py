"""What the SDK reads of an installation, to compare a copy with what it was made of."""

import hashlib
import json
from typing import Any

import httpx
from cvat_sdk import make_client, models
from cvat_sdk.core.proxies.tasks import ResourceType

from tests.support.pictures import write_pictures, write_video
from tests.support.product import ADMIN


def fill(url: str, folder: Any) -> list[int]:
    """Make a project with a task of pictures and a task of a video, each with annotations saved twice; return the tasks."""
    made = []
    with make_client(url, credentials=ADMIN) as client:
        client.config.status_check_period = 0.2
        project = client.projects.create({"name": "streets", "labels": [{"name": "car", "attributes": []}]})
        for name, resources in (
            ("pictures", write_pictures(folder / "pictures", 4)),
            ("video", [write_video(folder / "video.mp4", 30)]),
        ):
            task = client.tasks.create_from_data(
                spec={"name": name, "project_id": project.id, "segment_size": 10, "overlap": 0},
                resource_type=ResourceType.LOCAL,
                resources=[str(path) for path in resources],
                data_params={"image_quality": 80},
            )
            annotate(client, task.id, 1.0)
            annotate(client, task.id, 5.0)
            made.append(task.id)
    return made


def annotate(client: Any, task_id: int, left: float) -> None:
    """Replace a task's annotations by a box on each of its first three frames."""
    task = client.tasks.retrieve(task_id)
    (label,) = task.get_labels()
    shapes = [
        models.LabeledShapeRequest(type="rectangle", frame=frame, label_id=label.id, points=[left, 2.0, left + 9, 22.5])
        for frame in range(3)
    ]
    task.set_annotations(models.LabeledDataRequest(shapes=shapes))


def read_all(url: str) -> dict[str, Any]:
    """Return everything that people see of the installation, addresses apart."""
    seen: dict[str, Any] = {}
    with httpx.Client(base_url=url, auth=ADMIN, timeout=60) as web:
        for path in ("/api/users", "/api/organizations", "/api/projects", "/api/tasks", "/api/jobs", "/api/labels"):
            seen[path] = _plain(web.get(path, params={"page_size": 100, "sort": "id"}).raise_for_status().json())
        for job in seen["/api/jobs"]["results"]:
            annotations = f"/api/jobs/{job['id']}/annotations"
            history = web.get(f"{annotations}/revisions").raise_for_status().json()
            states = [f"{annotations}/revisions/{number}" for number in range(1, history["count"] + 1)]
            for path in (annotations, f"{annotations}/revisions", *states):
                seen[path] = _plain(web.get(path).raise_for_status().json())
        for task in seen["/api/tasks"]["results"]:
            seen[f"meta {task['id']}"] = _plain(web.get(f"/api/tasks/{task['id']}/data/meta").raise_for_status().json())
            for frame in range(task["size"]):
                answer = web.get(
                    f"/api/tasks/{task['id']}/data", params={"type": "frame", "number": frame, "quality": "original"}
                )
                seen[f"frame {task['id']} {frame}"] = hashlib.sha256(answer.raise_for_status().content).hexdigest()
    seen["/api/users"]["results"] = [{**user, "last_login": None} for user in seen["/api/users"]["results"]]
    return seen


def _plain(value: Any) -> Any:
    """Return a document without the host in its addresses."""
    text = json.dumps(value)
    for scheme in ("http://127.0.0.1", "http://localhost"):
        head, *rest = text.split(f"{scheme}:")
        text = head + "".join(part.lstrip("0123456789") for part in rest)
    return json.loads(text)
