"""The process tree is killed in the middle of work. After a start on the same home nothing is lost, doubled or stuck."""

import contextlib
import io
import json
import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.faults.caller import Caller, wait_for
from tests.support.product import Product
from tools.engines.engine import free_ports

pytestmark = pytest.mark.faults

PICTURES = 2000
MANY = 100_000
_SENT_BLOCKS = 12


def restart(product: Product) -> None:
    product.kill()
    product.start()


@contextlib.contextmanager
def in_the_background(action: Callable[[], Any]) -> Iterator[threading.Event]:
    """Run an action that the death of the product may break off; the event is set when it ended."""
    ended = threading.Event()

    def run() -> None:
        with contextlib.suppress(httpx.HTTPError, AssertionError):
            action()
        ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    yield ended
    thread.join(240)
    assert not thread.is_alive()


def shapes_document(count: int, label_id: int) -> bytes:
    shapes = [
        {"type": "rectangle", "frame": number % PICTURES, "label_id": label_id, "points": [1.0, 2.0, 30.5, 40.25]}
        for number in range(count)
    ]
    return json.dumps({"version": 0, "tags": [], "shapes": shapes, "tracks": []}).encode()


def test_an_upload_goes_on_where_the_server_says_it_stopped(product: Product, caller: Caller, photo: Path) -> None:
    content = photo.read_bytes()
    half = len(content) // 2
    task_id = caller.new_task("upload")
    path = caller.announce(task_id, photo.name, len(content))
    assert caller.append(path, 0, content[:half]) == half

    is_sending, is_killed = threading.Event(), threading.Event()

    def drip() -> Iterator[bytes]:
        for number, start in enumerate(range(half, len(content), 65536)):
            if number == _SENT_BLOCKS:
                is_sending.set()
                is_killed.wait(240)
            yield content[start : start + 65536]

    headers = {"Upload-Offset": str(half), "Content-Type": "application/offset+octet-stream"}
    with in_the_background(lambda: caller.send("PATCH", path, headers=headers, content=drip())):
        assert is_sending.wait(60)
        time.sleep(0.3)  # until some of it is stored, perhaps
        product.kill()
        is_killed.set()
        product.start()

    offset = caller.offset(path)
    assert half <= offset < len(content)
    assert caller.append(path, offset, content[offset:]) == len(content)
    caller.finish(caller.start_data(task_id))
    stored = caller.send("GET", f"/api/tasks/{task_id}/data?type=frame&number=0&quality=original").content
    assert stored == content


def test_data_are_made_exactly_once(product: Product, caller: Caller, pictures: Path) -> None:
    task_id = caller.new_task("ingest")
    caller.upload(task_id, pictures)
    request_id = caller.start_data(task_id)
    time.sleep(0.2)
    restart(product)

    caller.finish(request_id)
    assert caller.get(f"/api/tasks/{task_id}")["size"] == PICTURES
    jobs = caller.get(f"/api/jobs?task_id={task_id}")["results"]
    assert [(job["start_frame"], job["stop_frame"]) for job in jobs] == [(0, PICTURES - 1)]
    assert len(caller.get(f"/api/tasks/{task_id}/data/meta")["frames"]) == PICTURES
    assert [request["id"] for request in caller.requests_of(task_id, "create:task")] == [request_id]


@pytest.mark.parametrize("delay", [0.5, 1.2])
def test_a_save_is_whole_or_absent(product: Product, caller: Caller, pictures: Path, delay: float) -> None:
    task_id = caller.data_task(f"save after {delay}", pictures)
    path = f"/api/jobs/{caller.first_job(task_id)}/annotations"
    body = shapes_document(MANY, caller.label_id(task_id))
    with in_the_background(lambda: caller.send("PATCH", f"{path}?action=create", content=body)):
        time.sleep(delay)
        restart(product)

    assert len(caller.get(path)["shapes"]) in (0, MANY)
    caller.send("PUT", path, content=body)
    shapes = caller.get(path)["shapes"]
    assert len({shape["id"] for shape in shapes}) == len(shapes) == MANY


