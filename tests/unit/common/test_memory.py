"""Giving memory back: what was freed leaves the process."""

import subprocess
import sys

import pytest

PROGRAM = """
import gc, os, sys, threading
from limner_common.memory import collect_and_give_back, limit_arenas

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def work():
    # Blocks of a size that the C library keeps in its heap, the last one allocated after all others.
    blocks = [bytes(20_000) for _ in range(3000)]
    pins.append(bytes(20_000))
    cycle = [blocks]
    cycle.append(cycle)

limit_arenas()
gc.disable()
pins = []
before = resident()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
grown = resident() - before
collect_and_give_back()
print(grown, resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="about the C library of Linux")
def test_what_threads_have_freed_goes_back_to_the_system() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=300)
    grown, kept = map(int, result.stdout.split())

    assert grown > 50_000_000
    assert kept < grown / 4
