"""Memory of the product's processes, sampled by a thread.

Counted is what a process holds for itself (resident less shared): pages of libraries and PostgreSQL's shared buffers would
otherwise count once per process.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

MEBIBYTE = 1024 * 1024
_SAMPLE_SECONDS = 0.05
_LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Usage:
    """Memory while something ran, in MiB.

    Attributes:
        before: When it began.
        peak: At most.
        worker_before: Of the worker process, without its children, when it began.
        worker_peak: Of the same at most.
    """

    before: float = 0.0
    peak: float = 0.0
    worker_before: float = 0.0
    worker_peak: float = 0.0

    @property
    def grown(self) -> float:
        """How much more than before was used at most."""
        return max(0.0, self.peak - self.before)

    @property
    def worker_grown(self) -> float:
        """How much more than before the worker used at most."""
        return max(0.0, self.worker_peak - self.worker_before)


class MemoryWatch:
    """Looks at a process tree until closed.

    Args:
        root: Process id of the parent of all.
    """

    def __init__(self, root: int) -> None:
        self._root = psutil.Process(root)
        self._processes: list[psutil.Process] = []
        self._workers: list[psutil.Process] = []
        self._usages: list[Usage] = []
        self._is_closed = threading.Event()
        self._look_again_at = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def usage(self) -> Iterator[Usage]:
        """Watch while the block runs; the value is complete afterwards."""
        total, workers = self._sample(look=True)
        usage = Usage(total, total, workers, workers)
        self._usages.append(usage)
        try:
            yield usage
        finally:
            self._usages.remove(usage)
            _raise_to(usage, *self._sample(look=True))

    def now(self) -> float:
        """Return the memory in use, MiB."""
        return self._sample(look=True)[0]

    def close(self) -> None:
        """End the thread."""
        self._is_closed.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._is_closed.wait(_SAMPLE_SECONDS):
            if self._usages:
                look = time.monotonic() >= self._look_again_at
                total, workers = self._sample(look=look)
                for usage in list(self._usages):
                    _raise_to(usage, total, workers)

    def _sample(self, *, look: bool) -> tuple[float, float]:
        if look:
            self._look()
        total = sum(_private(process) for process in self._processes)
        workers = sum(_private(process) for process in self._workers)
        return total, workers

    def _look(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            self._processes = [self._root, *self._root.children(recursive=True)]
            self._workers = [process for process in self._root.children() if _is_worker(process)]
        self._look_again_at = time.monotonic() + _LOOK_SECONDS


def _raise_to(usage: Usage, total: float, workers: float) -> None:
    usage.peak = max(usage.peak, total)
    usage.worker_peak = max(usage.worker_peak, workers)


def _private(process: psutil.Process) -> float:
    try:
        memory = process.memory_info()
    except psutil.Error:
        return 0.0
    return (memory.rss - memory.shared) / MEBIBYTE


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "embedded-workers" in process.cmdline()
    except psutil.Error:
        return False
