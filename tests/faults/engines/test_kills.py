"""Services and workers are killed in the middle of an upload, an ingest, a big save, an export and an import at once."""

import contextlib
import io
import json
import secrets
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.faults.caller import Caller
from tests.faults.engines.conftest import PICTURES, random_picture
from tests.faults.engines.ledger import Fault
from tests.support.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.engines]

_SAVED, _EXCHANGED = 100_000, 10_000
_VICTIMS = {
    "everything": ("serve", "work", "relay"),
    "every api": ("serve api",),
    "every media": ("serve media",),
    "every media worker": ("work media",),
    "every annotations": ("serve annotations",),
    "every annotations worker": ("work annotations",),
    "every exports": ("serve exports",),
    "every exports worker": ("work exports",),
    "every inference and analytics": ("serve inference", "serve analytics"),
    "every relay": ("relay",),
}
#: All at once always; one kind after the other at length.
_CHOICES = [
    pytest.param(name, id=name.replace(" ", "_"), marks=() if name == "everything" else pytest.mark.at_length)
    for name in _VICTIMS
]


def _document(count: int, label_id: int) -> bytes:
    shapes = [
        {"type": "rectangle", "frame": number % PICTURES, "label_id": label_id, "points": [1.0, 2.0, 30.5, 40.25]}
        for number in range(count)
    ]
    return json.dumps({"version": 0, "tags": [], "shapes": shapes, "tracks": []}).encode()


@dataclass(frozen=True)
class Bench:
    """Tasks that operations are done on.

    Attributes:
        saved: Path of the annotations to save.
        document: What is saved there.
        exported: A task with annotations.
        dataset: Its export, to be imported.
        imported: A task to import into.
    """

    saved: str
    document: bytes
    exported: int
    dataset: bytes
    imported: int


@pytest.fixture(scope="module")
def bench(cluster: Cluster, pictures: Path) -> Bench:
    cluster.mend()
    caller = Caller(cluster)
    saved, exported, imported = (caller.data_task(name, pictures) for name in ("saved", "exported", "imported"))
    caller.send("PUT", _annotations(caller, exported), content=_document(_EXCHANGED, caller.label_id(exported)))
    done = caller.finish(_start_export(caller, exported))
    dataset = caller.send("GET", done["result_url"]).content
    document = _document(_SAVED, caller.label_id(saved))
    path = _annotations(caller, saved)
    caller.close()
    return Bench(path, document, exported, dataset, imported)


@dataclass
class Upload:
    """A file that is sent slowly, and goes on from where the server says it is."""

    caller: Caller
    path: str
    content: bytes

    def drip(self) -> None:
        """Send the second half in small pieces; the death of who reads them may break it off."""
        half = len(self.content) // 2

        def pieces() -> Iterator[bytes]:
            for start in range(half, len(self.content), 65536):
                time.sleep(0.1)
                yield self.content[start : start + 65536]

        headers = {"Upload-Offset": str(half), "Content-Type": "application/offset+octet-stream"}
        with contextlib.suppress(httpx.HTTPError, AssertionError):
            self.caller.send("PATCH", self.path, headers=headers, content=pieces())

    def complete(self) -> None:
        """Send what is missing."""
        offset = self.caller.offset(self.path)
        assert len(self.content) // 2 <= offset <= len(self.content)
        assert self.caller.append(self.path, offset, self.content[offset:]) == len(self.content)


