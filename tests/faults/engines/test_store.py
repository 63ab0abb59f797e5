"""The object store stops, refuses or breaks off: reads are repeated, then refused; nothing wrong is kept or served."""

import io
import os
import zipfile

import httpx
import pytest
from PIL import Image

from tests.faults.caller import Caller
from tests.faults.engines.ledger import Fault
from tests.support.cluster import Cluster, wait_until
from tests.support.engines import Engines
from tests.support.wires import Wire

pytestmark = [pytest.mark.faults, pytest.mark.engines]

_PICTURES = 12
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/xml\r\nContent-Length: 67\r\nConnection: close\r\n\r\n"
    b"<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error"
)


@pytest.fixture(scope="module")
def originals() -> list[bytes]:
    """Pictures that do not compress, 0.7 MB each."""
    contents = []
    for _ in range(_PICTURES):
        out = io.BytesIO()
        Image.frombytes("RGB", (600, 400), os.urandom(600 * 400 * 3)).save(out, "PNG", compress_level=0)
        contents.append(out.getvalue())
    return contents


def _archive(originals: list[bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, content in enumerate(originals):
            archive.writestr(f"noise_{number:03d}.png", content)
    return out.getvalue()


def _start(caller: Caller, originals: list[bytes], name: str) -> tuple[int, str]:
    task_id = caller.new_task(name)
    content = _archive(originals)
    path = caller.announce(task_id, "noise.zip", len(content))
    assert caller.append(path, 0, content) == len(content)
    return task_id, caller.start_data(task_id)


def _chunk(web: httpx.Client, task_id: int) -> httpx.Response:
    return web.get(f"/api/tasks/{task_id}/data?type=chunk&number=0&quality=original")


def _pictures(chunk: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(chunk)) as archive:
        assert archive.testzip() is None
        return [archive.read(name) for name in sorted(archive.namelist())]


@pytest.mark.at_length
def test_minio_stops_and_comes_back(
    broken: Cluster, caller: Caller, web: httpx.Client, mortal_engines: Engines, originals: list[bytes], fault: Fault
) -> None:
    task_id, request_id = _start(caller, originals, "stopped")
    caller.finish(request_id)
    mortal_engines.stack.minio.kill()
    gone = _chunk(web, task_id)
    assert (gone.status_code, "retry-after" in gone.headers) == (503, True), gone.text
    mortal_engines.stack.minio.start()
    wait_until(lambda: _chunk(web, task_id).status_code == 200, "the store to be found again")
    assert _pictures(_chunk(web, task_id).content) == originals
    fault.written = fault.compared = len(originals)
    fault.note = gone.json()["detail"]


def test_minio_answers_503(
    broken: Cluster, caller: Caller, web: httpx.Client, store_wire: Wire, originals: list[bytes], fault: Fault
) -> None:
    task_id, request_id = _start(caller, originals, "read while busy")
    caller.finish(request_id)
    waiting = caller.new_task("made while busy")
    content = _archive(originals)
    path = caller.announce(waiting, "noise.zip", len(content))
    caller.append(path, 0, content)
    store_wire.instead = _BUSY
    store_wire.cut()
    busy = _chunk(web, task_id)
    assert (busy.status_code, "retry-after" in busy.headers) == (503, True), busy.text
    waiting_id = caller.start_data(waiting)
    store_wire.mend()
    wait_until(lambda: _chunk(web, task_id).status_code == 200, "the store to be asked again")
    caller.finish(waiting_id)
    for made in (task_id, waiting):
        assert _pictures(_chunk(web, made).content) == originals
    fault.written = fault.compared = 2 * len(originals)
    fault.note = busy.json()["detail"]


def test_minio_breaks_off_downloads(
    broken: Cluster,
    caller: Caller,
    web: httpx.Client,
    mortal_engines: Engines,
    store_wire: Wire,
    originals: list[bytes],
    fault: Fault,
) -> None:
    task_id, request_id = _start(caller, originals, "broken off")
    caller.finish(request_id)
    store_wire.cut_each_after(1000)
    nothing = _chunk(web, task_id)
    assert nothing.status_code == 503, "no download gets on"
    store_wire.cut_each_after(2_500_000)
    pieced = _chunk(web, task_id)
    assert _pictures(pieced.raise_for_status().content) == originals, "put together of pieces"
    store_wire.mend()
    assert _chunk(web, task_id).content == pieced.content, "as cached"
    mortal_engines.flush_redis()
    assert _pictures(_chunk(web, task_id).raise_for_status().content) == originals, "as stored"
    fault.written, fault.compared = len(originals), 3 * len(originals)
    fault.note = nothing.json()["detail"]
