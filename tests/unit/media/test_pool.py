"""The worker processes of media, from their first call to their end."""

import errno
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from limner_common.errors import Unavailable
from limner_media.pool.processes import ProcessPool

_SERVICE = """
import asyncio, os
from limner_media.pool.processes import ProcessPool

async def main():
    pool = ProcessPool(2, queue_limit=8, call_seconds=60, max_pixels=1000, name="test")
    print(await pool.run(os.getpid), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_worker_processes_end_with_a_service_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "service.py"
    script.write_text(_SERVICE)
    service = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert service.stdout is not None
    try:
        child = psutil.Process(int(service.stdout.readline()))
        started = psutil.Process(service.pid).children(recursive=True)
        assert child in started
    finally:
        service.kill()
        service.wait()
        service.stdout.close()
    deadline = time.monotonic() + 60
    while left := [process for process in started if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


async def test_a_call_that_meets_an_executor_closing_its_pipes_is_made_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit, broken = ProcessPoolExecutor.submit, []

    def fail_once(executor: ProcessPoolExecutor, *call: Any) -> Any:
        if not broken:
            broken.append(executor)
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return submit(executor, *call)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", fail_once)
    pool = new_pool()
    assert await pool.run(os.getpid) != os.getpid()
    assert len(broken) == 1
    await pool.close()


async def test_a_machine_that_can_start_no_process_says_that_reading_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(ProcessPoolExecutor, "submit", fail)
    pool = new_pool()
    with pytest.raises(Unavailable, match="Reading the media failed"):
        await pool.run(os.getpid)
    await pool.close()


def new_pool() -> ProcessPool:
    return ProcessPool(1, queue_limit=8, call_seconds=60, max_pixels=1000, name="test")
