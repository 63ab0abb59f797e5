"""Starting where something is in the way, and stopping."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.faults.caller import Caller
from tests.support.product import ADMIN, Product

pytestmark = pytest.mark.faults


def up(home: Path, port: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "limner_allinone", "up", "--port", str(port), "--home", str(home)]
    environment = {**os.environ, "LIMNER_ADMIN_USER": ADMIN[0], "LIMNER_ADMIN_PASSWORD": ADMIN[1]}
    return subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)


def is_one_line_for_people(result: subprocess.CompletedProcess[str]) -> bool:
    lines = result.stderr.strip().splitlines()
    return len(lines) == 1 and lines[0].startswith("limner: ") and "Traceback" not in result.stdout


def test_a_second_product_on_the_same_home_says_so(product: Product) -> None:
    result = up(product.home)
    assert result.returncode == 1
    assert is_one_line_for_people(result)
    assert f"Another Limner is running on {product.home}" in result.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = up(tmp_path, port)
    assert result.returncode == 1
    assert is_one_line_for_people(result)
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr and "--port" in result.stderr


def test_a_home_of_a_newer_version_is_left_alone(homes: Path) -> None:
    home = homes / "newer"
    home.mkdir()
    (home / "version").write_text("99.0.0\n")
    result = up(home)
    assert result.returncode == 1
    assert is_one_line_for_people(result)
    assert "was last used by Limner 99.0.0" in result.stderr
    assert (home / "version").read_text() == "99.0.0\n"
    assert not (home / "postgres").exists()


def test_an_interrupted_product_ends_and_finds_everything_again(product: Product, caller: Caller) -> None:
    heard = len(product.lines)  # what it said when others killed it is their matter
    task_id = caller.new_task("kept")
    processes = product.tree()
    assert product.stop() == 0
    _, left = psutil.wait_procs(processes, timeout=60)
    assert [process.cmdline() for process in left] == []
    assert not any("Traceback" in line for line in product.lines[heard:])
    product.start()
    assert caller.get(f"/api/tasks/{task_id}")["name"] == "kept"
