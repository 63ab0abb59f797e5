"""What the README tells a newcomer to type works as it stands."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.folders import make_enterable
from tests.support.pictures import write_pictures
from tools.engines.engine import free_ports

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """``make run`` on an empty home: the port, and the password it printed."""
    home = make_enterable(tmp_path_factory.mktemp("readme-home"))
    (port,) = free_ports(1)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LIMNER_", "MAKE"))}
    process = subprocess.Popen(
        ["make", "run", f"PORT={port}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**environment, "LIMNER_HOME": str(home), "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    lines: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if "Limner is ready" in line:
                ready.set()
        process.stdout.close()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert ready.wait(300), "".join(lines)
        password = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("Password:"))
        yield port, password
    finally:
        os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C in a terminal does
        process.wait(120)
        reader.join(60)


def commands() -> list[str]:
    """The client's commands in the README's code blocks, continuation lines joined."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    joined = "\n".join(blocks).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.startswith("cvat-cli")]


def test_the_first_commands_of_the_readme_work(started: tuple[int, str], tmp_path: Path) -> None:
    port, password = started
    write_pictures(tmp_path, 2, extension="jpg")
    (tmp_path / "image_000.jpg").rename(tmp_path / "photo1.jpg")
    (tmp_path / "image_001.jpg").rename(tmp_path / "photo2.jpg")
    found = commands()
    assert len(found) >= 3
    for command in found:
        text = command.replace("localhost:8080", f"localhost:{port}").replace("admin:PASSWORD", f"admin:{password}")
        arguments = [str(Path(sys.executable).with_name("cvat-cli")), *shlex.split(text)[1:]]
        result = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    assert (tmp_path / "out.zip").stat().st_size > 0
