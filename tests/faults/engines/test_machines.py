"""Machines whose clocks differ, and one whose disk is full."""

import io
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.caller import Caller
from tests.faults.engines.conftest import random_picture
from tests.faults.engines.ledger import Fault
from tests.support.cluster import Cluster, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.engines]

_SKEWED_CLOCK = Path("tests/support/skewed_clock.c").resolve()


@pytest.fixture
def skewed_clock(tmp_path: Path) -> Path:
    """A library that tells programs another time of day."""
    if (compiler := shutil.which("cc")) is None:
        pytest.skip("needs a C compiler (on Debian: apt-get install gcc libc6-dev)")
    library = tmp_path / "skewed_clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_SKEWED_CLOCK), "-ldl"], check=True)
    return library


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"needs the right to mount: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _restart(cluster: Cluster, titles: list[str], **extra: str) -> None:
    cluster.kill(titles)
    for title in titles:
        cluster.members[title].extra.update(extra)
    cluster.start(titles)
    time.sleep(1)


def _export(caller: Caller, task_id: int, *, with_pictures: bool) -> str:
    path = f"/api/tasks/{task_id}/dataset/export?format=COCO 1.0&save_images={str(with_pictures).lower()}"
    return str(caller.send("POST", path).json()["rq_id"])


def _archive(caller: Caller, request: dict[str, str]) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(caller.send("GET", request["result_url"]).content))


@pytest.mark.at_length
def test_clocks_differ_by_five_minutes(
    broken: Cluster, caller: Caller, pictures: Path, skewed_clock: Path, fault: Fault
) -> None:
    titles = [title for title in broken.members if " media " in title or " exports " in title]
    _restart(broken, titles, LD_PRELOAD=str(skewed_clock), CLOCK_SKEW_SECONDS="300")
    task_id = caller.data_task("skewed", pictures)
    label_id = caller.label_id(task_id)
    path = f"/api/jobs/{caller.first_job(task_id)}/annotations"
    shape = {"type": "rectangle", "frame": 0, "label_id": label_id, "points": [1, 2, 30, 40]}
    caller.send("PUT", path, json={"version": 0, "tags": [], "shapes": [shape] * 10, "tracks": []})
    assert len(caller.get(path)["shapes"]) == 10
    assert caller.send("GET", f"/api/tasks/{task_id}/data?type=chunk&number=0&quality=compressed").content
    with _archive(caller, caller.finish(_export(caller, task_id, with_pictures=False))) as archive:
        assert archive.testzip() is None
        assert archive.read("annotations/instances_default.json").count(b'"bbox"') == 10
    fault.written = fault.compared = 10
    fault.note = f"{len(titles)} processes of media and exports are 300 s ahead"


def test_a_worker_whose_disk_is_full_leaves_work_to_another(
    broken: Cluster, caller: Caller, small_disk: Path, tmp_path: Path, fault: Fault
) -> None:
    originals = [random_picture() for _ in range(2)]
    source = tmp_path / "noise.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for number, content in enumerate(originals):
            archive.writestr(f"noise_{number}.png", content)
    task_id = caller.data_task("disk full", source)
    full, other = broken.titles("work exports ")
    broken.kill([other])
    _restart(broken, [full], LIMNER_SCRATCH_FOLDER=str(small_disk))
    request_id = _export(caller, task_id, with_pictures=True)
    wait_until(lambda: "worker_disk_full" in broken.log(full), "the worker to find its disk full")
    broken.start([other])
    with _archive(caller, caller.finish(request_id)) as archive:
        stored = [archive.read(name) for name in sorted(archive.namelist()) if name.endswith(".png")]
    assert stored == originals
    fault.written = fault.compared = len(originals)
    fault.note = "made by the other worker"
