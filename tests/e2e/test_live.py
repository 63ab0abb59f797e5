"""Progress of requests is pushed to whoever listens."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from cvat_sdk import Client
from cvat_sdk.core.proxies.tasks import ResourceType

from tests.support.pictures import write_pictures
from tests.support.product import ADMIN, Product

pytestmark = pytest.mark.e2e


def test_a_request_is_followed_from_queued_to_finished(product: Product, client: Client, tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    ids: list[int] = []
    listening = threading.Event()
    finished = threading.Event()
    task = client.tasks.create({"name": "followed", "labels": [{"name": "a", "attributes": []}]})

    def listen(last: str | None = None) -> None:
        headers = {} if last is None else {"Last-Event-ID": last}
        with httpx.stream("GET", f"{product.url}/api/live", auth=ADMIN, headers=headers, timeout=120) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            number = 0
            for line in stream.iter_lines():
                if line.startswith("retry:"):
                    listening.set()
                if line.startswith("id: "):
                    number = int(line[4:])
                # What others asked for may still be under way.
                if line.startswith("data: ") and (told := json.loads(line[6:]))["operation"]["task_id"] == task.id:
                    ids.append(number)
                    seen.append(told)
                    if told["status"] in ("finished", "failed"):
                        finished.set()
                        return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert listening.wait(60)
    task.upload_data([str(path) for path in write_pictures(tmp_path, 2)], resource_type=ResourceType.LOCAL)
    assert finished.wait(60)
    thread.join(60)
    assert seen[0]["operation"]["type"] == "create:task"
    assert seen[-1]["status"] == "finished" and seen[-1]["progress"] == 1
    assert ids == sorted(ids)
    # A listener that comes back with the last id it saw is told what it missed.
    missed = len(seen)
    finished.clear()
    listen(last=str(ids[0] - 1))
    assert seen[missed]["id"] == seen[0]["id"]
    task.remove()
