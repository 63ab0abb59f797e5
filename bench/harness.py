"""Runs scenarios on one running product and keeps the rows they measure."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
from tests.support.product import ADMIN, Product

from bench.client import Client
from bench.data import Media
from bench.load import Load, run_load
from bench.measures import Row
from bench.memory import MemoryWatch, Usage
from bench.report import print_row

_QUIET_SHARE = 0.1
_QUIET_SECONDS = 0.2
_QUIET_PATIENCE_SECONDS = 10.0


class Bench:
    """What scenarios work with.

    Attributes:
        product: The running product.
        client: Signed in as the administrator.
        media: Synthetic files.
        memory: Watches the product's processes.
        rows: What was measured, by scenario.
    """

    def __init__(self, product: Product, media: Media) -> None:
        self.product = product
        self.media = media
        self.client = Client(product.url, *ADMIN)
        assert product.process is not None
        self.memory = MemoryWatch(product.process.pid)
        self.rows: dict[str, list[Row]] = {}
        self.scenario = ""

    def add(self, row: Row, usage: Usage | None = None) -> None:
        """Keep and print a row."""
        if usage is not None:
            row = with_usage(row, usage)
        self.rows.setdefault(self.scenario, []).append(row)
        print_row(row)

    def load(
        self,
        paths: list[str],
        *,
        clients: int,
        seconds: float | None = None,
        count: int | None = None,
        port: int | None = None,
    ) -> Load:
        """Ask from a process of its own: the product, or the bare server on ``port``."""
        headers: Mapping[str, str] = self.client.headers if port is None else {}
        host = self.client.host if port is None else "127.0.0.1"
        target = self.client.port if port is None else port
        return run_load(host, target, paths, headers, clients=clients, seconds=seconds, count=count)

    def quiet(self) -> None:
        """Wait until the product does nothing, such as work ahead, or patience ends."""
        deadline = time.monotonic() + _QUIET_PATIENCE_SECONDS
        before = self._busy_seconds()
        while time.monotonic() < deadline:
            time.sleep(_QUIET_SECONDS)
            after = self._busy_seconds()
            if (after - before) / _QUIET_SECONDS < _QUIET_SHARE:
                return
            before = after

    def database_url(self) -> str:
        """Return the address of the product's database, found at its server process."""
        for process in self.product.tree():
            with contextlib.suppress(psutil.Error):
                command = process.cmdline()
                if Path(command[0]).name == "postgres" and "-k" in command:
                    return f"postgresql://postgres@/limner?host={command[command.index('-k') + 1]}"
        raise RuntimeError("the product runs no database of its own")

    def close(self) -> None:
        """Release everything but the product."""
        self.memory.close()
        self.client.close()

    def _busy_seconds(self) -> float:
        total = 0.0
        for process in self.product.tree():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
        return total


def with_usage(row: Row, usage: Usage) -> Row:
    """Return a row with the memory that was used meanwhile."""
    return Row(
        what=row.what,
        unit=row.unit,
        samples=row.samples,
        aim=row.aim,
        limit_name=row.limit_name,
        limit_samples=row.limit_samples,
        peak_mib=usage.peak,
        grown_mib=usage.grown,
        notes=row.notes,
    )


@contextlib.contextmanager
def running_bench() -> Iterator[Bench]:
    """Start the product on a home of its own, and remove it afterwards."""
    media = Media()
    with tempfile.TemporaryDirectory(prefix="limner-bench-") as folder:
        Path(folder).chmod(0o711)  # as root the database runs as `nobody`
        product = Product(Path(folder) / "home", {"LIMNER_LOG_LEVEL": "warning"}).start()
        bench = None
        try:
            bench = Bench(product, media)
            yield bench
        finally:
            if bench is not None:
                bench.close()
            product.kill()