def test_an_export_is_finished(product: Product, caller: Caller, pictures: Path) -> None:
    count = 20_000
    task_id = caller.data_task("export", pictures)
    path = f"/api/jobs/{caller.first_job(task_id)}/annotations"
    caller.send("PUT", path, content=shapes_document(count, caller.label_id(task_id)))
    export = f"/api/tasks/{task_id}/dataset/export?format=COCO 1.0&save_images=false"
    request_id = caller.send("POST", export).json()["rq_id"]
    time.sleep(0.3)
    restart(product)

    result = caller.send("GET", caller.finish(request_id)["result_url"])
    with zipfile.ZipFile(io.BytesIO(result.content)) as archive:
        assert archive.testzip() is None
        (name,) = (name for name in archive.namelist() if name.endswith(".json"))
        dataset = json.loads(archive.read(name))
    assert (len(dataset["images"]), len(dataset["annotations"])) == (PICTURES, count)
    assert [request["id"] for request in caller.requests_of(task_id, "export:annotations")] == [request_id]


def test_an_import_is_whole_and_happens_once(product: Product, caller: Caller, pictures: Path) -> None:
    count = 20_000
    task_id = caller.data_task("import", pictures)
    path = f"/api/jobs/{caller.first_job(task_id)}/annotations"
    caller.send("PUT", path, content=shapes_document(count, caller.label_id(task_id)))
    export = f"/api/tasks/{task_id}/dataset/export?format=COCO 1.0&save_images=false"
    exported = caller.finish(caller.send("POST", export).json()["rq_id"])
    dataset = caller.send("GET", exported["result_url"]).content
    caller.send("DELETE", path)
    upload = f"/api/tasks/{task_id}/annotations/?format=COCO 1.0"
    files = {"annotation_file": ("coco.zip", dataset)}
    request_id = caller.send("POST", upload, files=files).json()["rq_id"]
    time.sleep(0.8)
    restart(product)

    assert len(caller.get(path)["shapes"]) in (0, count)
    caller.finish(request_id)
    assert len(caller.get(path)["shapes"]) == count


def test_temporary_files_of_the_killed_are_gone_after_the_next_start(homes: Path, pictures: Path) -> None:
    system = homes / "system"
    system.mkdir()
    system.chmod(0o711)
    (port,) = free_ports(1)
    product = Product(homes / "litter", {"TMPDIR": str(system)}, url=f"http://127.0.0.1:{port}").start()
    scratch = product.home / "tmp"

    def folders() -> set[Path]:
        return {path for parent in (scratch, *system.glob("limner-*")) for path in parent.glob("limner-*")}

    try:
        with contextlib.closing(Caller(product)) as caller:
            task_id = caller.new_task("litter")
            caller.upload(task_id, pictures)
            caller.start_data(task_id)
            wait_for(lambda: [path for folder in folders() for path in folder.glob("?" * 32)] or None)  # that of the data
            product.kill()
            left = folders()
            assert left
            product.start()
            caller.finish(caller.requests_of(task_id, "create:task")[0]["id"])
            assert not left & folders()
    finally:
        stopped = product.stop()
    assert stopped == 0
    assert folders() == set()
    assert [path.name for path in system.iterdir()] == [f"limner-{os.geteuid()}"]


def test_a_worker_that_is_killed_is_replaced_and_its_work_goes_on(product: Product, caller: Caller, pictures: Path) -> None:
    def workers() -> set[psutil.Process]:
        return {process for process in product.tree() if is_worker(process)}

    def is_worker(process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):  # the database's come and go
            return "embedded-workers" in process.cmdline()
        return False

    task_id = caller.new_task("worker")
    caller.upload(task_id, pictures)
    before = wait_for(lambda: workers() or None)
    request_id = caller.start_data(task_id)
    time.sleep(0.2)
    for process in before:
        process.kill()
    caller.finish(request_id)
    assert caller.get(f"/api/tasks/{task_id}")["size"] == PICTURES
    assert workers() and not workers() & before
