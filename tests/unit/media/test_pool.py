"""The worker processes of media, from their first call to their end."""

import subprocess
import sys
import time
from pathlib import Path

import psutil

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
