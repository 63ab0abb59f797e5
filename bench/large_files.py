"""Gigabytes up and down through a cluster: ``python -m bench.large_files --gib 5``.

Starts real engines and the product as separate processes on this machine, uploads one archive of photos with the SDK, makes
a task of it, exports the task with its pictures, downloads the result, and compares it with what was sent. It prints how
long each step took and how much more memory than before each group of processes used at most.
"""

import argparse
import contextlib
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from cvat_sdk import Client, make_client, models
from cvat_sdk.core.proxies.tasks import ResourceType
from tests.support.cluster import Cluster
from tests.support.product import ADMIN

from bench.cluster import memory_mib, process_groups, running_cluster
from bench.data import LABELS, Media

_SAMPLE_SECONDS = 0.5


class Peaks:
    """The most memory of each group of processes, sampled by a thread while a step runs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @contextlib.contextmanager
    def of_step(self, title: str, size_bytes: int) -> Iterator[None]:
        """Watch a step that moves so many bytes, and print what it took."""
        before = self._sample()
        peaks, is_over = dict(before), threading.Event()

        def watch() -> None:
            while not is_over.wait(_SAMPLE_SECONDS):
                for name, value in self._sample().items():
                    peaks[name] = max(peaks.get(name, 0.0), value)

        thread = threading.Thread(target=watch)
        thread.start()
        started = time.monotonic()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
        seconds = time.monotonic() - started
        print(f"{title}: {seconds:.0f} s, {size_bytes / seconds / 1e6:.0f} MB/s; growth at most, MiB:")
        grown = sorted(((peaks[name] - before.get(name, 0.0), name) for name in peaks), reverse=True)
        print("  " + ", ".join(f"{name} {value:.0f}" for value, name in grown if value >= 1), flush=True)

    def _sample(self) -> dict[str, float]:
        groups = process_groups(self._cluster)
        return {name: sum(map(memory_mib, processes)) for name, processes in groups.items()}


def main() -> int:
    """Run the steps; fails when what comes back differs."""
    parser = argparse.ArgumentParser(prog="bench.large_files", description="Move large files through a cluster.")
    parser.add_argument("--gib", type=float, default=5.0, help="size of the archive (default: 5)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="limner-large-") as folder, running_cluster(replicas=1) as cluster:
        archive = Path(folder) / "photos.zip"
        count = _write_archive(archive, int(arguments.gib * 2**30))
        print(f"{count} photos, {archive.stat().st_size / 1e9:.2f} GB", flush=True)
        peaks = Peaks(cluster)
        with make_client(cluster.url, credentials=ADMIN) as client:
            task_id = _upload(client, peaks, archive)
            result = Path(folder) / "result.zip"
            _download(client, peaks, task_id, result, archive.stat().st_size)
        _compare(archive, result)
    print(f"all {count} photos came back unchanged")
    return 0


def _write_archive(path: Path, size: int) -> int:
    photos = Media().photos()
    count = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        while path.stat().st_size < size:
            archive.write(photos[count % len(photos)], f"photo_{count:06d}.jpg")
            count += 1
    return count


def _upload(client: Client, peaks: Peaks, archive: Path) -> int:
    spec = models.TaskWriteRequest(name="large", labels=[models.PatchedLabelRequest(name=LABELS[1]["name"])])
    with peaks.of_step("upload and making the task", archive.stat().st_size):
        task = client.tasks.create_from_data(
            spec=spec, resource_type=ResourceType.LOCAL, resources=[archive], status_check_period=1
        )
    return int(task.id)


def _download(client: Client, peaks: Peaks, task_id: int, result: Path, size_bytes: int) -> None:
    with peaks.of_step("export with pictures and download", size_bytes):
        client.tasks.retrieve(task_id).export_dataset("COCO 1.0", result, include_images=True, status_check_period=1)


def _compare(sent: Path, received: Path) -> None:
    with zipfile.ZipFile(sent) as ours, zipfile.ZipFile(received) as theirs:
        sums = {Path(info.filename).name: info.CRC for info in theirs.infolist()}
        wrong = [info.filename for info in ours.infolist() if sums.get(info.filename) != info.CRC]
    if wrong:
        raise SystemExit(f"{len(wrong)} photos are missing or changed, such as {wrong[0]}")


if __name__ == "__main__":
    sys.exit(main())
