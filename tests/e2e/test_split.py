"""Every service and every worker in a process of its own, configured by the environment alone."""

import asyncio
import json
import signal
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from cvat_sdk import Client, make_client, models
from cvat_sdk.core.proxies.tasks import ResourceType, Task
from PIL import Image

from limner_allinone.postgres import EmbeddedPostgres
from tests.support.deployment import WORKERS, Deployment
from tests.support.folders import make_enterable
from tests.support.metrics import samples
from tests.support.pictures import picture, write_pictures
from tests.support.product import ADMIN

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """A database, and the variables that lead to a place for objects."""
    folder = tmp_path_factory.mktemp("limner-split")
    if request.config.getoption("--engines"):
        engines = request.getfixturevalue("engines")
        yield engines.new_database(), engines.settings()
        return
    server = EmbeddedPostgres(make_enterable(folder) / "database")
    asyncio.run(server.start())
    yield server.url(), {"LIMNER_OBJECTS_FOLDER": str(folder / "objects")}
    asyncio.run(server.stop())


@pytest.fixture(scope="module")
def deployment(place: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A running deployment; it must end cleanly."""
    database_url, settings = place
    # The gateway listens long enough for a look at it while it drains, also on a busy machine.
    running = Deployment(
        tmp_path_factory.mktemp("deployment"), database_url, settings, of_service={"api": {"LIMNER_DRAIN_SECONDS": "10"}}
    )
    try:
        running.migrate()
        running.start()
        yield running
        codes = running.stop()
        assert codes == dict.fromkeys(codes, 0), codes
    finally:
        running.kill()


@pytest.fixture
def client(deployment: Deployment) -> Iterator[Client]:
    with make_client(deployment.url, credentials=ADMIN) as client:
        client.config.status_check_period = 0.2
        yield client
    deployment.check()


@pytest.fixture(scope="module")
def task_id(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> int:
    """A task of three pictures with a box on each."""
    folder = tmp_path_factory.mktemp("pictures")
    with make_client(deployment.url, credentials=ADMIN) as client:
        client.config.status_check_period = 0.2
        task = client.tasks.create_from_data(
            spec={"name": "split", "labels": [{"name": "car", "attributes": []}]},
            resource_type=ResourceType.LOCAL,
            resources=[str(path) for path in write_pictures(folder, 3)],
            data_params={"image_quality": 80},
        )
        (label,) = task.get_labels()
        task.set_annotations(
            models.LabeledDataRequest(
                shapes=[
                    models.LabeledShapeRequest(
                        type="rectangle", frame=frame, label_id=label.id, points=[1.0 + frame, 2.0, 11.5 + frame, 22.0]
                    )
                    for frame in range(3)
                ]
            )
        )
        return task.id


@pytest.fixture
def task(client: Client, task_id: int) -> Task:
    return client.tasks.retrieve(task_id)


def test_a_task_is_made_annotated_and_read_back(task: Task) -> None:
    assert (task.size, task.mode) == (3, "annotation")
    assert [(shape.frame, shape.points) for shape in task.get_annotations().shapes] == [
        (frame, [1.0 + frame, 2.0, 11.5 + frame, 22.0]) for frame in range(3)
    ]
    frame = Image.open(task.get_frame(2, quality="original"))
    assert frame.convert("RGB").tobytes() == picture(2).tobytes()


def test_a_dataset_goes_out_and_comes_back(task: Task, tmp_path: Path) -> None:
    archive = tmp_path / "coco.zip"
    task.export_dataset("COCO 1.0", archive, include_images=True)
    with zipfile.ZipFile(archive) as opened:
        document = json.loads(opened.read("annotations/instances_default.json"))
        assert "images/image_002.png" in opened.namelist()
    boxes = sorted(annotation["bbox"] for annotation in document["annotations"])
    assert boxes == [[1.0 + frame, 2.0, 10.5, 20.0] for frame in range(3)]
    before = [(shape.frame, shape.points) for shape in task.get_annotations().shapes]
    task.remove_annotations()
    task.import_annotations("COCO 1.0", archive)
    assert [(shape.frame, shape.points) for shape in task.get_annotations().shapes] == before


def test_addresses_are_those_that_clients_see(deployment: Deployment, task: Task) -> None:
    with httpx.Client(base_url=deployment.url, auth=ADMIN, timeout=60, headers={"Host": "label.example:1234"}) as web:
        assert web.get(f"/api/tasks/{task.id}").json()["url"] == f"http://label.example:1234/api/tasks/{task.id}"
        assert web.post(f"/api/tasks/{task.id}/dataset/export?format=COCO%201.0").status_code == 202
        created = web.post(
            f"/api/tasks/{task.id}/annotations/?format=COCO%201.0&filename=a.zip",
            headers={"Upload-Length": "10", "Tus-Resumable": "1.0.0", "Upload-Metadata": "filename YS56aXA="},
        )
        assert created.status_code == 201, created.text
        assert created.headers["location"].startswith("http://label.example:1234/api/")
        path = httpx.URL(created.headers["location"]).path
        head = web.head(path, headers={"Tus-Resumable": "1.0.0"})
        assert (head.status_code, head.headers["upload-offset"], head.headers["upload-length"]) == (200, "0", "10")
        part = web.patch(
            path,
            content=b"12345",
            headers={"Upload-Offset": "0", "Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"},
        )
        assert (part.status_code, part.content, part.headers["upload-offset"]) == (204, b"", "5")


def test_what_has_not_changed_is_not_sent_again(deployment: Deployment, task: Task) -> None:
    address = f"/api/tasks/{task.id}/data?type=chunk&number=0&quality=compressed"
    with httpx.Client(base_url=deployment.url, auth=ADMIN, timeout=60) as web:
        first = web.get(address)
        assert first.status_code == 200
        again = web.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_the_schema_describes_all_services(deployment: Deployment) -> None:
    paths = httpx.get(f"{deployment.url}/api/schema?scheme=json", timeout=30).json()["paths"]
    assert {"/api/tasks", "/api/tasks/{task_id}/data/meta", "/api/jobs/{job_id}/annotations"} <= set(paths)


def test_uploads_take_little_memory_on_their_way(deployment: Deployment, client: Client, tmp_path: Path) -> None:
    """A file much larger than what the gateway may grow by, through a service that keeps it whole."""
    size = 160 * 1024**2
    gateway = psutil.Process(deployment.processes["serve api"].pid)
    task = client.tasks.create({"name": "large", "labels": [{"name": "x", "attributes": []}]})
    before = gateway.memory_info().rss
    with httpx.Client(base_url=deployment.url, auth=ADMIN, timeout=120) as web:
        web.post(f"/api/tasks/{task.id}/data/", headers={"Upload-Start": "true"}, data={"image_quality": "70"})
        created = web.post(
            f"/api/tasks/{task.id}/data/",
            headers={"Upload-Length": str(size), "Tus-Resumable": "1.0.0", "Upload-Metadata": "filename YS5iaW4="},
        )
        assert created.status_code == 201, created.text
        headers = {"Upload-Offset": "0", "Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
        block = b"\0" * (1 << 20)
        part = web.patch(
            httpx.URL(created.headers["location"]).path,
            content=(block for _ in range(size // len(block))),
            headers={**headers, "Content-Length": str(size)},
        )
        assert (part.status_code, part.headers["upload-offset"]) == (204, str(size)), part.text
    assert gateway.memory_info().rss - before < 48 * 1024**2
    task.remove()


def test_every_process_answers_health_and_metrics_on_a_port_of_its_own(deployment: Deployment, task: Task) -> None:
    for title in deployment.processes:
        with httpx.Client(base_url=deployment.health_url(title), timeout=30) as probe:
            assert probe.get("/health/live").json()["service"] == title.split()[1]
            assert probe.get("/health/ready").status_code == 200
            assert probe.get(f"/api/tasks/{task.id}").status_code == 404
            page = probe.get("/metrics").text
        assert samples(page, "limner_database_is_up") == {(title.split()[1],): 1.0}
        if title == "work media":
            assert samples(page, "limner_work_item_seconds_count")["ingest", "done", "media"] >= 1
            assert samples(page, "limner_worker_slots")["media",] >= 1


def test_only_the_public_port_asks_who_wants_to_see_metrics(deployment: Deployment) -> None:
    assert httpx.get(f"{deployment.url}/metrics", timeout=60).status_code == 401
    assert httpx.get(f"{deployment.url}/metrics", auth=ADMIN, timeout=60).status_code == 200
    assert httpx.get(f"http://127.0.0.1:{deployment.ports['media']}/metrics", timeout=60).status_code == 200


def test_a_service_that_is_asked_to_end_finishes_what_it_began(deployment: Deployment, client: Client) -> None:
    """It is not ready from that moment on, ends streams, closes connections behind their answers, and leaves in order."""
    task = client.tasks.create({"name": "draining", "labels": [{"name": "x", "attributes": []}]})
    is_sending, may_end = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"first"
        is_sending.set()
        assert may_end.wait(120)
        yield b"other"

    with ThreadPoolExecutor(2) as pool, httpx.Client(base_url=deployment.url, auth=ADMIN, timeout=120) as web:
        upload = pool.submit(_send, web, task.id, slowly(), 10)
        live = pool.submit(lambda: list(_lines(f"{deployment.url}/api/live")))
        assert is_sending.wait(120)
        process = deployment.processes["serve api"]
        process.send_signal(signal.SIGTERM)
        _wait_until(lambda: httpx.get(f"{deployment.url}/health/ready", timeout=60).status_code == 503)
        about = httpx.get(f"{deployment.url}/api/server/about", timeout=60)
        assert (about.status_code, about.headers["connection"]) == (200, "close")
        assert live.result(120)[0].startswith("retry:")
        _wait_until(lambda: not _is_listening(deployment.ports["api"]))
        assert process.poll() is None, "the upload is not done yet"
        may_end.set()
        part = upload.result(120)
        assert (part.status_code, part.headers["upload-offset"]) == (204, "10")
    assert process.wait(120) == 0  # and without being asked again, which cuts short what is still to be done
    deployment.serve_again("api")
    task.remove()


def _send(web: httpx.Client, task_id: int, content: Iterator[bytes], size: int) -> httpx.Response:
    web.post(f"/api/tasks/{task_id}/data/", headers={"Upload-Start": "true"}, data={"image_quality": "70"})
    tus = {"Tus-Resumable": "1.0.0"}
    announced = {**tus, "Upload-Length": str(size), "Upload-Metadata": "filename YS5iaW4="}
    created = web.post(f"/api/tasks/{task_id}/data/", headers=announced)
    headers = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream", "Content-Length": str(size)}
    return web.patch(httpx.URL(created.headers["location"]).path, content=content, headers=headers)


def _lines(url: str) -> Iterator[str]:
    with httpx.stream("GET", url, auth=ADMIN, timeout=120) as stream:
        yield from stream.iter_lines()


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_service_that_is_away_is_told_apart(deployment: Deployment, task: Task) -> None:
    """The rest goes on, and it is found again when it is back; keep this test the last but one."""
    deployment.stop(["serve annotations"])
    with httpx.Client(base_url=deployment.url, auth=ADMIN, timeout=60) as web:
        gone = web.get(f"/api/tasks/{task.id}/annotations")
        assert (gone.status_code, gone.headers["retry-after"]) == (503, "2")
        assert web.get(f"/api/tasks/{task.id}").status_code == 200
    deployment.serve_again("annotations")
    assert len(task.get_annotations().shapes) == 3


def test_a_worker_that_is_asked_to_end_ends(deployment: Deployment) -> None:
    codes = deployment.stop([f"work {name}" for name in WORKERS])
    assert codes == dict.fromkeys(codes, 0)
