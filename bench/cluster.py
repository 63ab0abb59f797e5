"""The product as a cluster on this machine, for runs that measure all of it: its processes by what they are."""

import contextlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil
from tests.support.cluster import Cluster
from tests.support.engines import own_engines
from tests.support.nursery import Nursery

from bench.memory import MEBIBYTE


@contextlib.contextmanager
def running_cluster(*, replicas: int) -> Iterator[Cluster]:
    """Start engines, services, workers and relays, and a balancer in front; all end with the block."""
    with tempfile.TemporaryDirectory(prefix="limner-bench-cluster-") as folder, own_engines() as engines:
        nursery = Nursery()
        extra = {"LIMNER_LOG_LEVEL": "warning", "LIMNER_DATABASE_POOL_SIZE": "8"}
        try:
            with Cluster(Path(folder), engines, nursery, replicas=replicas, extra=extra).running() as cluster:
                yield cluster
        finally:
            nursery.close()


def process_groups(cluster: Cluster) -> dict[str, list[psutil.Process]]:
    """Return the processes of each service, of its workers, and of each engine, with their children."""
    groups: dict[str, list[psutil.Process]] = defaultdict(list)
    for title, member in cluster.members.items():
        if member.process is not None:
            groups[title.rpartition(" ")[0]] += _tree(member.process.pid)
    for engine in cluster.engines.stack.engines:
        if (process := engine.daemon.process()) is not None:
            groups[engine.name] += _tree(process.pid)
    return groups


def processor_seconds(process: psutil.Process) -> float:
    """Return what a process and its ended children took so far."""
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def memory_mib(process: psutil.Process) -> float:
    """Return what a process holds for itself: resident less shared."""
    with contextlib.suppress(psutil.Error):
        memory = process.memory_info()
        return float(memory.rss - memory.shared) / MEBIBYTE
    return 0.0


def _tree(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []
