"""Progress of requests is pushed to whoever listens."""

import json
import threading
from pathlib import Path

import httpx
import pytest
from cvat_sdk import Client
from cvat_sdk.core.proxies.tasks import ResourceType

from tests.support.pictures import write_pictures
from tests.support.product import ADMIN, Product

pytestmark = pytest.mark.e2e


def test_a_request_is_followed_from_queued_to_finished(product: Product, client: Client, tmp_path: Path) -> None:
    seen: list[dict[str, object]] = []
    ids: list[int] = []
    listening = threading.Event()
    finished = threading.Event()

    def listen(last: str | None = None) -> None:
        headers = {} if last is None else {"Last-Event-ID": last}
        with httpx.stream("GET", f"{product.url}/api/live", auth=ADMIN, headers=headers, timeout=30) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            for line in stream.iter_lines():
                if line.startswith("retry:"):
                    listening.set()
                if line.startswith("id: "):
                    ids.append(int(line[4:]))
                if line.startswith("data: "):
                    seen.append(json.loads(line[6:]))
                    if seen[-1]["status"] in ("finished", "failed"):
                        finished.set()
                        return

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(20)
    task = client.tasks.create_from_data(
        spec={"name": "followed", "labels": [{"name": "a", "attributes": []}]},
        resource_type=ResourceType.LOCAL,
        resources=[str(path) for path in write_pictures(tmp_path, 2)],
    )
    assert finished.wait(30)
    thread.join(10)
    assert seen[0]["operation"]["type"] == "create:task" and seen[0]["operation"]["task_id"] == task.id  # type: ignore[index]
    assert seen[-1]["status"] == "finished" and seen[-1]["progress"] == 1
    assert ids == sorted(ids)
    # A listener that comes back with the last id it saw is told what it missed.
    missed = len(seen)
    finished.clear()
    listen(last=str(ids[0] - 1))
    assert seen[missed]["id"] == seen[0]["id"]
    task.remove()