@pytest.mark.parametrize("victims", _CHOICES)
def test_killed_during_upload_ingest_save_export_and_import(
    broken: Cluster, caller: Caller, bench: Bench, pictures: Path, fault: Fault, victims: str
) -> None:
    for path in (bench.saved, _annotations(caller, bench.imported)):
        caller.send("DELETE", path)
    upload = _begin_upload(caller, random_picture())
    ingested = caller.new_task("ingested")
    caller.upload(ingested, pictures)

    with ThreadPoolExecutor(2) as pool:
        dripping = pool.submit(upload.drip)
        export_id = _start_export(caller, bench.exported)
        import_id = _start_import(caller, bench)
        ingest_id = caller.start_data(ingested)
        saving = pool.submit(_save, caller, bench)
        time.sleep(0.6)
        titles = [title for beginning in _VICTIMS[victims] for title in broken.titles(f"{beginning} ")]
        broken.kill(titles)
        time.sleep(0.5)
        broken.mend()
        dripping.result(120)
        was_accepted = saving.result(120)

    upload.complete()
    task_id = int(upload.path.split("/")[3])
    caller.finish(caller.start_data(task_id))
    stored = caller.send("GET", f"/api/tasks/{task_id}/data?type=frame&number=0&quality=original").content
    assert stored == upload.content
    _check_ingest(caller, ingested, ingest_id)
    _check_save(caller, bench, was_accepted)
    _check_export(caller, export_id)
    caller.finish(import_id)
    assert len(_ids(caller, _annotations(caller, bench.imported))) == _EXCHANGED
    fault.written = 1 + PICTURES + _SAVED + 2 * _EXCHANGED
    fault.compared = fault.written
    fault.note = f"{len(titles)} killed; the save was {'answered' if was_accepted else 'broken off'}"


def _annotations(caller: Caller, task_id: int) -> str:
    return f"/api/jobs/{caller.first_job(task_id)}/annotations"


def _begin_upload(caller: Caller, content: bytes) -> Upload:
    path = caller.announce(caller.new_task("uploaded"), "photo.png", len(content))
    half = len(content) // 2
    assert caller.append(path, 0, content[:half]) == half
    return Upload(caller, path, content)


def _start_export(caller: Caller, task_id: int) -> str:
    path = f"/api/tasks/{task_id}/dataset/export?format=COCO 1.0&save_images=false"
    return str(caller.send("POST", f"{path}&filename={secrets.token_hex(4)}.zip").json()["rq_id"])


def _start_import(caller: Caller, bench: Bench) -> str:
    path = f"/api/tasks/{bench.imported}/annotations/?format=COCO 1.0"
    return str(caller.send("POST", path, files={"annotation_file": ("coco.zip", bench.dataset)}).json()["rq_id"])


def _save(caller: Caller, bench: Bench) -> bool:
    """Add the document; returns whether the client was told that it is stored."""
    try:
        caller.send("PATCH", f"{bench.saved}?action=create", content=bench.document)
    except (httpx.HTTPError, AssertionError):
        return False
    return True


def _check_ingest(caller: Caller, task_id: int, request_id: str) -> None:
    caller.finish(request_id)
    assert caller.get(f"/api/tasks/{task_id}")["size"] == PICTURES
    jobs = caller.get(f"/api/jobs?task_id={task_id}")["results"]
    assert [(job["start_frame"], job["stop_frame"]) for job in jobs] == [(0, PICTURES - 1)]
    assert len(caller.get(f"/api/tasks/{task_id}/data/meta")["frames"]) == PICTURES
    assert [request["id"] for request in caller.requests_of(task_id, "create:task")] == [request_id]


def _check_save(caller: Caller, bench: Bench, was_accepted: bool) -> None:
    """All of it or nothing is there; what was accepted is there; saved again it is there once."""
    found = len(_ids(caller, bench.saved))
    assert found == _SAVED or (found == 0 and not was_accepted)
    caller.send("PUT", bench.saved, content=bench.document)
    assert len(_ids(caller, bench.saved)) == _SAVED


def _check_export(caller: Caller, request_id: str) -> None:
    result = caller.send("GET", caller.finish(request_id)["result_url"])
    with zipfile.ZipFile(io.BytesIO(result.content)) as archive:
        assert archive.testzip() is None
        (name,) = (name for name in archive.namelist() if name.endswith(".json"))
        dataset = json.loads(archive.read(name))
    assert (len(dataset["images"]), len(dataset["annotations"])) == (PICTURES, _EXCHANGED)


def _ids(caller: Caller, path: str) -> set[int]:
    shapes = caller.get(path)["shapes"]
    ids = {shape["id"] for shape in shapes}
    assert len(ids) == len(shapes)
    return ids
